// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/workload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "formats/shipped_file.h"

namespace limber::tool {
namespace {

Application camera() {
  Application application;
  application.name = "camera";
  application.model = "models/cifar10-incremental.safetensors";
  application.work_ms = 20;
  application.arrivals.period_ms = 40;
  application.floor = FloorKind::kLargest;
  return application;
}

Knowledge truth() {
  Knowledge knowledge;
  knowledge.activity_known = true;
  return knowledge;
}

TEST(Workload, MembersAreThoseOfTheProfile) {
  const Workload workload = read_workload(camera());
  ASSERT_EQ(workload.members.size(), 4u);
  EXPECT_EQ(workload.members.back().name, "100%");
  EXPECT_EQ(workload.members.back().share, 1);
  for (std::size_t m = 0; m < 4; ++m) {
    EXPECT_NEAR(workload.members[m].share, 0.25 * static_cast<double>(m + 1), 0.02) << "groups cost the same";
    EXPECT_GT(workload.members[m].serial, 0.2);
    EXPECT_LT(workload.members[m].serial, 0.6);
  }
  Application other = camera();
  other.profile = "nothing";
  EXPECT_THROW(read_workload(other), Error);
}

TEST(Workload, MoreCoresAreAmdahls) {
  Workload workload;
  workload.work_ms = 10;
  workload.memory_share = 0.1;
  workload.members = {{"all", 0.9, 1, 0.25}};
  EXPECT_DOUBLE_EQ(cpu_work(workload, 0, 1, 1).compute_ms, 9);
  EXPECT_DOUBLE_EQ(cpu_work(workload, 0, 4, 2).compute_ms, 20 * 0.9 * (0.25 + 0.75 / 4));
  EXPECT_DOUBLE_EQ(cpu_work(workload, 0, 4, 2).memory_ms, 20 * 0.1 * (0.25 + 0.75 / 4));
}

// What a manager is told is off by up to the scenario's error, the same for a seed, and by nothing else.
TEST(Workload, KnowledgeIsOffByUpToItsError) {
  const Board board = read_board(find_shipped_file("boards", "odroid-xu3"));
  const Workload workload = read_workload(camera());
  Knowledge knowledge = truth();
  const ManagedApplication exact = known_application(board, camera(), workload, knowledge);
  knowledge.error = 0.12;
  knowledge.seed = 7;
  const ManagedApplication off = known_application(board, camera(), workload, knowledge);
  double least = 2, most = 0;
  for (std::size_t o = 0; o < exact.options.size(); ++o) {
    for (std::size_t i = 0; i < exact.options[o].ms.size(); ++i) {
      const double ratio = off.options[o].ms[i] / exact.options[o].ms[i];
      least = std::min(least, ratio);
      most = std::max(most, ratio);
    }
  }
  EXPECT_GE(least, 0.88);
  EXPECT_LT(least, 0.89);
  EXPECT_LE(most, 1.12);
  EXPECT_GT(most, 1.11);
  EXPECT_EQ(known_application(board, camera(), workload, knowledge).options[3].ms, off.options[3].ms);
  knowledge.error = 0;
  knowledge.activity_known = false;  // ordinary code, where this is denser
  EXPECT_NEAR(exact.options[0].busy_w[0] / known_application(board, camera(), workload, knowledge).options[0].busy_w[0],
              1.36, 1e-9);
}

// docs/decisions/date-2020.md: the dynamic range over width, mapping and frequency on this board, one core, with the
// power of the whole cluster while the frame runs.
TEST(Workload, DynamicRangeOfTheOdroidXu3) {
  const Board board = read_board(find_shipped_file("boards", "odroid-xu3"));
  const ManagedApplication application = known_application(board, camera(), read_workload(camera()), truth());
  const std::vector<ManagedProcessor> processors = known_processors(board, truth());
  struct Range {
    double low = std::numeric_limits<double>::infinity(), high = 0;
    void add(double value) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
    double factor() const { return high / low; }
  };
  Range ms, mj, width_ms, width_mj, mapping_ms, mapping_mj, a15_ms, a7_mj;
  for (const ManagedOption& option : application.options) {
    if (option.cores != 1) continue;
    const ManagedProcessor& processor = processors[option.processor];
    for (std::size_t i = 0; i < option.ms.size(); ++i) {
      const double time = option.ms[i], energy = time * (option.busy_w[i] + processor.idle_w[i]);
      ms.add(time);
      mj.add(energy);
      if (processor.khz[i] == 200'000 && processor.name == "A15") {
        width_ms.add(time);
        width_mj.add(energy);
      }
      if (option.member != 3) continue;
      if (processor.khz[i] == 200'000) {
        mapping_ms.add(time);
        mapping_mj.add(energy);
      }
      if (processor.name == "A15") a15_ms.add(time);
      if (processor.name == "A7") a7_mj.add(energy);
    }
  }
  EXPECT_NEAR(width_ms.factor(), 4.08, 0.01);
  EXPECT_NEAR(width_mj.factor(), 4.08, 0.01);
  EXPECT_NEAR(mapping_ms.factor(), 1.90, 0.01);
  EXPECT_NEAR(mapping_mj.factor(), 3.18, 0.01);
  EXPECT_NEAR(a15_ms.factor(), 9.55, 0.01);
  EXPECT_NEAR(a7_mj.factor(), 1.74, 0.01);
  EXPECT_NEAR(ms.factor(), 74.1, 0.1);
  EXPECT_NEAR(mj.factor(), 18.1, 0.1);
}

}  // namespace
}  // namespace limber::tool
