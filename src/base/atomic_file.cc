// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace limber {
namespace {

std::string folder_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Both ways of making the temporary file may make it private; a result should have the permissions that open() would
// have given it.
mode_t usual_permissions() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

// What a link leads to is replaced, not the link.
std::string behind_links(const std::string& path) {
  char* found = ::realpath(path.c_str(), nullptr);
  if (found == nullptr) return path;  // a new file, or AtomicFile says what is wrong
  std::string result = found;
  ::free(found);
  return result;
}

// Of all temporary names in this process.
unsigned next_number() {
  static std::atomic<unsigned> number = 0;
  return ++number;
}

// Open for writing, without a name that a killed process would leave behind; -1 where the file system or a missing
// /proc forbids that.
int open_nameless(const std::string& folder) {
  if (::access("/proc/self/fd", X_OK) != 0) return -1;
  return ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), target_(behind_links(path_)) {
  static const mode_t permissions = usual_permissions();
  struct stat there {};
  const bool replaces = ::stat(path_.c_str(), &there) == 0;
  if (path_.empty()) fail(ErrorCode::kInvalidArgument, "the name of a file to write is empty; give its path");
  if (replaces && !S_ISREG(there.st_mode)) {  // rename() would replace a device by a file
    fail(ErrorCode::kIo, "{}: is a {}, not a file; give the path of a file, new or to be replaced", path_,
         S_ISDIR(there.st_mode) ? "folder" : "device, pipe or socket");
  }
  if (!replaces && (errno == ENAMETOOLONG || path_.back() == '/')) refuse("cannot be created", errno);
  const std::string folder = folder_of(target_);
  file_ = open_nameless(folder);
  if (file_ < 0) {
    temporary_ = folder + "/.limber-XXXXXX";
    file_ = ::mkostemp(temporary_.data(), O_CLOEXEC);
  }
  if (file_ < 0) {
    const int reason = errno;
    temporary_.clear();
    refuse("cannot be created", reason);
  }
  // What is replaced keeps who may read it.
  if (replaces && ::geteuid() == 0) (void)!::fchown(file_, there.st_uid, there.st_gid);
  ::fchmod(file_, replaces ? there.st_mode & 0777 : permissions);
}

AtomicFile::~AtomicFile() {
  if (file_ >= 0) ::close(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::refuse(const char* step, int reason) {
  const char* next = reason == ENOSPC || reason == EDQUOT ? " (free some space and try again)" : "";
  const std::string after = written_ > 0 ? fmt::format(" after {} bytes", written_) : "";
  fail(ErrorCode::kIo, "{}: {}{}: {}{}", path_, step, after, std::strerror(reason), next);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (file_ < 0) fail(ErrorCode::kInternal, "{}: written to after it was committed", path_);
  while (!bytes.empty()) {
    const ssize_t done = ::write(file_, bytes.data(), std::min<std::size_t>(bytes.size(), 1u << 30));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) refuse("cannot be written", errno);
    if (done == 0) refuse("cannot be written", ENOSPC);
    written_ += static_cast<uint64_t>(done);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
}

// Gives a nameless file a name beside the target. linkat() replaces nothing, so rename() has to follow.
void AtomicFile::give_name() {
  const std::string nameless = fmt::format("/proc/self/fd/{}", file_);
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::string name = fmt::format("{}/.limber-{}-{}", folder_of(target_), ::getpid(), next_number());
    if (::linkat(AT_FDCWD, nameless.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      temporary_ = name;
      return;
    }
    if (errno != EEXIST) break;
  }
  refuse("cannot be named", errno);
}

void AtomicFile::commit() {
  if (file_ < 0) fail(ErrorCode::kInternal, "{}: committed twice", path_);
  if (::fsync(file_) != 0 && errno != EINVAL) refuse("cannot be made durable", errno);
  if (temporary_.empty()) give_name();
  const int closed = ::close(std::exchange(file_, -1));
  if (closed != 0) refuse("cannot be closed", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) refuse("cannot replace the old file", errno);
  temporary_.clear();
  // The rename itself is durable once the folder is; a file system that cannot do that still has the right contents.
  const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

}  // namespace limber
