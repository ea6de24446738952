// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/command_output.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "platform/clock.h"

namespace limber {
namespace {

TEST(CommandOutput, WhatIsPrintedOrWhyNothingIs) {
  EXPECT_EQ(run_tool({"/bin/sh", "-c", "echo throttled=0x0; echo; echo noise >&2"}).text, "throttled=0x0");
  EXPECT_EQ(run_tool({"/bin/sh", "-c", "echo half; exit 3"}).error, EIO);
  EXPECT_EQ(run_tool({"/no/such/tool"}).error, ENOENT);
  EXPECT_EQ(run_tool({"/bin/sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"}).error, 0);
}

TEST(CommandOutput, NobodyWaitsForOneThatHangs) {
  for (const char* hangs : {"exec sleep 20", "exec >&-; exec sleep 20"}) {
    const int64_t begin = now_ns();
    const FsText text = run_tool({"/bin/sh", "-c", hangs});
    EXPECT_EQ(text.error, ETIMEDOUT) << hangs;
    EXPECT_LT(now_ns() - begin, 10'000'000'000) << hangs;
  }
}

TEST(CommandOutput, OnlyToolsOfTheList) {
  EXPECT_EQ(tool_output("/command/sh -c reboot").error, ENOENT);
  EXPECT_EQ(tool_output("/command/").error, ENOENT);
  EXPECT_EQ(tool_output("/command/../bin/sh").error, ENOENT);
  EXPECT_FALSE(tool_exists("/command/sh"));
}

}  // namespace
}  // namespace limber
