// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/memory.h"

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "platform/machine.h"
#include "tool/bench/subject.h"

namespace limber::tool {
namespace {

using Loader = std::function<Network()>;
enum class Load { kFamily, kLargestAlone, kSeparate };

std::shared_ptr<const Model> build(const Loader& load, const std::string& only) {
  Network network = load();
  if (!only.empty()) std::erase_if(network.family, [&](const Member& member) { return member.name != only; });
  ModelOptions options;
  options.use_cache = false;
  return Model::build(std::move(network), options);
}

ResidentMemory resident() {
#ifdef __GLIBC__
  malloc_trim(0);  // what loading took and gave back is not the model's
#endif
  return resident_memory();
}

ResidentMemory grown_by(const Loader& load, Load what) {
  std::vector<std::string> names;
  std::string largest;
  {
    const auto model = build(load, "");
    for (int member = 0; member < model->members(); ++member) names.push_back(model->member(member).name);
    largest = model->member(model->largest_member()).name;
    Subject(model, {allowed_cpus().front()}).run(0);  // code and tables that every figure would count once
  }
  const ResidentMemory before = resident();
  std::vector<std::unique_ptr<Subject>> subjects;
  const auto add = [&](const std::string& only) {
    subjects.push_back(std::make_unique<Subject>(build(load, only), std::vector<int>{allowed_cpus().front()}));
    for (int member = 0; member < subjects.back()->model().members(); ++member) subjects.back()->run(member);
  };
  if (what == Load::kFamily) add("");
  if (what == Load::kLargestAlone) add(largest);
  for (const std::string& name : names) {
    if (what == Load::kSeparate) add(name);
  }
  const ResidentMemory after = resident();
  return {after.all - before.all, after.anonymous - before.anonymous};
}

ResidentMemory in_child(const Loader& load, Load what) {
  int ends[2];
  if (pipe(ends) != 0) fail(ErrorCode::kIo, "pipe: {}", std::strerror(errno));
  const pid_t child = fork();
  if (child < 0) fail(ErrorCode::kIo, "fork: {}", std::strerror(errno));
  ResidentMemory result;
  if (child == 0) {
    std::string said;  // the result's bytes, or what went wrong
    bool good = true;
    try {
      result = grown_by(load, what);
      said.assign(reinterpret_cast<const char*>(&result), sizeof result);
    } catch (const std::exception& error) {
      said = error.what();
      good = false;
    }
    good = write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) && good;
    _exit(good ? 0 : 1);
  }
  close(ends[1]);
  char said[4096];  // less than a pipe holds: written and read at once
  const ssize_t length = read(ends[0], said, sizeof said);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0 && length > 0) fail(ErrorCode::kIo, "{}", std::string_view(said, static_cast<std::size_t>(length)));
  if (status != 0 || length != sizeof result) fail(ErrorCode::kIo, "the process that measures memory failed");
  std::memcpy(&result, said, sizeof result);
  return result;
}

}  // namespace

MemoryUse measure_memory(const std::function<Network()>& load) {
  if (resident_memory().anonymous == 0)
    fail(ErrorCode::kUnsupported, "this system does not tell resident memory in /proc/self/status");
  return {in_child(load, Load::kFamily), in_child(load, Load::kLargestAlone), in_child(load, Load::kSeparate)};
}

}  // namespace limber::tool
