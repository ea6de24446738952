// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/subject.h"

#include <algorithm>
#include <random>

#include "platform/machine.h"

namespace limber::tool {
namespace {

SessionOptions session_options(const std::vector<int>& cores, std::function<void(std::size_t)> stepped) {
  SessionOptions options;
  options.cores = cores;
  options.stepped = std::move(stepped);
  pin_thread({cores.front()});
  return options;
}

}  // namespace

Subject::Subject(std::shared_ptr<const Model> model, const std::vector<int>& cores,
                 std::function<void(std::size_t)> stepped)
    : model_(std::move(model)), cores_(cores), session_(model_, session_options(cores, std::move(stepped))) {
  std::size_t largest = 0;
  for (int member = 0; member < model_->members(); ++member) largest = std::max(largest, size(member));
  noise_.resize(largest);
  std::mt19937 random(1);
  std::normal_distribution<float> noise;
  for (float& value : noise_) value = noise(random);
  answers_.reserve(static_cast<std::size_t>(model_->outputs()));
}

void Subject::infer() {
  const int member = session_.active();
  answers_.resize(static_cast<std::size_t>(model_->outputs(member)));
  session_.infer({1, {}, input(member)}, answers_);
}

}  // namespace limber::tool
