// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/fs.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/error.h"
#include "base/test_folder.h"
#include "platform/linux/real_fs.h"
#include "platform/linux/tree_fs.h"

namespace limber {
namespace {

using RealFsTest = FolderTest;

TEST(Parsing, IntegersAreWholeOrNothing) {
  EXPECT_EQ(parse_integer(" 42\n"), 42);
  EXPECT_EQ(parse_integer("-7"), -7);
  for (const char* wrong : {"", "x", "1 2", "12k", "0x10", "99999999999999999999"})
    EXPECT_FALSE(parse_integer(wrong)) << wrong;
  EXPECT_EQ(parse_integers("100 <unsupported> 300"), (std::vector<int64_t>{100, 300}));
}

TEST(Parsing, CpusInBothForms) {
  EXPECT_EQ(parse_cpus("0 1 2"), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(parse_cpus("0-1,4"), (std::vector<int>{0, 1, 4}));
  EXPECT_TRUE(parse_cpus("nonsense").empty());
  EXPECT_TRUE(parse_cpus("").empty());
}

TEST(Parsing, NamesByTheValueOfTheirDigits) {
  EXPECT_TRUE(natural_less("policy4", "policy10"));
  EXPECT_FALSE(natural_less("policy10", "policy4"));
  EXPECT_TRUE(natural_less("hwmon", "hwmon0"));
  EXPECT_FALSE(natural_less("a1", "a1"));
  EXPECT_TRUE(natural_less("a1b", "a2"));
}

TEST_F(RealFsTest, ReadsBelowItsRootWithErrnoAsData) {
  put("sys/x", "42 \n\n");
  const RealFs fs(folder_ + "/");
  EXPECT_EQ(fs.read("/sys/x").text, "42");
  EXPECT_EQ(fs.read("/sys/y").error, ENOENT);
  EXPECT_EQ(fs.read("/sys").error, EISDIR);
  EXPECT_EQ(fs.list("/sys").names, std::vector<std::string>{"x"});
  EXPECT_EQ(fs.list("/none").error, ENOENT);
  EXPECT_FALSE(fs.live());
  EXPECT_EQ(fs.read("/task/0/affinity").error, ENOENT) << "a copied tree must not show this machine's threads";
  put("sys/large", std::string((size_t{1} << 20) + 10, 'x'));
  EXPECT_EQ(fs.read("/sys/large").error, EFBIG);
}

TEST_F(RealFsTest, WritesWhatExistsOnly) {
  RealFs fs(folder_);
  put("sys/x", "a long old value");
  EXPECT_EQ(fs.write("/sys/x", "7"), 0);
  EXPECT_EQ(fs.read("/sys/x").text, "7");
  EXPECT_EQ(fs.write("/sys/new", "7"), ENOENT);
  EXPECT_FALSE(fs.exists("/sys/new"));
}

TEST_F(RealFsTest, AWriteThatTheKernelRefusesIsSeen) {
  RealFs fs;
  if (!fs.exists("/dev/full")) GTEST_SKIP() << "no /dev/full, whose writes always fail";
  EXPECT_EQ(fs.write("/dev/full", "1"), ENOSPC);
}

TEST_F(RealFsTest, APipeDoesNotBlock) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const RealFs fs(folder_);
  EXPECT_EQ(fs.read("/pipe").text, "");
}

TEST(TreeFsTest, PrintsAndParsesBack) {
  TreeFs tree;
  tree.put("/sys/a", {"one\n\ntwo", 0, true});
  tree.put("/sys/b", {"", EACCES, false});
  tree.put("/sys/c d", {"/looks/like/a/path\n# and a comment", 0, false});
  tree.put_directory("/sys/empty");
  const std::string text = tree.print("kernel 6\nsecond line");
  const TreeFs again = TreeFs::parse(text, "test");
  EXPECT_EQ(again.print("kernel 6\nsecond line"), text);
  EXPECT_EQ(again.read("/sys/a").text, "one\n\ntwo");
  EXPECT_EQ(again.read("/sys/b").error, EACCES);
  EXPECT_EQ(again.read("/sys/c d").text, "/looks/like/a/path\n# and a comment");
  EXPECT_TRUE(again.writable("/sys/a"));
  EXPECT_FALSE(again.writable("/sys/c d"));
  EXPECT_TRUE(again.exists("/sys/empty"));
  EXPECT_EQ(again.list("/sys").names, (std::vector<std::string>{"a", "b", "c d", "empty"}));
}

TEST(TreeFsTest, ForeignTextIsRefused) {
  for (const char* wrong : {"", "hello", "limber-report 1\nnonsense", "limber-report 1\n\tcontent of nothing"})
    EXPECT_THROW(TreeFs::parse(wrong, "test"), Error) << wrong;
}

TEST(TreeFsTest, ErasesFoldersWhole) {
  TreeFs tree = TreeFs::parse("limber-report 1\n/a/b\n\t1\n/a/c/d\n\t2\n/ab\n\t3\n", "test");
  tree.erase("/a");
  EXPECT_FALSE(tree.exists("/a"));
  EXPECT_TRUE(tree.exists("/ab"));
}

TEST(RecordingFsTest, KeepsWhatWasReadAndNothingOfProcesses) {
  TreeFs tree = TreeFs::parse(
      "limber-report 1\n/sys/a\n\t1\n/sys/never\n\t2\n/proc/12/comm\n\tsecret\n/proc/self/cgroup\n\t0::/user-1000\n"
      "/proc/stat\n\tcpu 1\n/sys/refused !13\n",
      "test");
  const RecordingFs fs(tree);
  for (const char* path : {"/sys/a", "/proc/12/comm", "/proc/self/cgroup", "/proc/stat", "/sys/refused", "/sys/none"})
    fs.read(path);
  tree.put("/proc/cpuinfo", {"processor : 0\n\nHardware : X\nSerial : 1234\nModel : Y"});
  fs.list("/proc/12");
  EXPECT_EQ(fs.read("/proc/cpuinfo").text, "processor : 0\n\nHardware : X\nSerial : 1234\nModel : Y");
  const std::string text = fs.seen().print("");
  EXPECT_EQ(text,
            "limber-report 1\n/proc/cpuinfo\n\tprocessor : 0\n\t\n\tHardware : X\n\tModel : Y\n/proc/stat\n\tcpu "
            "1\n/sys/a\n\t1\n/sys/refused !13\n");
}

}  // namespace
}  // namespace limber
