// SPDX-License-Identifier: Apache-2.0
// The families that ship, on the images they were measured on: members answer as their file says, and collapse without
// statistics of their own.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/need_in_test.h"
#include "design/calibrate_norms.h"
#include "design/evaluate.h"
#include "design/search/pareto.h"
#include "formats/model_file.h"
#include "network/model.h"

namespace limber {
namespace {

class ShippedFamily : public testing::TestWithParam<const char*> {
 protected:
  static Network shipped() { return read_model(fmt::format("{}/{}.safetensors", LIMBER_MODELS, GetParam())); }
};
INSTANTIATE_TEST_SUITE_P(Models, ShippedFamily, testing::Values("cifar10-ofa", "cifar10-ofa-small"));

const Accuracy& test_accuracy(const Member& member) {
  for (const Accuracy& accuracy : member.accuracies) {
    if (accuracy.split == "test") return accuracy;
  }
  fail(ErrorCode::kInternal, "{} has no accuracy on test images", member.name);
}

TEST_P(ShippedFamily, IsAParetoFrontOfEightOrMoreOverAFactorOfEight) {
  const auto model = Model::build(shipped());
  ASSERT_GE(model->members(), 8);
  EXPECT_GE(model->macs(model->members() - 1), 8 * model->macs(0));
  std::vector<Objectives> points;  // on the images that chose it
  for (int m = 0; m < model->members(); ++m) {
    for (const Accuracy& accuracy : model->member(m).accuracies) {
      if (accuracy.split == "validation") points.push_back({static_cast<double>(m), accuracy.top1});
    }
  }
  EXPECT_EQ(pareto_front(points).size(), static_cast<std::size_t>(model->members()));
}

// Those of a second or two; `limber eval` does the same for all.
TEST_P(ShippedFamily, AnswersAsTheFileSays) {
  LIMBER_NEED(Images, images, read_data_set("cifar10-jpeg", "test"));
  const auto model = Model::build(shipped());
  // A tie may fall the other way with kernels that round differently from those that measured.
  const int64_t tolerance = model->isa() == "avx512" ? 0 : 3;
  for (int m = 0; m < model->members() && model->macs(m) <= 15'000'000; ++m) {
    const Accuracy& stored = test_accuracy(model->member(m));
    ASSERT_EQ(stored.data_hash, images.hash);
    const auto right = std::llround(stored.top1 * static_cast<double>(stored.samples));
    EXPECT_NEAR(static_cast<double>(count_right(model, m, images).right), static_cast<double>(right),
                static_cast<double>(tolerance))
        << model->member(m).name;
  }
}

TEST_P(ShippedFamily, CollapsesWithoutItsStatistics) {
  LIMBER_NEED(Images, images, read_data_set("cifar10-jpeg", "test"));
  Network network = shipped();
  std::vector<double> stored;
  for (std::size_t m = 0; m < network.family.size(); ++m) {
    stored.push_back(test_accuracy(network.family[m]).top1);
    store_norms(&network, m, {});  // the largest sub-network's remain
  }
  network.hash.clear();
  const auto model = Model::build(network);
  const Images some = drawn_images(images, 1000, 1);
  EXPECT_LT(count_right(model, 0, some).top1(), stored[0] - 0.2) << "the smallest with the largest's statistics";
}

}  // namespace
}  // namespace limber
