// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/command_output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "platform/clock.h"

namespace limber {
namespace {

// All that may ever be run; the tools only read.
constexpr const char* kTools[] = {"/usr/bin/vcgencmd", "/opt/vc/bin/vcgencmd"};
constexpr int64_t kLimitNs = 1'000'000'000;

// The words of a command, the first replaced by the tool's place; empty where it is not installed.
std::vector<std::string> command_of(const std::string& path) {
  std::vector<std::string> words = parse_words(std::string_view(path).substr(kToolRoot.size()));
  if (words.empty()) return {};
  for (const std::string tool : kTools) {
    if (tool.substr(tool.rfind('/') + 1) != words[0] || ::access(tool.c_str(), X_OK) != 0) continue;
    words[0] = tool;
    return words;
  }
  return {};
}

}  // namespace

bool is_tool_path(std::string_view path) {
  return path.substr(0, kToolRoot.size()) == kToolRoot;
}

bool tool_exists(const std::string& path) {
  return !command_of(path).empty();
}

FsText tool_output(const std::string& path) {
  std::vector<std::string> words = command_of(path);
  return words.empty() ? FsText{ENOENT, {}} : run_tool(std::move(words));
}

FsText run_tool(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {errno, {}};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  char* environment[] = {nullptr};
  const int failed = ::posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environment);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (failed != 0) {
    ::close(ends[0]);
    return {failed, {}};
  }
  FsText result;
  const int64_t end = now_ns() + kLimitNs;
  for (;;) {
    const int64_t left_ms = (end - now_ns()) / 1'000'000;
    pollfd wait{ends[0], POLLIN, 0};
    if (left_ms <= 0 || ::poll(&wait, 1, static_cast<int>(left_ms)) <= 0) {
      ::kill(child, SIGKILL);
      result.error = ETIMEDOUT;
      break;
    }
    char buffer[1024];
    const ssize_t got = ::read(ends[0], buffer, sizeof buffer);
    if (got <= 0) break;
    if (result.text.size() < 65536) result.text.append(buffer, static_cast<size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {  // it may have closed its output and go on
    if (now_ns() > end && result.error == 0) {
      ::kill(child, SIGKILL);
      result.error = ETIMEDOUT;
    }
    sleep_until_ns(now_ns() + 200'000);
  }
  if (result.error == 0 && status != 0) result.error = EIO;
  if (result.error != 0) result.text.clear();
  result.text.erase(result.text.find_last_not_of(" \t\r\n") + 1);
  return result;
}

}  // namespace limber
