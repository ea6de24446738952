// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

// mkostemp makes files private; a result should have the permissions that open() would have given it.
mode_t usual_permissions() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), temporary_(path_ + ".XXXXXX") {
  static const mode_t permissions = usual_permissions();
  struct stat there {};
  if (::stat(path_.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {  // rename() would replace a device by a file
    fail(ErrorCode::kIo, "{}: is a {}, not a file; give the path of a file, new or to be replaced", path_,
         S_ISDIR(there.st_mode) ? "folder" : "device, pipe or socket");
  }
  file_ = ::mkostemp(temporary_.data(), O_CLOEXEC);
  if (file_ < 0) {
    const int reason = errno;
    temporary_.clear();
    refuse("cannot be created", reason);
  }
  ::fchmod(file_, permissions);
}

AtomicFile::~AtomicFile() {
  if (file_ >= 0) ::close(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::refuse(const char* step, int reason) {
  const char* next = reason == ENOSPC || reason == EDQUOT ? " (free some space and try again)" : "";
  fail(ErrorCode::kIo, "{}: {} after {} bytes: {}{}", path_, step, written_, std::strerror(reason), next);
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

void AtomicFile::commit() {
  if (file_ < 0) fail(ErrorCode::kInternal, "{}: committed twice", path_);
  if (::fsync(file_) != 0 && errno != EINVAL) refuse("cannot be made durable", errno);
  const int closed = ::close(std::exchange(file_, -1));
  if (closed != 0) refuse("cannot be closed", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) refuse("cannot replace the old file", errno);
  temporary_.clear();
  // The rename itself is durable once the folder is; a file system that cannot do that still has the right contents.
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

}  // namespace limber
