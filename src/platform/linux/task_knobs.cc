// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/task_knobs.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstdlib>

#include "base/cpu_list.h"
#include "platform/linux/task_files.h"

namespace limber {
namespace {

constexpr int kSysNice = 23;  // CAP_SYS_NICE

bool may_change_others(const Fs& fs) {
  const std::string status = fs.read("/proc/self/status").text;
  const size_t at = status.find("CapEff:");
  if (at == std::string::npos) return false;
  return (std::strtoull(status.c_str() + at + 7, nullptr, 16) >> kSysNice & 1) != 0;
}

Outcome explained(Outcome outcome, const char* what) {
  if (outcome.error == EPERM || outcome.error == EACCES)
    outcome.reason =
        fmt::format("{}: not permitted; threads of others, and a nicer place for one's own, need CAP_SYS_NICE", what);
  if (outcome.error == EOPNOTSUPP || outcome.error == ENOSYS)
    outcome.reason = fmt::format("{}: this kernel was built without it (CONFIG_UCLAMP_TASK)", what);
  return outcome;
}

}  // namespace

Outcome set_affinity(RestoreLog& log, int tid, const std::vector<int>& cpus) {
  Outcome outcome = explained(log.set(task_path(log.fs(), tid, "affinity"), print_cpu_list(cpus)), "affinity");
  if (outcome.error == EINVAL)
    outcome.reason = fmt::format("CPUs '{}': none of them is on and in the thread's cpuset", print_cpu_list(cpus));
  return outcome;
}

Outcome set_clamps(RestoreLog& log, int tid, int low, int high) {
  if (low < 0 || low > high || high > 1024)
    return {EINVAL, "", fmt::format("clamps {}..{}: legal are 0 to 1024, the lower one first", low, high)};
  return explained(log.set(task_path(log.fs(), tid, "uclamp"), fmt::format("{} {}", low, high)), "uclamp");
}

Outcome set_nice(RestoreLog& log, int tid, int nice) {
  if (nice < -20 || nice > 19) return {EINVAL, "", fmt::format("nice {}: legal are -20 to 19", nice)};
  return explained(log.set(task_path(log.fs(), tid, "nice"), fmt::format("{}", nice)), "nice");
}

std::vector<Knob> task_knobs(const Fs& fs) {
  const bool others = may_change_others(fs);
  std::vector<Knob> knobs;
  for (const char* name : {"affinity", "uclamp", "nice"}) {
    Knob knob;
    knob.name = name;
    const FsText now = fs.read(fmt::format("/task/0/{}", name));  // of this thread
    knob.supported = knob.writable = now.ok();
    if (now.ok()) {
      const std::string range = name == std::string("affinity") ? "CPUs " + now.text
                                : name == std::string("uclamp") ? "0..1024"
                                : others                        ? "-20..19"
                                                                : fmt::format("{}..19", now.text);
      knob.range = fmt::format("{}, {}", range, others ? "any thread" : "threads of this user");
    } else if (!fs.live()) {
      knob.reason = "these are another machine's files: only the machine itself can tell";
    } else if (now.error == EOPNOTSUPP || now.error == ENOSYS) {
      knob.reason = "this kernel was built without it (CONFIG_UCLAMP_TASK)";
    } else {
      knob.reason = explain(name, now.error);
    }
    knobs.push_back(std::move(knob));
  }
  return knobs;
}

}  // namespace limber
