// SPDX-License-Identifier: Apache-2.0
#include "design/block_table.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "base/test_folder.h"
#include "design/find_blocks.h"
#include "design/measure_blocks.h"
#include "design/test_images.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

std::vector<std::string> shapes(const Graph& graph, const Choice& choice) {
  std::vector<std::string> result;
  for (const Block& block : blocks_of(graph, resolve(graph, choice))) result.push_back(block.shape);
  return result;
}

std::string message(const auto& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Blocks, AreCutWhereNothingIsComputedTogether) {
  const Graph graph = toy::blocks().graph;
  const SubNetwork sub = resolve(graph, {2, 2});
  std::vector<std::string> ends;
  std::size_t next = 0;
  for (const Block& block : blocks_of(graph, sub)) {
    EXPECT_EQ(block.first, next);  // every node lies in one
    next = block.last + 1;
    ends.push_back(graph.nodes[static_cast<std::size_t>(sub.nodes[block.last].node)].name);
  }
  EXPECT_EQ(next, sub.nodes.size());
  EXPECT_EQ(ends, (std::vector<std::string>{"stem", "block0.sum", "mean", "logits"}));
}

TEST(Blocks, OfOneShapeHaveOneKey) {
  toy::Builder b("three");
  int x = b.input(3, 8, 8);
  x = b.add(b.conv("stem", {toy::Builder::from(x)}, 16, {16, 3, 3, 3}));
  for (const char* name : {"a", "b", "c"}) {
    Node node = b.conv(name, {toy::Builder::from(x)}, 16, {16, 16, 3, 3});
    if (*name == 'c') node.activation = Activation::kHardSwish;
    x = b.add(node);
  }
  const std::vector<std::string> found = shapes(b.network.graph, {});
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[1], "16x8x8; conv2d 16x8x8 k3/1/1 <0 relu");
  EXPECT_EQ(found[1], found[2]);
  EXPECT_NE(found[1], found[3]);
  EXPECT_EQ(found[0], "input 3x8x8; conv2d 16x8x8 k3/1/1 <1 relu");
}

// Every choice there is, one after another: what find_blocks() finds by changing one dimension at a time is all there
// is.
TEST(Blocks, OfTheWholeDesignSpaceAreFoundAndCovered) {
  for (const Graph& graph : {toy::blocks().graph, toy::ofa().graph, toy::groups(true, 3).graph, toy::fluid().graph}) {
    std::vector<Choice> all = {{}};
    for (const Dimension& dimension : graph.space.dimensions) {
      std::vector<Choice> longer;
      for (const Choice& choice : all) {
        for (const int64_t value : dimension.choices) {
          longer.push_back(choice);
          longer.back().push_back(value);
        }
      }
      all = longer;
    }
    std::set<std::string> wanted, found, covered;
    for (const Choice& choice : all) {
      for (const std::string& shape : shapes(graph, choice)) wanted.insert(shape);
    }
    const std::map<std::string, Choice> blocks = find_blocks(graph, 1);
    for (const auto& [shape, choice] : blocks) {
      found.insert(shape);
      const std::vector<std::string> made = shapes(graph, choice);
      EXPECT_NE(std::find(made.begin(), made.end(), shape), made.end()) << shape;
    }
    EXPECT_EQ(found, wanted) << graph.name;
    const std::vector<Choice> covering = covering_choices(graph, blocks, 1);
    EXPECT_LE(covering.size(), all.size()) << graph.name;
    for (const Choice& choice : covering) {
      for (const std::string& shape : shapes(graph, choice)) covered.insert(shape);
    }
    EXPECT_EQ(covered, wanted) << graph.name;
  }
}

TEST(Blocks, NeedImages) {
  const Graph graph = toy::decoder().graph;
  EXPECT_NE(message([&] { shapes(graph, {1}); }).find("run-time symbol"), std::string::npos);
}

class BlockTableTest : public FolderTest {
 protected:
  // Every block takes as many milliseconds as its shape has letters.
  static BlockTable table_of(const Graph& graph) {
    BlockTable table;
    table.key = {graph.name, "f32",         "avx2",  "A CPU",        4,
                 1,          "performance", 2000000, LIMBER_VERSION, "2026-01-01T00:00:00Z"};
    table.overhead_ms = 0.5;
    for (const auto& [shape, choice] : find_blocks(graph, 1))
      table.blocks[shape] = {static_cast<double>(shape.size()), 0.25, 30, 2, shape.size() % 2 == 0};
    return table;
  }
};

