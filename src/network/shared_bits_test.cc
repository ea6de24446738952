// SPDX-License-Identifier: Apache-2.0
// What a smaller member computes lies bit for bit inside larger ones: on every ISA, on one core and on all.
#include <gtest/gtest.h>

#include "network/test_sessions.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

using toy::Maps;

class SharedBits : public testing::TestWithParam<std::string> {
 protected:
  // The maps of every member, on each core set in turn.
  void on_every_core_set(Network network, const std::function<void(const std::vector<Maps>&)>& check) const {
    const auto model = toy::build(std::move(network), GetParam());
    const std::vector<float> input = toy::random_input(*model);
    for (const std::vector<int>& cores : toy::core_sets()) {
      std::vector<Maps> maps;
      for (int member = 0; member < model->members(); ++member) {
        maps.push_back(toy::maps_of(model, member, cores, input));
      }
      check(maps);
    }
  }
  // `part` is what stands in `whole` from channel `from` of `channels` on.
  static void expect_inside(const std::vector<float>& part, const std::vector<float>& whole, int64_t from,
                            int64_t channels) {
    const auto at = static_cast<std::ptrdiff_t>(whole.size()) / channels * from;
    ASSERT_LE(static_cast<std::size_t>(at) + part.size(), whole.size());
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + at)) << "from channel " << from;
  }
};

TEST_P(SharedBits, Groups) {
  for (const bool nested : {false, true}) {
    on_every_core_set(toy::groups(nested, 4), [](const std::vector<Maps>& maps) {
      for (std::size_t small = 0; small < 4; ++small) {
        for (std::size_t large = small + 1; large < 4; ++large) {
          for (const auto& [node, values] : maps[small]) {
            if (node == "logits" || node == "probabilities") continue;  // these depend on all groups
            EXPECT_EQ(values, maps[large].at(node)) << node << " of member " << small << " in member " << large;
          }
        }
      }
    });
  }
}

TEST_P(SharedBits, FluidsHalvesAlsoTheOneThatStartsInsideAPlane) {
  on_every_core_set(toy::fluid(), [](const std::vector<Maps>& maps) {
    const std::vector<float>& whole = maps[2].at("first");
    expect_inside(maps[0].at("first"), whole, 0, 48);
    expect_inside(maps[1].at("first"), whole, 24, 48);
    EXPECT_NE(maps[0].at("first"), maps[1].at("first"));
  });
}

TEST_P(SharedBits, OfaBlocksOfFewerChannelsAndLayers) {
  Network network = toy::ofa();
  network.family.clear();  // the same kernel, then more channels, then more layers
  for (const Choice& choice : {Choice{3, 2, 1}, Choice{3, 3, 1}, Choice{3, 3, 2}}) {
    Member member;
    member.name = std::to_string(network.family.size());
    member.choice = choice;
    network.family.push_back(member);
  }
  on_every_core_set(std::move(network), [](const std::vector<Maps>& maps) {
    EXPECT_EQ(maps[0].at("stem"), maps[2].at("stem"));
    for (const char* node : {"block0.expand", "block0.depthwise", "block0.mean"}) {
      expect_inside(maps[0].at(node), maps[1].at(node), 0, 60);
      EXPECT_LT(maps[0].at(node).size(), maps[1].at(node).size());
    }
    for (const char* node : {"block0.expand", "block0.depthwise", "block0.excite", "block0.scale", "block0.project"}) {
      EXPECT_EQ(maps[1].at(node), maps[2].at(node)) << node;
    }
    EXPECT_EQ(maps[2].count("block1.project"), 1u);
  });
}

TEST_P(SharedBits, ADecodersFirstLayer) {
  const auto model = toy::build(toy::decoder(), GetParam());
  const std::vector<float> input = toy::random_input(*model);
  for (const std::vector<int>& cores : toy::core_sets()) {
    const Maps shallow = toy::maps_of(model, 0, cores, input), deep = toy::maps_of(model, 1, cores, input);
    for (const auto& [node, values] : shallow) {
      if (!node.starts_with("layer0")) continue;
      EXPECT_EQ(values, deep.at(node)) << node;
    }
    EXPECT_EQ(shallow.count("layer0.attention"), 1u);
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, SharedBits, testing::ValuesIn(toy::isas()), [](const auto& isa) { return isa.param; });

}  // namespace
}  // namespace limber
