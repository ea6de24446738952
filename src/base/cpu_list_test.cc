// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_list.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace limber {
namespace {

TEST(CpuList, ReadsAndPrintsRanges) {
  EXPECT_EQ(parse_cpu_list("0,2-4,3"), (std::vector<int>{0, 2, 3, 4}));
  EXPECT_EQ(print_cpu_list({0, 2, 3, 4, 7}), "0,2-4,7");
}

TEST(CpuList, RefusesWhatIsNoList) {
  for (const char* text : {"", "a", "1,", "3-1", "-1", "1;2", "99999"})
    EXPECT_THROW(parse_cpu_list(text), Error) << text;
}

}  // namespace
}  // namespace limber
