// SPDX-License-Identifier: Apache-2.0
// What `limber bench` measures: a session and an input for each member. Layer: tool.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "network/session.h"

namespace limber::tool {

// The model's members with one image of noise each (fixed seed), as floats, so that peers read the very same numbers.
// One thread at a time; the thread is pinned to the cores by construction.
class Subject {
 public:
  // stepped: as in SessionOptions.
  Subject(std::shared_ptr<const Model> model, const std::vector<int>& cores,
          std::function<void(std::size_t)> stepped = {});

  const Model& model() const { return *model_; }
  Session& session() { return session_; }
  const std::vector<int>& cores() const { return cores_; }
  void select(int member) { session_.select(member); }
  void infer();           // the active member
  void run(int member) {  // as an application does that has chosen
    session_.select(member);
    infer();
  }
  std::span<const float> input(int member) const { return std::span(noise_).first(size(member)); }
  std::span<const float> answers() const { return answers_; }

 private:
  std::size_t size(int member) const {
    return static_cast<std::size_t>(model_->input_channels(member) * model_->input_height(member) *
                                    model_->input_width(member));
  }

  std::shared_ptr<const Model> model_;
  std::vector<int> cores_;
  Session session_;
  std::vector<float> noise_;  // of the largest input
  std::vector<float> answers_;
};

}  // namespace limber::tool
