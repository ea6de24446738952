// SPDX-License-Identifier: Apache-2.0
#include "network/session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "base/counted_allocations.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "network/plain_evaluation.h"
#include "network/plan.h"
#include "network/test_sessions.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

using toy::build;
using toy::Maps;
using toy::random_values;

Network toy_by_name(const std::string& name) {
  if (name == "nested") return toy::groups(true);
  if (name == "independent") return toy::groups(false);
  if (name == "fluid") return toy::fluid();
  if (name == "ofa") return toy::ofa();
  if (name == "early_exit") return toy::early_exit();
  return toy::mixed();
}

class EveryToy : public testing::TestWithParam<std::tuple<const char*, std::string>> {
 protected:
  Network network() const { return toy_by_name(std::get<0>(GetParam())); }
  const std::string& isa() const { return std::get<1>(GetParam()); }
};

TEST_P(EveryToy, EveryNodeOfEveryMemberIsWhatPlainLoopsSay) {
  const auto model = build(network(), isa());
  Maps maps;
  SessionOptions options;
  options.observe = [&](const std::string& node, std::span<const float> values) {
    maps[node] = {values.begin(), values.end()};
  };
  Session session(model, options);
  toy::PlainEvaluation oracle(model->network());
  for (int member = 0; member < model->members(); ++member) {
    const int64_t size = model->input_channels(member) * model->input_height(member) * model->input_width(member);
    const std::vector<float> input = random_values(2 * size);
    std::vector<float> answers(static_cast<std::size_t>(2 * model->outputs(member)));
    session.select(member);
    session.infer({2, {}, input}, answers);
    for (int64_t image = 0; image < 2; ++image) {
      const std::vector<float> one(input.begin() + image * size, input.begin() + (image + 1) * size);
      const std::vector<double> expected = oracle.run(model->member(member), one);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(answers[static_cast<std::size_t>(image) * expected.size() + i], expected[i], 1e-4)
            << "member " << member << " output " << i;
      }
    }
    for (const auto& [node, values] : maps) {  // of the second image, the one that the oracle ran last
      const toy::Dense& expected = oracle.outputs.at(node);
      ASSERT_EQ(values.size(), expected.values.size()) << node;
      for (std::size_t i = 0; i < values.size(); ++i)
        ASSERT_NEAR(values[i], expected.values[i], 1e-4) << node << " value " << i;
    }
    maps.clear();
  }
}

TEST_P(EveryToy, CoresChangeNoBit) {
  const auto model = build(network(), isa());
  for (int member = 0; member < model->members(); ++member) {
    const std::vector<float> input = toy::random_input(*model, member);
    EXPECT_EQ(toy::maps_of(model, member, {}, input), toy::maps_of(model, member, available_cores(), input));
  }
}

