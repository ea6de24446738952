// SPDX-License-Identifier: Apache-2.0
// The engine against libtorch: every member, through plans and through exits; freshly trained weights, the models that
// ship, and random networks of every operator that both know.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "formats/model_file.h"
#include "network/random_network.h"
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

// Noise over large patches: an unlike patch here and there, as pictures have.
Images pictures_for(const Model& model, int member, int64_t count) {
  Images images;
  images.count = count;
  images.height = model.input_height(member);
  images.width = model.input_width(member);
  images.channels = model.input_channels(member);
  std::mt19937 random(11);
  for (int64_t n = 0; n < count; ++n) {
    uint8_t patch[4][4][8];
    for (auto& row : patch) {
      for (auto& cell : row) {
        for (uint8_t& value : cell) value = static_cast<uint8_t>(random());
      }
    }
    for (int64_t y = 0; y < images.height; ++y) {
      for (int64_t x = 0; x < images.width; ++x) {
        for (int64_t c = 0; c < images.channels; ++c) {
          const uint8_t base = patch[y * 4 / images.height][x * 4 / images.width][c % 8];
          images.pixels.push_back(static_cast<uint8_t>(base / 2 + random() % 64));
        }
      }
    }
  }
  images.labels.assign(static_cast<std::size_t>(count), 0);
  return images;
}

// The largest difference over all members' probabilities, and over those of all exits. pictures: one set for all
// members, or one each, of equally many.
float largest_difference(const std::shared_ptr<const Model>& model, const std::vector<Images>& pictures) {
  SessionOptions options;
  options.anytime = model->exits() > 0;
  options.max_images = pictures.front().count;
  Session session(model, options);
  Batch batch;
  batch.images = pictures.front().count;
  std::vector<float> answers(static_cast<std::size_t>(batch.images * model->outputs()));
  std::vector<std::vector<float>> expected;
  float largest = 0;
  const auto compare = [&](int member) {
    const std::vector<float>& wanted = expected[static_cast<std::size_t>(member)];
    for (std::size_t i = 0; i < answers.size(); ++i) largest = std::max(largest, std::fabs(answers[i] - wanted[i]));
  };
  for (int member = 0; member < model->members(); ++member) {
    const std::size_t at = pictures.size() == 1 ? 0 : static_cast<std::size_t>(member);
    batch.pixels = pictures[at].pixels;
    expected.push_back(softmax(torch_logits(model->network(), model->member(member), pictures[at]),
                               static_cast<std::size_t>(model->outputs())));
    session.select(member);
    session.infer(batch, answers);
    compare(member);
  }
  if (options.anytime) {
    const int exits = session.infer_anytime(batch, answers, [&](int exit) {
      compare(exit);
      return true;
    });
    EXPECT_EQ(exits, model->members());
  }
  return largest;
}

std::shared_ptr<const Model> build(Network network) {
  ModelOptions options;
  options.use_cache = false;
  return Model::build(std::move(network), options);
}

TEST(Engine, AgreesWithLibtorchAfterTraining) {
  for (const bool nested : {false, true}) {
    const TrainingData data{tiny_images(192, 1), tiny_images(48, 2), [] { return tiny_images(60, 3); }};
    const auto model = build(train(tiny_recipe(3), tiny_graph(3, nested), data, {}).network);
    ASSERT_EQ(model->exits(), 3);
    EXPECT_LT(largest_difference(model, {tiny_images(40, 4)}), 1e-4f) << (nested ? "nested" : "independent");
  }
}

TEST(Engine, AgreesWithLibtorchOnTheModelsThatShip) {
  int models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(LIMBER_MODELS)) {
    const auto model = build(read_model(entry.path().string()));
    std::vector<Images> pictures;
    for (int member = 0; member < model->members(); ++member) pictures.push_back(pictures_for(*model, member, 12));
    const float largest = largest_difference(model, pictures);
    EXPECT_LT(largest, 1e-4f) << entry.path();
    RecordProperty("largest_" + model->network().name, std::to_string(largest));
    ++models;
  }
  EXPECT_GE(models, 4);
}

TEST(Engine, AgreesWithLibtorchOnRandomNetworks) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    const auto model = build(toy::RandomNetwork(seed).build());
    EXPECT_LT(largest_difference(model, {pictures_for(*model, 0, 2)}), 1e-4f) << seed;
  }
}

}  // namespace
}  // namespace limber::train