TEST_F(BlockTableTest, PredictsTheSumOfTheBlocks) {
  const Graph graph = toy::ofa().graph;
  BlockTable table = table_of(graph);
  for (const Choice& choice : std::vector<Choice>{{3, 2, 1}, {7, 3, 2}, {5, 2, 2}}) {
    double sum = 0.5;
    for (const std::string& shape : shapes(graph, choice)) sum += static_cast<double>(shape.size());
    EXPECT_DOUBLE_EQ(table.latency_ms(graph, choice), sum);
  }
  EXPECT_NE(message([&] { table.energy_modelled_mj(graph, {3, 2, 1}); }).find("no energy sensor"), std::string::npos);
  table.energy = {2.0, "powercap: package-0"};
  EXPECT_DOUBLE_EQ(table.energy_modelled_mj(graph, {3, 2, 1}), 2 * table.latency_ms(graph, {3, 2, 1}));
  const Graph other = toy::blocks().graph;
  EXPECT_NE(message([&] { table.latency_ms(other, {1, 1}); }).find("has no block 'input 3x12x12"), std::string::npos);
}

TEST_F(BlockTableTest, ReadsWhatItWrites) {
  BlockTable table = table_of(toy::ofa().graph);
  for (const bool all : {false, true}) {
    if (all) {
      table.check = {20, 0.03, 0.08};
      table.energy = {11.5, "powercap: package-0"};
    }
    write_block_table(table, path("table.json"));
    const BlockTable again = read_block_table(path("table.json"));
    EXPECT_EQ(print_block_table(again), print_block_table(table));
    EXPECT_EQ(again.blocks.size(), table.blocks.size());
    EXPECT_EQ(again.check.has_value(), all);
    EXPECT_EQ(again.key.date, table.key.date);
  }
}

TEST_F(BlockTableTest, SaysWhatIsWrongInAFile) {
  const std::string good = print_block_table(table_of(toy::ofa().graph));
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return message([&] { parse_block_table(text, "here.json"); });
  };
  EXPECT_NE(message([&] { parse_block_table("{}", "here.json"); }).find("not a block table"), std::string::npos);
  EXPECT_NE(refused("\"version\": 1", "\"version\": 7").find("measure again"), std::string::npos);
  EXPECT_NE(refused("\"median_ms\":", "\"median\":").find("unknown key 'median'"), std::string::npos);
  EXPECT_NE(refused("\"overhead_ms\": 0.5", "\"overhead_ms\": -1").find("overhead_ms"), std::string::npos);
  EXPECT_NE(message([&] { parse_block_table(good.substr(0, 300), "here.json"); }).find("here.json"), std::string::npos);
  const std::size_t line = good.find("{\"shape\"");
  const std::string one = good.substr(line, good.find('\n', line) - line);
  EXPECT_NE(refused(one, one + one).find("twice"), std::string::npos);
}

TEST_F(BlockTableTest, BelongsToOneMachine) {
  const BlockTable table = table_of(toy::ofa().graph);
  Machine machine{"A CPU", 4, "performance", 2000000};
  EXPECT_TRUE(check_block_table(table, "avx2", machine, "t").empty());
  machine.governor = "powersave";
  machine.logical_cpus = 8;
  EXPECT_EQ(check_block_table(table, "avx2", machine, "t").size(), 2u);
  machine.cpu_model = "Another";
  EXPECT_NE(message([&] { check_block_table(table, "neon", machine, "t"); }).find("CPU 'A CPU' (here 'Another'); ISA"),
            std::string::npos);
}

// Times are not judged: that the measurement covers the space, and that nothing but time differs from run to run.
TEST_F(BlockTableTest, IsMeasuredForEveryChoice) {
  const Network network = toy::ofa();
  MeasureBlocksOptions options;
  options.seconds = 0;
  options.checks = 5;
  std::vector<std::string> phases;
  options.progress = [&](const std::string& phase, int64_t done, int64_t all) {
    EXPECT_LE(done, all);
    if (phases.empty() || phases.back() != phase) phases.push_back(phase);
  };
  const BlockTable table = measure_blocks(network, options);
  EXPECT_EQ(phases, (std::vector<std::string>{"looking for blocks", "timing"}));
  EXPECT_EQ(table.blocks.size(), find_blocks(network.graph, 1).size());
  for (const auto& [shape, time] : table.blocks) {
    EXPECT_GT(time.median_ms, 0) << shape;
    EXPECT_GE(time.samples + time.left_out, 12) << shape;
  }
  for (const int64_t kernel : {3, 5, 7}) {
    for (const int64_t depth : {1, 2}) EXPECT_GT(table.latency_ms(network.graph, {kernel, 3, depth}), 0);
  }
  ASSERT_TRUE(table.check.has_value());
  EXPECT_EQ(table.check->sub_networks, 5);
  EXPECT_GE(table.check->worst_error, table.check->mean_error);
}

}  // namespace
}  // namespace limber