TEST_P(EveryToy, NothingAllocatesAfterConstruction) {
  const auto model = build(network(), isa());
  SessionOptions options;
  options.cores = available_cores();
  Session session(model, options);
  const std::vector<float> input =
      random_values(model->input_channels() * model->input_height() * model->input_width());
  std::vector<float> answers(static_cast<std::size_t>(model->outputs()));
  for (int round = 0; round < 2; ++round) {
    for (int member = 0; member < model->members(); ++member) {
      const std::span<float> room(answers.data(), static_cast<std::size_t>(model->outputs(member)));
      const int64_t before = counted_allocations();
      session.select(member);
      EXPECT_EQ(counted_allocations(), before) << "a switch allocated";
      session.infer({1, {}, input}, room);
      EXPECT_EQ(counted_allocations(), before) << "an inference allocated";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Toys, EveryToy,
    testing::Combine(testing::Values("nested", "independent", "fluid", "ofa", "early_exit", "mixed"),
                     testing::ValuesIn(toy::isas())),
    [](const auto& toy) { return std::string(std::get<0>(toy.param)) + "_" + std::get<1>(toy.param); });

class Groups : public testing::TestWithParam<std::tuple<bool, std::string>> {
 protected:
  std::shared_ptr<const Model> model() const {
    return build(toy::groups(std::get<0>(GetParam())), std::get<1>(GetParam()));
  }
};

TEST_P(Groups, ExitsAnswerBitForBitAsTheMembersDo) {
  const auto model = this->model();
  ASSERT_EQ(model->exits(), 3);
  const int64_t images = 4;
  std::mt19937 random(3);
  std::vector<uint8_t> pixels(static_cast<std::size_t>(images * 12 * 12 * 3));
  for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(random());
  const Batch batch{images, pixels, {}};
  for (const std::vector<int>& cores : {std::vector<int>{}, available_cores()}) {
    SessionOptions options;
    options.cores = cores;
    options.anytime = true;
    options.max_images = images;
    Session session(model, options);
    std::vector<float> answers(static_cast<std::size_t>(images * 10)), expected(answers.size());
    int published = 0;
    const std::function<bool(int)> publish = [&](int exit) {
      EXPECT_EQ(exit, published++);
      session.select(exit);
      Session member(model);
      member.select(exit);
      member.infer(batch, expected);
      EXPECT_EQ(answers, expected) << "exit " << exit;
      return true;
    };
    EXPECT_EQ(session.infer_anytime(batch, answers, publish), 3);
    EXPECT_EQ(published, 3);
    EXPECT_EQ(session.infer_anytime(batch, answers, [](int exit) { return exit < 1; }), 2);
    const std::function<bool(int)> quiet = [](int) { return true; };
    const int64_t before = counted_allocations();
    session.infer_anytime(batch, answers, quiet);
    EXPECT_EQ(counted_allocations(), before);
  }
}

TEST_P(Groups, AnAbandonedExitLeavesTheLastPublishedAnswer) {
  const auto model = this->model();
  SessionOptions options;
  options.anytime = true;
  options.max_images = 2;
  Session session(model, options);
  const std::vector<float> input = random_values(2 * 3 * 12 * 12);
  std::vector<float> answers(20), first;
  bool stop = false;
  int checks = 0;
  const int exits = session.infer_anytime(
      {2, {}, input}, answers,
      [&](int) {
        first = answers;
        stop = true;
        return true;
      },
      [&] { return !stop || ++checks < 8; });
  EXPECT_EQ(exits, 1);
  EXPECT_EQ(answers, first);
}

INSTANTIATE_TEST_SUITE_P(Wirings, Groups, testing::Combine(testing::Bool(), testing::ValuesIn(toy::isas())),
                         [](const auto& toy) {
                           return std::string(std::get<0>(toy.param) ? "nested_" : "independent_") +
                                  std::get<1>(toy.param);
                         });

TEST(Session, EarlyExitHeadsAnswerInOrder) {
  const auto model = build(toy::early_exit());
  ASSERT_EQ(model->exits(), 3);
  SessionOptions options;
  options.anytime = true;
  Session session(model, options);
  const std::vector<float> input = random_values(3 * 10 * 10);
  toy::PlainEvaluation oracle(model->network());
  std::vector<float> answers(6);
  session.infer_anytime({1, {}, input}, answers, [&](int exit) {
    int node = 0;
    while (model->network().graph.nodes[static_cast<std::size_t>(node)].exit != exit + 1) ++node;
    const std::vector<double> expected = oracle.run(model->member(0), input, node);
    for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(answers[i], expected[i], 1e-4) << exit;
    return true;
  });
}

class Decoder : public testing::TestWithParam<std::string> {};

// A prompt of three rows, then steps; both depths; against plain loops, and on every core set the same bits.
TEST_P(Decoder, StepsGrowTheirCache) {
  const auto model = build(toy::decoder(), GetParam());
  EXPECT_EQ(model->exit_plan(), nullptr);
  std::vector<std::vector<std::vector<float>>> said;  // on each core set, by each step
  for (const std::vector<int>& cores : toy::core_sets()) {
    auto& now = said.emplace_back();
    std::thread([&] {
      SessionOptions options;
      options.cores = cores;
      Session session(model, options);
      for (int member = 0; member < 2; ++member) {
        toy::PlainEvaluation oracle(model->network());
        session.select(member);
        session.reset_state();
        int64_t past = 0;
        for (const int64_t rows : {3, 1, 1, 2}) {
          session.set_symbol("rows", rows);
          session.set_symbol("past", past);
          oracle.symbols = {{"rows", rows}, {"past", past}};
          const std::vector<float> input = random_values(24 * rows, static_cast<unsigned>(past + 1));
          std::vector<float> answers(static_cast<std::size_t>(11 * rows));
          const int64_t before = counted_allocations();
          session.infer({1, {}, input}, answers);
          EXPECT_EQ(counted_allocations(), before);
          const std::vector<double> expected = oracle.run(model->member(member), input);
          ASSERT_EQ(expected.size(), answers.size());
          for (std::size_t i = 0; i < expected.size(); ++i)
            ASSERT_NEAR(answers[i], expected[i], 1e-4) << "past " << past << " value " << i;
          now.push_back(answers);
          past += rows;
        }
      }
      EXPECT_THROW(session.set_symbol("past", 7), Error);
      EXPECT_THROW(session.set_symbol("nothing", 1), Error);
    }).join();
  }
  EXPECT_EQ(said[0], said[1]);
}

INSTANTIATE_TEST_SUITE_P(Isas, Decoder, testing::ValuesIn(toy::isas()), [](const auto& isa) { return isa.param; });

TEST(Session, TwoSessionsOfOneModelRunAtOnce) {
  const auto model = build(toy::groups(true));
  const std::vector<float> input = random_values(3 * 12 * 12);
  std::vector<std::vector<float>> expected(3, std::vector<float>(10));
  Session alone(model);
  for (int member = 0; member < 3; ++member) {
    alone.select(member);
    alone.infer({1, {}, input}, expected[static_cast<std::size_t>(member)]);
  }
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      SessionOptions options;
      if (t == 1) options.cores = available_cores();
      Session session(model, options);
      std::vector<float> answers(10);
      for (int round = 0; round < 60; ++round) {
        const int member = (round + t) % 3;
        session.select(member);
        session.infer({1, {}, input}, answers);
        wrong += answers != expected[static_cast<std::size_t>(member)];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Session, PixelsArePreprocessed) {
  const auto model = build(toy::groups(false));
  std::vector<uint8_t> pixels(12 * 12 * 3);
  std::vector<float> planes(pixels.size());
  const Preprocessing& p = model->network().preprocessing;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<uint8_t>(i * 37);
    const std::size_t channel = i % 3, pixel = i / 3;
    planes[channel * 144 + pixel] = (static_cast<float>(pixels[i]) / 255.0f - p.mean[channel]) / p.deviation[channel];
  }
  Session session(model);
  std::vector<float> from_pixels(10), from_planes(10);
  session.infer({1, pixels, {}}, from_pixels);
  session.infer({1, {}, planes}, from_planes);
  EXPECT_EQ(from_pixels, from_planes);
}

TEST(Session, StepsAreToldToProfilers) {
  const auto model = build(toy::groups(true));
  std::vector<std::size_t> steps;
  SessionOptions options;
  options.stepped = [&](std::size_t step) { steps.push_back(step); };
  Session session(model, options);
  std::vector<float> input(2 * 3 * 12 * 12), answers(20);
  session.select(1);
  session.infer({2, {}, input}, answers);
  const std::size_t count = model->plan(1).steps.size();
  ASSERT_EQ(steps.size(), 2 * (count + 1));
  for (std::size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(steps[i], i % (count + 1));
}

TEST(Session, RefusesWhatDoesNotFit) {
  const auto model = build(toy::groups(false));
  Session session(model);
  std::vector<float> input(3 * 12 * 12), answers(10), few(9);
  EXPECT_THROW(session.select(3), Error);
  EXPECT_THROW(session.select(-1), Error);
  EXPECT_THROW(session.infer({1, {}, std::span(input).first(5)}, answers), Error);
  EXPECT_THROW(session.infer({1, {}, input}, few), Error);
  EXPECT_THROW(session.infer({1, {}, {}}, answers), Error);
  EXPECT_THROW(session.infer_anytime({1, {}, input}, answers, [](int) { return true; }), Error);
  SessionOptions options;
  options.anytime = true;
  EXPECT_THROW(Session(build(toy::fluid()), options), Error);
  EXPECT_THROW(build(toy::fluid(), "mmx"), Error);
}

TEST(Model, AllMembersOfAGroupNetworkNeedLittleMoreThanTheLargest) {
  for (const bool nested : {false, true}) {
    const Memory memory = build(toy::groups(nested, 4, 24))->memory();
    EXPECT_LE(memory.weights + memory.per_member + memory.arena, memory.largest_alone * 105 / 100) << nested;
  }
}

TEST(Model, NamesAndNumbers) {
  const auto model = build(toy::groups(true));
  EXPECT_EQ(model->find_member("2"), 1);
  EXPECT_THROW(model->find_member("none"), Error);
  EXPECT_LT(model->macs(0), model->macs(2));
  EXPECT_EQ(model->outputs(), 10);
  EXPECT_EQ(model->input_height(), 12);
}

}  // namespace
}  // namespace limber
