// SPDX-License-Identifier: Apache-2.0
#include "tool/run/gnuplot.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/error.h"

extern char** environ;

namespace limber::tool {

namespace {

// Files without a name instead of pipes: nobody can block on the other.
class Scratch {
 public:
  Scratch() : file_(std::tmpfile()) {
    if (!file_) fail(ErrorCode::kIo, "a picture's temporary file: {}; $TMPDIR may be full", std::strerror(errno));
  }
  int descriptor() const { return fileno(file_.get()); }
  void write(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() || std::fflush(file_.get()) != 0)
      fail(ErrorCode::kIo, "a picture's temporary file: {}; $TMPDIR may be full", std::strerror(errno));
    std::rewind(file_.get());
  }
  std::string read() {
    std::rewind(file_.get());
    std::string text;
    char buffer[1 << 14];
    while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, file_.get())) text.append(buffer, got);
    return text;
  }

 private:
  struct Close {
    void operator()(FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<FILE, Close> file_;
};

struct Actions {
  posix_spawn_file_actions_t value;
  Actions() { posix_spawn_file_actions_init(&value); }
  ~Actions() { posix_spawn_file_actions_destroy(&value); }
};

}  // namespace

std::string find_gnuplot() {
  const char* const set = std::getenv("PATH");
  const std::string folders = set != nullptr ? set : "";
  for (std::size_t from = 0; from < folders.size();) {
    const std::size_t colon = std::min(folders.find(':', from), folders.size());
    const std::string path = folders.substr(from, colon - from) + "/gnuplot";
    if (access(path.c_str(), X_OK) == 0) return path;
    from = colon + 1;
  }
  return "";
}

std::string run_gnuplot(const std::string& script) {
  const std::string program = find_gnuplot();
  if (program.empty())
    fail(ErrorCode::kNotFound, "gnuplot draws the picture and is not in $PATH: install Debian's package gnuplot-nox");
  Scratch in, out, errors;
  in.write(script);
  Actions actions;
  posix_spawn_file_actions_adddup2(&actions.value, in.descriptor(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions.value, out.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions.value, errors.descriptor(), STDERR_FILENO);
  std::string name = "gnuplot";
  char* const arguments[] = {name.data(), nullptr};
  pid_t child = 0;
  if (const int error = posix_spawn(&child, program.c_str(), &actions.value, nullptr, arguments, environ); error != 0)
    fail(ErrorCode::kIo, "{} cannot be started: {}", program, std::strerror(error));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const std::string picture = out.read();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || picture.empty())
    fail(ErrorCode::kIo, "{} drew nothing: {}", program, errors.read());
  return picture;
}

}  // namespace limber::tool
