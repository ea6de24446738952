// SPDX-License-Identifier: Apache-2.0
// For calibrate_test.sh: writes a toy model for the set `shapes` whose stored validation accuracies are one right
// answer off, so that `limber eval` has something to find. usage: forged_model FILE
#include "design/evaluate.h"
#include "design/test_images.h"
#include "formats/model_file.h"

int main(int count, char** arguments) {
  if (count != 2) return 2;
  using namespace limber;
  Network network = toy::blocks(32, 10);
  const Images images = read_data_set("shapes", "validation");
  const auto model = Model::build(network);
  for (int m = 0; m < model->members(); ++m) {
    const double top1 = count_right(model, m, images).top1() + 1.0 / static_cast<double>(images.count);
    network.family[static_cast<std::size_t>(m)].accuracies = {
        {top1, "shapes", "validation", images.hash, images.count}};
  }
  write_model(network, arguments[1]);
}
