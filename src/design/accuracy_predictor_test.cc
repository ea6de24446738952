// SPDX-License-Identifier: Apache-2.0
#include "design/accuracy_predictor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/test_folder.h"
#include "design/choice_sampler.h"
#include "design/test_images.h"
#include "network/sub_network.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

// A graph that only has a shape: eight elastic kernels and widths, the last four blocks there for depth 2.
Graph chain() {
  toy::Builder b("chain");
  DesignSpace& space = b.network.graph.space;
  space.dimensions.push_back({"depth", {1, 2}});
  int x = b.input(3, 16, 16);
  for (int i = 0; i < 8; ++i) {
    const auto kernel = static_cast<int>(space.dimensions.size()), width = kernel + 1;
    space.dimensions.push_back({"kernel" + std::to_string(i), {3, 5, 7}});
    space.dimensions.push_back({"width" + std::to_string(i), {8, 12, 16}});
    Node node = b.conv("wide" + std::to_string(i), {toy::Builder::from(x)},
                       toy::table(width, {{8, 8}, {12, 12}, {16, 16}}), {16, i == 0 ? 3 : 8, 7, 7});
    node.kernel = toy::table(kernel, {{3, 3}, {5, 5}, {7, 7}});
    Node narrow = b.conv("narrow" + std::to_string(i), {toy::Builder::from(0)}, 8, {8, 16, 1, 1});
    if (i >= 4) node.when = narrow.when = {{0, {2}}};
    if (i >= 4) narrow.when_absent = WhenAbsent::kBypass;
    narrow.inputs = {toy::Builder::from(b.add(node))};
    if (i >= 4) {  // what is bypassed reads the block before as its first input
      const int n = b.add([&] {
        Node inner = narrow;
        inner.name += ".inner";
        inner.when_absent = WhenAbsent::kDrop;
        return inner;
      }());
      Node sum =
          toy::Builder::plain("sum" + std::to_string(i), Op::kAdd, {toy::Builder::from(x), toy::Builder::from(n)});
      sum.when = {{0, {2}}};
      sum.when_absent = WhenAbsent::kBypass;
      x = b.add(sum);
    } else {
      x = b.add(narrow);
    }
  }
  return b.network.graph;
}

// Grows with everything that is there, with less and less.
double accuracy(const Choice& choice) {
  double sum = 0;
  for (std::size_t i = 0; i < (choice[0] == 2 ? 8u : 4u); ++i)
    sum += 0.6 * static_cast<double>(choice[1 + 2 * i]) + 0.4 * static_cast<double>(choice[2 + 2 * i]);
  return 0.9 - 0.5 * std::exp(-sum / 30);
}

std::vector<AccuracySample> samples(const Graph& graph, int64_t count, uint64_t seed) {
  std::vector<AccuracySample> result;
  for (const Choice& choice : sample_choices(graph, count, seed)) {
    const auto right = static_cast<int64_t>(std::lround(10000 * accuracy(choice)));
    result.push_back({choice, resolve(graph, choice).macs, right, 10000});
  }
  return result;
}

TEST(ChoiceSampler, SpreadsOverTheWorkWithoutRepeating) {
  const Graph graph = chain();
  const std::vector<Choice> found = sample_choices(graph, 64, 1);
  ASSERT_EQ(found.size(), 64u);
  EXPECT_EQ(std::set<Choice>(found.begin(), found.end()).size(), 64u);
  EXPECT_EQ(sample_choices(graph, 64, 1), found);
  EXPECT_NE(sample_choices(graph, 64, 2), found);
  double least = 1e9, most = 0;
  std::vector<double> costs;
  for (const Choice& choice : found) {
    costs.push_back(std::log(static_cast<double>(resolve(graph, choice).macs)));
    least = std::min(least, costs.back());
    most = std::max(most, costs.back());
  }
  for (int quarter = 0; quarter < 4; ++quarter) {  // evenly spread: some 16 in each quarter of the range
    const auto inside = std::count_if(costs.begin(), costs.end(), [&](double cost) {
      return std::min(static_cast<int>(4 * (cost - least) / (most - least)), 3) == quarter;
    });
    EXPECT_GE(inside, 8) << quarter;
  }
  EXPECT_EQ(sample_choices(toy::groups(true, 3).graph, 100, 1).size(), 3u);  // all there are
}

TEST(ChoiceEncoding, LeavesOutWhatDependsOnlyOnAbsentNodes) {
  const Graph graph = chain();
  const ChoiceEncoding encode(graph);
  EXPECT_EQ(encode.size(), 2 + 8 * 6);
  Choice shallow(17, 3), other;
  for (std::size_t i = 0; i < 8; ++i) shallow[2 + 2 * i] = 8;
  shallow[0] = 1;
  other = shallow;
  other[1 + 2 * 6] = 7;  // the kernel of a block that is not there
  EXPECT_EQ(encode(shallow), encode(other));
  const std::vector<float> code = encode(shallow);
  EXPECT_EQ(std::count(code.begin(), code.end(), 1.0f), 1 + 4 * 2);
  shallow[0] = other[0] = 2;
  EXPECT_NE(encode(shallow), encode(other));
  const std::vector<float> deep = encode(shallow);
  EXPECT_EQ(std::count(deep.begin(), deep.end(), 1.0f), 1 + 8 * 2);
}

