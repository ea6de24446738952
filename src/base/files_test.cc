// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/aligned_buffer.h"
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "base/test_folder.h"

namespace limber {
namespace {

namespace fs = std::filesystem;

class Files : public FolderTest {
 protected:
  int count() const {
    return static_cast<int>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
};

TEST_F(Files, AtomicFileReplacesOnlyOnCommit) {
  std::ofstream(path("a")) << "old";
  {
    AtomicFile file(path("a"));
    file.write("new");
    EXPECT_EQ(slurp(path("a")), "old");
  }
  EXPECT_EQ(slurp(path("a")), "old");
  EXPECT_EQ(count(), 1) << "a temporary file was left behind";
  AtomicFile file(path("a"));
  file.write("new");
  file.write("er");
  file.commit();
  EXPECT_EQ(slurp(path("a")), "newer");
  EXPECT_EQ(count(), 1);
}

TEST_F(Files, AKilledWriterLeavesNothing) {
  const pid_t writer = ::fork();
  if (writer == 0) {
    AtomicFile file(path("a"));
    file.write("half");
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(writer, &status, 0), writer);
  ASSERT_TRUE(WIFSIGNALED(status));
  const int nameless = ::open(path("").c_str(), O_TMPFILE | O_WRONLY, 0600);
  if (nameless < 0) GTEST_SKIP() << "this file system knows no files without names";
  ::close(nameless);
  EXPECT_EQ(count(), 0);
}

TEST_F(Files, AtomicFileKeepsPermissionsAndFollowsLinks) {
  std::ofstream(path("a")) << "old";
  fs::permissions(path("a"), fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("a", path("link"));
  AtomicFile file(path("link"));
  file.write("new");
  file.commit();
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(slurp(path("a")), "new");
  EXPECT_EQ(fs::status(path("a")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(count(), 2);
}

TEST_F(Files, AtomicFileMayHaveTheLongestName) {
  AtomicFile file(path(std::string(255, 'n')));
  file.commit();
  EXPECT_EQ(count(), 1);
  EXPECT_THROW(AtomicFile(path(std::string(256, 'n'))), Error);
  EXPECT_THROW(AtomicFile(""), Error);
  EXPECT_THROW(MappedFile(""), Error);
}

TEST_F(Files, AtomicFileSaysWhatTheSystemRefused) {
  try {
    AtomicFile file(path("missing/a"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_NE(std::string(error.what()).find("missing/a"), std::string::npos) << error.what();
  }
}

TEST_F(Files, AtomicFileReplacesNothingButFiles) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_THROW(AtomicFile(path("pipe")), Error);
  EXPECT_TRUE(fs::is_fifo(path("pipe")));
  EXPECT_THROW(AtomicFile(path("")), Error);
  EXPECT_EQ(count(), 1);
}

TEST_F(Files, MappedFileShowsTheBytes) {
  std::ofstream(path("a")) << "hello";
  MappedFile file(path("a"));
  ASSERT_EQ(file.size(), 5u);
  EXPECT_EQ(static_cast<char>(file.bytes()[4]), 'o');
  MappedFile moved = std::move(file);
  EXPECT_EQ(moved.size(), 5u);
  EXPECT_EQ(file.size(), 0u);
  std::ofstream(path("empty"));
  EXPECT_EQ(MappedFile(path("empty")).size(), 0u);
}

TEST_F(Files, MappedFileRefusesWhatIsMissingOrAFolder) {
  try {
    MappedFile file(path("nothing"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  }
  EXPECT_THROW(MappedFile{folder_}, Error);
}

TEST(AlignedBuffer, IsAlignedAndZero) {
  for (std::size_t size : {1u, 63u, 64u, 1000u}) {
    AlignedBuffer buffer(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % kAlignment, 0u);
    for (std::byte byte : buffer.bytes()) ASSERT_EQ(byte, std::byte{0});
  }
  EXPECT_EQ(AlignedBuffer(0).data(), nullptr);
  EXPECT_THROW(AlignedBuffer(static_cast<std::size_t>(-1)), std::bad_alloc);
}

}  // namespace
}  // namespace limber
