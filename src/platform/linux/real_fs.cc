// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/real_fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "platform/linux/command_output.h"
#include "platform/linux/task_files.h"

namespace limber {
namespace {

constexpr size_t kLargest = size_t{1} << 20;

}  // namespace

RealFs::RealFs(std::string root) : root_(std::move(root)) {
  while (!root_.empty() && root_.back() == '/') root_.pop_back();
}

FsText RealFs::read(const std::string& path) const {
  if (is_task_path(path)) return live() ? read_task(*this, path) : FsText{ENOENT, {}};
  if (is_tool_path(path)) return live() ? tool_output(path) : FsText{ENOENT, {}};
  // A FIFO would make open() wait for a writer.
  const int file = ::open((root_ + path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return {errno, {}};
  FsText result;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(file, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) result.error = errno;
    if (got <= 0) break;
    result.text.append(buffer, static_cast<size_t>(got));
    if (result.text.size() > kLargest) {
      result.error = EFBIG;
      break;
    }
  }
  ::close(file);
  if (result.error != 0) result.text.clear();
  result.text.erase(result.text.find_last_not_of(" \t\r\n") + 1);
  return result;
}

int RealFs::write(const std::string& path, std::string_view value) {
  if (is_task_path(path)) return live() ? write_task(*this, path, value) : ENOENT;
  if (is_tool_path(path)) return EROFS;
  // O_TRUNC matters for a copied tree's plain files only; sysfs ignores it.
  const int file = ::open((root_ + path).c_str(), O_WRONLY | O_CLOEXEC | O_TRUNC | O_NONBLOCK);
  if (file < 0) return errno;
  ssize_t put = 0;
  do {
    put = ::write(file, value.data(), value.size());
  } while (put < 0 && errno == EINTR);
  const int error = put < 0 ? errno : static_cast<size_t>(put) == value.size() ? 0 : EIO;
  return ::close(file) != 0 && error == 0 ? errno : error;
}

FsNames RealFs::list(const std::string& path) const {
  DIR* directory = ::opendir((root_ + path).c_str());
  if (directory == nullptr) return {errno, {}};
  FsNames result;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") result.names.push_back(name);
  }
  ::closedir(directory);
  std::sort(result.names.begin(), result.names.end(), natural_less);
  return result;
}

bool RealFs::exists(const std::string& path) const {
  if (is_task_path(path)) return live() && read_task(*this, path).ok();
  if (is_tool_path(path)) return live() && tool_exists(path);
  return ::access((root_ + path).c_str(), F_OK) == 0;
}

bool RealFs::writable(const std::string& path) const {
  if (is_task_path(path)) return exists(path);
  if (is_tool_path(path)) return false;
  return ::access((root_ + path).c_str(), W_OK) == 0;
}

int RealFs::make_directory(const std::string& path) {
  return ::mkdir((root_ + path).c_str(), 0755) == 0 ? 0 : errno;
}

int RealFs::remove_directory(const std::string& path) {
  return ::rmdir((root_ + path).c_str()) == 0 ? 0 : errno;
}

}  // namespace limber
