// SPDX-License-Identifier: Apache-2.0
// A C++ program on the installed library: lists a model's members.
#include <limber/limber.h>

#include <iostream>
#include <memory>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " MODEL\n";
    return 2;
  }
  const std::unique_ptr<limber_model, void (*)(limber_model*)> model(limber_model_open(argv[1], nullptr),
                                                                     limber_model_free);
  if (!model) {
    std::cerr << limber_last_error() << '\n';
    return 1;
  }
  for (int member = 0; member < limber_model_members(model.get()); ++member) {
    std::cout << limber_model_member_name(model.get(), member) << ": " << limber_model_macs(model.get(), member)
              << " multiply-accumulates\n";
  }
}
