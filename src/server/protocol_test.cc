// SPDX-License-Identifier: Apache-2.0
#include "server/protocol.h"

#include <gtest/gtest.h>

namespace limber::server {
namespace {
TEST(Protocol, Placeholder) {
  EXPECT_EQ(kProtocol, 1);
}
}  // namespace
}  // namespace limber::server
