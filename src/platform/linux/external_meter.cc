// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/external_meter.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "platform/clock.h"
#include "platform/linux/real_fs.h"

extern char** environ;

namespace limber {
namespace {

constexpr double kMostWatts = 1e5;
constexpr size_t kLongestLine = 4096;
constexpr int64_t kLongestBackoffNs = 30'000'000'000;

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::optional<double> parse_watts(const std::string& line) {
  const auto words = parse_words(line);
  if (words.empty() || words.size() > 2) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(words[0].c_str(), &end);
  if (end == words[0].c_str()) return std::nullopt;
  const std::string unit = words.size() == 2 ? (*end == 0 ? words[1] : "?") : std::string(end);
  const double scale = unit.empty() || unit == "W" ? 1 : unit == "mW" ? 1e-3 : unit == "uW" ? 1e-6 : NAN;
  const double watts = value * scale;
  return watts >= 0 && watts <= kMostWatts ? std::optional<double>(watts) : std::nullopt;  // NaN is neither
}

ExternalMeter::ExternalMeter(std::string from) : from_(std::move(from)) {
  if (parse_words(from_).empty())
    fail(ErrorCode::kInvalidArgument, "a power meter is a file that holds watts or a command that prints them, not ''");
  struct stat what {};
  if (::stat(from_.c_str(), &what) == 0) {
    file_ = S_ISREG(what.st_mode) && (what.st_mode & 0111) == 0;
    if (!file_ && !S_ISREG(what.st_mode))
      fail(ErrorCode::kInvalidArgument,
           "{}: neither a file nor a command; to read a device or a pipe, give a command, e.g. 'cat {}'", from_, from_);
  } else if (from_[0] == '/' && parse_words(from_).size() == 1) {
    fail(ErrorCode::kInvalidArgument, "{}: no such file or program", from_);
  }
  if (!file_) start();
}

ExternalMeter::~ExternalMeter() {
  end_child();
}

void ExternalMeter::start() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail(ErrorCode::kIo, "{}: no pipe: {}", from_, std::strerror(errno));
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A daemon blocks or ignores signals that the command has to obey.
  sigset_t none, usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  for (const int number : {SIGTERM, SIGINT, SIGPIPE, SIGHUP}) sigaddset(&usual, number);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  char shell[] = "/bin/sh", option[] = "-c";
  char* arguments[] = {shell, option, from_.data(), nullptr};
  const int failed = ::posix_spawn(&child_, shell, &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (failed != 0) {
    ::close(ends[0]);
    child_ = -1;
    fail(ErrorCode::kIo, "{}: cannot be started: {}", from_, std::strerror(failed));
  }
  pipe_ = ends[0];
}

void ExternalMeter::end_child() {
  if (pipe_ >= 0) ::close(pipe_);
  pipe_ = -1;
  if (child_ < 0) return;
  ::kill(-child_, SIGTERM);
  const int64_t end = now_ns() + 500'000'000;
  int status = 0;
  while (::waitpid(child_, &status, WNOHANG) == 0) {
    if (now_ns() > end) {
      ::kill(-child_, SIGKILL);
      ::waitpid(child_, &status, 0);
      break;
    }
    sleep_until_ns(now_ns() + 2'000'000);
  }
  child_ = -1;
}

void ExternalMeter::take(const std::string& bytes, int64_t now) {
  partial_ += bytes;
  size_t at = 0;
  for (size_t end = 0; (end = partial_.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string line = partial_.substr(at, end - at);
    if (const auto watts = parse_watts(line)) {
      sum_ += *watts;
      ++lines_;
      last_ = *watts;
      last_ns_ = now;
      backoff_ns_ = 1'000'000'000;
    } else if (!parse_words(line).empty()) {
      ++garbage_;
      trouble_ = "the last line was no watts: '" + line.substr(0, 60) + "'";
    }
  }
  partial_.erase(0, at);
  if (partial_.size() > kLongestLine) {  // a program that never ends a line must not fill the memory
    partial_.clear();
    ++garbage_;
    trouble_ = "a line without an end";
  }
}

PowerReading ExternalMeter::read_file() {
  const FsText text = RealFs().read(from_[0] == '/' ? from_ : "./" + from_);
  if (!text.ok()) return {-1, {}, explain(from_, text.error)};
  const auto watts = parse_watts(first_line(text.text));
  if (watts) return {*watts, {{"external", *watts}}, ""};
  ++garbage_;
  return {-1, {}, fmt::format("{}: no watts: '{}'", from_, first_line(text.text).substr(0, 60))};
}

PowerReading ExternalMeter::read(int64_t now) {
  if (file_) return read_file();
  if (child_ < 0 && now >= retry_ns_) {
    ++restarts_;
    try {
      start();
    } catch (const Error& error) {
      trouble_ = error.what();
      retry_ns_ = now + kLongestBackoffNs;
    }
  }
  while (pipe_ >= 0) {
    char buffer[4096];
    const ssize_t got = ::read(pipe_, buffer, sizeof buffer);
    if (got > 0) {
      take(std::string(buffer, static_cast<size_t>(got)), now);
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    end_child();
    trouble_ = "the command ended";
    retry_ns_ = now + backoff_ns_;
    backoff_ns_ = std::min(2 * backoff_ns_, kLongestBackoffNs);
  }
  double watts = -1;
  if (lines_ > 0)
    watts = sum_ / lines_;
  else if (last_ >= 0 && static_cast<double>(now - last_ns_) * 1e-6 < kStaleMs)
    watts = last_;
  sum_ = lines_ = 0;
  if (watts >= 0) return {watts, {{"external", watts}}, ""};
  return {-1,
          {},
          fmt::format("{}: no value yet or none for {} s{}{}", from_, kStaleMs / 1000, trouble_.empty() ? "" : "; ",
                      trouble_)};
}

}  // namespace limber
