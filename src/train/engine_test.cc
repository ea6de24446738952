// SPDX-License-Identifier: Apache-2.0
// The engine against libtorch on trained weights, every member, through plans and through exits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "network/session.h"
#include "train/test_networks.h"
#include "train/trainer.h"

namespace limber::train {
namespace {

std::vector<float> softmax(std::vector<float> values, std::size_t classes) {
  for (std::size_t i = 0; i < values.size(); i += classes) {
    const auto row = values.begin() + static_cast<std::ptrdiff_t>(i);
    const auto end = row + static_cast<std::ptrdiff_t>(classes);
    const float top = *std::max_element(row, end);
    float sum = 0;
    for (auto value = row; value != end; ++value) sum += * value = std::exp(*value - top);
    for (auto value = row; value != end; ++value) *value /= sum;
  }
  return values;
}

TEST(Engine, AgreesWithLibtorchForEveryMember) {
  for (const bool nested : {false, true}) {
    const TrainingData data{tiny_images(192, 1), tiny_images(48, 2), [] { return tiny_images(60, 3); }};
    const Images pictures = tiny_images(40, 4);
    Network network = train(tiny_recipe(3), tiny_graph(3, nested), data, {}).network;
    std::vector<std::vector<float>> expected;
    for (const Member& member : network.family)
      expected.push_back(softmax(torch_logits(network, member.choice, pictures), 3));
    ModelOptions options;
    options.use_cache = false;
    const auto model = Model::build(std::move(network), options);
    SessionOptions anytime;
    anytime.anytime = true;
    anytime.max_images = pictures.count;
    Session session(model, anytime);
    Batch batch;
    batch.images = pictures.count;
    batch.pixels = pictures.pixels;
    std::vector<float> answers(static_cast<std::size_t>(pictures.count) * 3);
    float largest = 0;
    const auto compare = [&](int member) {
      const std::vector<float>& wanted = expected[static_cast<std::size_t>(member)];
      for (std::size_t i = 0; i < answers.size(); ++i) largest = std::max(largest, std::fabs(answers[i] - wanted[i]));
    };
    for (int member = 0; member < model->members(); ++member) {
      session.select(member);
      session.infer(batch, answers);
      compare(member);
    }
    const int exits = session.infer_anytime(batch, answers, [&](int exit) {
      compare(exit);
      return true;
    });
    EXPECT_EQ(exits, 3);
    EXPECT_LT(largest, 1e-4f) << (nested ? "nested" : "independent");
    RecordProperty(nested ? "largest_nested" : "largest_independent", std::to_string(largest));
  }
}

}  // namespace
}  // namespace limber::train