TEST(KendallTau, CountsPairs) {
  EXPECT_DOUBLE_EQ(kendall_tau({1, 2, 3, 4}, {10, 20, 30, 40}), 1);
  EXPECT_DOUBLE_EQ(kendall_tau({1, 2, 3, 4}, {4, 3, 2, 1}), -1);
  EXPECT_DOUBLE_EQ(kendall_tau({1, 2, 3, 4}, {1, 2, 4, 3}), 4.0 / 6);
  EXPECT_DOUBLE_EQ(kendall_tau({1, 1, 1}, {1, 2, 3}), 0);
  EXPECT_NEAR(kendall_tau({1, 1, 2, 3}, {1, 2, 2, 3}), 4 / std::sqrt(5.0 * 5.0), 1e-12);
}

TEST(AccuracyPredictor, PredictsChoicesThatItHasNotSeen) {
  const Graph graph = chain();
  PredictorOptions options;
  options.training.epochs = 150;
  const AccuracyPredictor predictor = AccuracyPredictor::train(graph, samples(graph, 160, 1), options);
  EXPECT_EQ(predictor.errors().samples, 20);
  EXPECT_LT(predictor.errors().rmse, 0.02);
  EXPECT_GT(predictor.errors().kendall_tau, 0.8);
  std::vector<double> predicted, wanted;
  double error = 0, spread = 0, mean = 0;
  for (const AccuracySample& sample : samples(graph, 60, 99)) {
    predicted.push_back(predictor.top1(sample.choice));
    wanted.push_back(sample.top1());
    error += std::pow(predicted.back() - wanted.back(), 2);
  }
  for (const double value : wanted) mean += value / static_cast<double>(wanted.size());
  for (const double value : wanted) spread += std::pow(value - mean, 2);
  EXPECT_LT(error, 0.1 * spread);  // explains 90 % of the variance
  EXPECT_GT(kendall_tau(predicted, wanted), 0.8);
}

TEST(AccuracyPredictor, IsTheSameForTheSameSeed) {
  const Graph graph = chain();
  const std::vector<AccuracySample> known = samples(graph, 40, 1);
  const Choice choice = known.front().choice;
  PredictorOptions options;
  options.training.epochs = 20;
  const double first = AccuracyPredictor::train(graph, known, options).top1(choice);
  EXPECT_EQ(AccuracyPredictor::train(graph, known, options).top1(choice), first);
  options.seed = 2;
  EXPECT_NE(AccuracyPredictor::train(graph, known, options).top1(choice), first);
  EXPECT_THROW(AccuracyPredictor::train(graph, {known.begin(), known.begin() + 15}), Error);
}

class SampleFileTest : public FolderTest {};

TEST_F(SampleFileTest, GoesOnWhereItWas) {
  const Graph graph = chain();
  const std::vector<AccuracySample> known = samples(graph, 4, 1);
  {
    SampleFile file(path("samples"), graph, "w", "c", "j");
    EXPECT_TRUE(file.samples().empty());
    file.append(known[0]);
    file.append(known[1]);
  }
  SampleFile other(path("samples"), graph, "w", "c", "other images");
  EXPECT_TRUE(other.samples().empty());
  other.append(known[2]);
  SampleFile again(path("samples"), graph, "w", "c", "j");
  ASSERT_EQ(again.samples().size(), 2u);
  EXPECT_EQ(again.samples()[1].choice, known[1].choice);
  EXPECT_EQ(again.samples()[1].right, known[1].right);
  EXPECT_NE(again.find(known[0].choice), nullptr);
  EXPECT_EQ(again.find(known[2].choice), nullptr);
}

TEST_F(SampleFileTest, NamesABadLine) {
  const Graph graph = toy::groups(true, 3).graph;
  const std::string good =
      R"({"weights":"w","calibration":"c","judged":"j","choice":"groups=2","macs":5,"right":1,"images":2})";
  for (const std::string& bad :
       {std::string("{"), std::string(R"({"weights":"w"})"),
        R"({"weights":"w","calibration":"c","judged":"j","choice":"groups=9","macs":5,"right":1,"images":2})" +
            std::string(),
        R"({"weights":"w","calibration":"c","judged":"j","choice":"groups=1","macs":5,"right":3,"images":2})" +
            std::string()}) {
    try {
      SampleFile(put("samples", good + "\n" + bad + "\n"), graph, "w", "c", "j");
      ADD_FAILURE() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadFile);
      EXPECT_NE(std::string(error.what()).find("line 2"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace limber
