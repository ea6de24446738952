// SPDX-License-Identifier: Apache-2.0
#include "server/daemon/settings.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace limber::server {
namespace {

TEST(Boost, IsReadAndPrinted) {
  for (const char* text : {"auto", "off", "nice=-10", "nice=5", "weight=400"})
    EXPECT_EQ(print_boost(parse_boost(text)), text);
  for (const char* text : {"", "on", "nice", "nice=", "nice=-21", "nice=20", "nice=5x", "weight=0", "weight=10001"})
    EXPECT_THROW(parse_boost(text), Error) << text;
}

TEST(Boost, FollowsTheWeights) {
  const Boost nice = parse_boost("nice=-10");
  EXPECT_EQ(nice_of(nice, 1, 1), -10);
  EXPECT_EQ(nice_of(nice, 1, 1.25), -9) << "a step of nice is a factor of 1.25";
  EXPECT_EQ(nice_of(nice, 1, 1000), 0) << "never behind the others";
  EXPECT_EQ(nice_of(parse_boost("nice=5"), 1, 1000), 5);
  const Boost weight = parse_boost("weight=400");
  EXPECT_EQ(weight_of(weight, 2, 2), 400);
  EXPECT_EQ(weight_of(weight, 1, 2), 200);
  EXPECT_EQ(weight_of(weight, 0.001, 1000), 1);
}

TEST(Boost, UsuallyAsMuchAsIsAllowed) {
  EXPECT_EQ(print_boost(usual_boost(false, true)), "off");
  EXPECT_EQ(print_boost(usual_boost(true, true)), "weight=932");
  EXPECT_EQ(print_boost(usual_boost(true, false)), "nice=-10");
}

}  // namespace
}  // namespace limber::server
