// SPDX-License-Identifier: Apache-2.0
#include "manager/anytime.h"

#include <gtest/gtest.h>

namespace limber {
namespace {

TEST(SoftmaxConfidence, OfLogitsAndOfProbabilities) {
  const std::vector<float> logits = {1, 3, 2}, probabilities = {0.2f, 0.7f, 0.1f};
  EXPECT_NEAR(softmax_confidence(logits, false), 0.66524, 1e-5);
  EXPECT_NEAR(softmax_confidence(probabilities, true), 0.7, 1e-6);
  const std::vector<float> huge = {-1000, 1000};
  EXPECT_EQ(softmax_confidence(huge, false), 1);
  EXPECT_EQ(softmax_confidence({}, false), 0);
}

TEST(AnytimeOrder, FirstEveryImageThenTheLeastSure) {
  AnytimeOrder order;
  order.start(3, 3);
  for (const double confidence : {0.9, 0.4, 0.6}) {
    EXPECT_FALSE(order.all_answered());
    EXPECT_EQ(order.next().exit, 0);
    order.published(confidence);
  }
  EXPECT_TRUE(order.all_answered());
  EXPECT_EQ(order.next().image, 1);
  EXPECT_EQ(order.next().exit, 1);
  order.published(0.7);
  EXPECT_EQ(order.next().image, 2);
  order.published(0.65);
  EXPECT_EQ(order.next().image, 2);
  EXPECT_EQ(order.next().exit, 2);
  order.published(0.1);  // its last exit: finished, however unsure
  EXPECT_EQ(order.next().image, 1);
  order.published(0.99);
  EXPECT_EQ(order.next().image, 0);
  order.published(0.95);
  EXPECT_EQ(order.next().image, 0);
  order.published(0.95);
  EXPECT_EQ(order.next().image, -1);
  order.published(0.5);  // nothing is left: nothing happens
  EXPECT_EQ(order.next().image, -1);
}

TEST(AnytimeOrder, SureEnoughIsFinished) {
  AnytimeOrder order;
  order.start(2, 4, 0.8);
  order.published(0.8);
  order.published(0.79);
  EXPECT_EQ(order.next().image, 1);
  order.published(0.9);
  EXPECT_EQ(order.next().image, -1);
}

TEST(AnytimeOrder, EveryStepComesOnce) {
  AnytimeOrder order;
  order.start(50, 4);
  std::vector<int> exits(50, 0);
  unsigned seed = 1;
  for (; order.next().image >= 0; order.published((seed = seed * 1664525 + 1013904223) / 4294967296.0)) {
    EXPECT_EQ(order.next().exit, exits[static_cast<std::size_t>(order.next().image)]++);
  }
  for (const int done : exits) EXPECT_EQ(done, 4);
  order.start(0, 4);
  EXPECT_EQ(order.next().image, -1);
}

}  // namespace
}  // namespace limber
