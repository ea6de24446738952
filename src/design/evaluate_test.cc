// SPDX-License-Identifier: Apache-2.0
#include "design/evaluate.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"
#include "base/thread_pool.h"
#include "design/test_images.h"
#include "formats/model_file.h"
#include "network/session.h"

namespace limber {
namespace {

// Nearest class mean over what the network's pool gives, with calibrated statistics, all members together.
void fit_classifier(Network* network, const Images& images) {
  std::vector<std::vector<float>> features;
  for (const Member& member : network->family) {
    const auto statistics = calibrate_norms(*network, member.choice, images);
    SessionOptions options;
    options.observe = [&](const std::string& node, std::span<const float> values) {
      if (node == "mean") features.emplace_back(values.begin(), values.end());
    };
    Session session(Model::build(one_member(*network, member.choice, statistics)), options);
    std::vector<float> answers(static_cast<std::size_t>(images.count * session.model().outputs()));
    session.infer({images.count, images.pixels, {}}, answers);
  }
  const std::size_t width = features.front().size(), classes = images.classes.size();
  std::vector<float> weight(classes * width), bias(classes), count(classes);
  for (std::size_t i = 0; i < features.size(); ++i) {
    const auto label = static_cast<std::size_t>(images.labels[i % images.labels.size()]);
    count[label] += 1;
    for (std::size_t f = 0; f < width; ++f) weight[label * width + f] += features[i][f];
  }
  for (std::size_t c = 0; c < classes; ++c) {
    for (std::size_t f = 0; f < width; ++f) {
      weight[c * width + f] /= count[c];
      bias[c] -= weight[c * width + f] * weight[c * width + f] / 2;
    }
  }
  for (Tensor& tensor : network->tensors) {
    if (tensor.name == "logits.weight") tensor = toy::tensor(tensor.name, tensor.shape, weight);
    if (tensor.name == "logits.bias") tensor = toy::tensor(tensor.name, tensor.shape, bias);
  }
}

class Evaluate : public FolderTest {};

TEST_F(Evaluate, AFamilyAnswersAsStoredAndCollapsesWithoutItsStatistics) {
  const Images training = toy::coloured(150, 12, 7), validation = toy::coloured(100, 12, 7, 2);
  Network network = toy::blocks(12, 7);
  fit_classifier(&network, training);
  const Network bare = network;
  for (std::size_t m = 0; m < network.family.size(); ++m) {
    const Choice choice = network.family[m].choice;
    const auto statistics = calibrate_norms(network, choice, training);
    store_norms(&network, m, statistics);
    const auto found = count_right(Model::build(one_member(network, choice, statistics)), 0, validation);
    network.family[m].accuracies = {{found.top1(), "coloured", "validation", validation.hash, found.images}};
  }
  write_model(network, path("family.safetensors"));
  const auto stored = Model::build(read_model(path("family.safetensors")));
  const auto without = Model::build(bare);
  for (int m = 0; m < stored->members(); ++m) {
    const RightAnswers found = count_right(stored, m, validation), collapsed = count_right(without, m, validation);
    EXPECT_EQ(found.top1(), stored->member(m).accuracies.front().top1) << stored->member(m).name;
    EXPECT_GT(found.top1(), 0.85) << stored->member(m).name;
    EXPECT_LT(collapsed.top1(), 0.4) << stored->member(m).name;
  }
}

TEST_F(Evaluate, AnyChoiceCanBeJudgedAndNothingDependsOnTheCores) {
  const Images training = toy::coloured(60, 12), validation = toy::coloured(50, 12, 4, 2);
  Network network = toy::blocks();
  fit_classifier(&network, training);
  EvaluationOptions options;
  options.cores = available_cores();
  const ChoiceEvaluator alone(network, training, validation), shared(network, training, validation, options);
  for (const Choice& choice : std::vector<Choice>{{1, 1}, {1, 2}, {2, 1}, {2, 2}}) {  // {1, 2} is no member
    const RightAnswers found = alone(choice);
    EXPECT_EQ(found.images, 50);
    EXPECT_EQ(found, shared(choice));
    EXPECT_EQ(found, alone(choice));
  }
  EXPECT_GT(alone({2, 2}).top1(), 0.85);
  EXPECT_THROW(alone({7, 1}), Error);
}

TEST_F(Evaluate, ImagesOfAnotherSizeAreResized) {
  const auto model = Model::build(toy::blocks());
  const Images larger = toy::coloured(3, 17);
  int64_t right = 0;
  Session session(model);
  std::vector<float> answer(static_cast<std::size_t>(model->outputs(0)));
  session.select(0);
  for (std::size_t i = 0; i < 3; ++i) {
    session.infer({1, std::span(larger.pixels).subspan(i * 17 * 17 * 3, 17 * 17 * 3), {}, 17, 17}, answer);
    right += std::max_element(answer.begin(), answer.end()) - answer.begin() == larger.labels[i];
  }
  EXPECT_EQ(count_right(model, 0, larger).right, right);
}

TEST_F(Evaluate, RefusesImagesThatDoNotFit) {
  const auto model = Model::build(toy::blocks());
  Images grey = toy::coloured(3, 12);
  grey.channels = 1;
  EXPECT_THROW(count_right(model, 0, grey), Error);
  EXPECT_THROW(count_right(model, 0, toy::coloured(3, 12, 5)), Error);
}

TEST(DrawnImages, AreOfTheWholeSetInOrder) {
  const Images all = make_shapes(300, 5);
  const Images some = drawn_images(all, 60);
  ASSERT_EQ(some.count, 60);
  EXPECT_EQ(drawn_images(all, 60).hash, some.hash);
  EXPECT_NE(drawn_images(all, 60, 2).hash, some.hash);
  EXPECT_EQ(drawn_images(all, 300).hash, all.hash);
  const std::size_t size = 32 * 32 * 3;
  std::size_t last = 0, late = 0;
  for (std::size_t i = 0; i < 60; ++i) {  // each is the next one that is found
    const auto begin = some.pixels.begin() + static_cast<std::ptrdiff_t>(i * size);
    while (last < 300 &&
           !std::equal(begin, begin + size, all.pixels.begin() + static_cast<std::ptrdiff_t>(last * size)))
      ++last;
    ASSERT_LT(last, 300u);
    EXPECT_EQ(some.labels[i], all.labels[last]);
    late += last >= 150;
    ++last;
  }
  EXPECT_GT(late, 15u);
  EXPECT_LT(late, 45u);
}

}  // namespace
}  // namespace limber
