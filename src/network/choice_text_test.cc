// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/error.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

TEST(DesignSpace, FullNames) {
  const DesignSpace space = toy::ofa().graph.space;
  const Choice choice = parse_choice(space, "depth=2,kernel=5,expand=3");
  EXPECT_EQ(choice, (Choice{5, 3, 2}));
  EXPECT_EQ(to_string(space, choice), "kernel=5,expand=3,depth=2");
  EXPECT_EQ(parse_choice(space, to_string(space, choice)), choice);
  for (const char* text :
       {"", "kernel=5", "kernel=5,expand=3,depth=2,depth=2", "kernel=4,expand=3,depth=2", "kernel=5,expand=3,size=2",
        "kernel=5,expand=3,depth=x", "kernel=5,expand=3,depth", "kernel=99999999999999999999,expand=3,depth=1"}) {
    EXPECT_THROW(parse_choice(space, text), Error) << text;
  }
}

// Two stages of two blocks each, as OFA has five of four.
DesignSpace staged() {
  return {{{"resolution", {128, 160, 224}},
           {"stage1.depth", {1, 2}},
           {"stage1.block1.kernel", {3, 5, 7}},
           {"stage1.block2.kernel", {3, 5, 7}},
           {"stage2.depth", {1, 2, 3}},
           {"stage2.block1.kernel", {3, 5, 7}},
           {"stage2.block2.kernel", {3, 5, 7}}}};
}

TEST(DesignSpace, OneLetterSetsAllOfAKind) {
  const DesignSpace space = staged();
  EXPECT_EQ(parse_choice(space, "d=2,k=7,r=224"), (Choice{224, 2, 7, 7, 2, 7, 7}));
  EXPECT_EQ(parse_choice(space, "resolution=128,dep=1,kernel=3"), smallest_choice(space));
  EXPECT_EQ(largest_choice(space), (Choice{224, 2, 7, 7, 3, 7, 7}));
}

TEST(DesignSpace, ThePreciseNameWinsInAnyOrder) {
  const DesignSpace space = staged();
  const Choice expected = {160, 2, 3, 7, 3, 5, 7};
  EXPECT_EQ(parse_choice(space, "k=7,stage2.block1.k=5,stage1.block1.kernel=3,d=2,r=160,stage2.d=3"), expected);
  EXPECT_EQ(parse_choice(space, "stage2.d=3,r=160,stage1.block1.kernel=3,stage2.block1.k=5,d=2,k=7"), expected);
  EXPECT_EQ(parse_choice(space, "d=2,r=160,stage2.k=5,stage1.k=3"), (Choice{160, 2, 3, 3, 2, 5, 5}));
  // The value for all need not be legal where a precise one stands.
  EXPECT_EQ(parse_choice(space, "d=3,stage1.d=2,k=3,r=128"), (Choice{128, 2, 3, 3, 3, 3, 3}));
}

TEST(DesignSpace, AlikeOnesAreWrittenOnce) {
  const DesignSpace space = staged();
  EXPECT_EQ(to_string(space, {160, 2, 7, 7, 2, 7, 7}), "resolution=160,depth=2,kernel=7");
  const Choice mixed = {160, 2, 7, 7, 3, 7, 7};
  EXPECT_EQ(to_string(space, mixed), "resolution=160,stage1.depth=2,kernel=7,stage2.depth=3");
  EXPECT_EQ(parse_choice(space, to_string(space, mixed)), mixed);
  const DesignSpace clash = {{{"depth", {1, 2}}, {"a.depth", {1, 2}}, {"b.depth", {1, 2}}}};
  EXPECT_EQ(parse_choice(clash, to_string(clash, {1, 1, 1})), (Choice{1, 1, 1}));
}

std::string refusal(const DesignSpace& space, const std::string& text) {
  try {
    parse_choice(space, text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "accepted";
}

TEST(DesignSpace, RefusalsSayWhatIsLegal) {
  const DesignSpace space = staged();
  EXPECT_EQ(refusal(space, "d=3,k=7,r=224"),
            "choice 'd=3,k=7,r=224': dimension 'stage1.depth': 3 is not a choice; legal: 1, 2");
  EXPECT_EQ(refusal(space, "d=2,r=224"),
            "choice 'd=2,r=224': dimension 'stage1.block1.kernel' is missing; legal: 3, 5, 7; 'kernel=' sets all of "
            "its kind");
  EXPECT_NE(refusal(space, "x=2").find("no dimension 'x'; legal: resolution, stage1.depth"), std::string::npos);
  EXPECT_NE(refusal(space, "stage3.d=2").find("no dimension 'stage3.d'"), std::string::npos);
  EXPECT_NE(refusal(space, "=2").find("no dimension ''"), std::string::npos);
  EXPECT_NE(refusal(space, "d=2,d=1,k=3,r=128").find("'stage1.depth' is given twice"), std::string::npos);
  EXPECT_NE(refusal(space, "d=2,k=x,r=128").find("'x' is not a number; legal for 'k': 3, 5, 7"), std::string::npos);
  const DesignSpace two = {{{"encoder.embed", {1, 2}}, {"encoder.expand", {1, 2}}}};
  EXPECT_NE(refusal(two, "e=1").find("'e' may be embed or expand"), std::string::npos);
  DesignSpace many;
  for (int i = 0; i < 20; ++i) many.dimensions.push_back({"block" + std::to_string(i) + ".kernel", {3, 5}});
  EXPECT_NE(refusal(many, "x=1").find("... (20 dimensions), or a kind for all of them: kernel"), std::string::npos);
}

}  // namespace
}  // namespace limber
