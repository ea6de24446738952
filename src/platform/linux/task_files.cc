// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/task_files.h"

#include <fmt/core.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/cpu_list.h"

namespace limber {
namespace {

constexpr std::string_view kRoot = "/task/";

// What sched_setattr(2) takes; the C library of Debian 12 has neither the struct nor the call.
struct Attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t clamp_min, clamp_max;
};
static_assert(sizeof(Attributes) == 56, "the second version of sched_attr");
constexpr uint64_t kKeepAll = 0x18, kClampMin = 0x20, kClampMax = 0x40;

std::optional<int64_t> start_of(const Fs& fs, int tid) {
  const FsText stat = fs.read(fmt::format("/proc/{}/stat", tid));
  const size_t name_end = stat.text.rfind(')');  // a name may hold blanks and brackets
  if (!stat.ok() || name_end == std::string::npos) return std::nullopt;
  const auto words = parse_words(std::string_view(stat.text).substr(name_end + 1));
  return words.size() > 19 ? parse_integer(words[19]) : std::nullopt;  // field 22; the state is field 3
}

struct Task {
  int error = 0;
  int tid = 0;
  std::string setting;
};

Task parse(const Fs& fs, const std::string& path) {
  const size_t slash = path.find('/', kRoot.size());
  if (slash == std::string::npos) return {EINVAL, 0, {}};
  std::string who = path.substr(kRoot.size(), slash - kRoot.size());
  const size_t dot = who.find('.');
  const auto tid = parse_integer(who.substr(0, dot));
  if (!tid || *tid < 0 || *tid > INT32_MAX) return {EINVAL, 0, {}};
  Task task{0, static_cast<int>(*tid), path.substr(slash + 1)};
  if (dot != std::string::npos && start_of(fs, task.tid) != parse_integer(who.substr(dot + 1))) task.error = ESRCH;
  return task;
}

int set_affinity(int tid, std::string_view value) {
  cpu_set_t set;
  CPU_ZERO(&set);
  const std::vector<int> cpus = parse_cpus(std::string(value));
  if (cpus.empty()) return EINVAL;
  for (int cpu : cpus) {
    if (cpu >= CPU_SETSIZE) return EINVAL;
    CPU_SET(cpu, &set);
  }
  return ::sched_setaffinity(tid, sizeof set, &set) == 0 ? 0 : errno;
}

int set_clamps(int tid, std::string_view value) {
  const std::vector<int64_t> clamps = parse_integers(value);
  if (clamps.size() != 2) return EINVAL;
  Attributes attributes{};
  attributes.size = sizeof attributes;
  attributes.flags = kKeepAll | kClampMin | kClampMax;
  attributes.clamp_min = static_cast<uint32_t>(clamps[0]);  // -1 resets: all bits set, as the kernel wants it
  attributes.clamp_max = static_cast<uint32_t>(clamps[1]);
  return ::syscall(SYS_sched_setattr, tid, &attributes, 0) == 0 ? 0 : errno;
}

}  // namespace

bool is_task_path(std::string_view path) {
  return path.substr(0, kRoot.size()) == kRoot;
}

std::string task_path(const Fs& fs, int tid, const std::string& setting) {
  const auto start = start_of(fs, tid);
  return start ? fmt::format("/task/{}.{}/{}", tid, *start, setting) : fmt::format("/task/{}/{}", tid, setting);
}

FsText read_task(const Fs& fs, const std::string& path) {
  const Task task = parse(fs, path);
  if (task.error != 0) return {task.error, {}};
  if (task.setting == "affinity") {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(task.tid, sizeof set, &set) != 0) return {errno, {}};
    std::vector<int> cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    return {0, print_cpu_list(cpus)};
  }
  if (task.setting == "nice") {
    errno = 0;
    const int nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(task.tid));
    if (nice == -1 && errno != 0) return {errno, {}};
    return {0, fmt::format("{}", nice)};
  }
  if (task.setting != "uclamp") return {EINVAL, {}};
  Attributes attributes{};
  if (::syscall(SYS_sched_getattr, task.tid, &attributes, sizeof attributes, 0) != 0) return {errno, {}};
  // A kernel without clamps gives back the older, shorter version, or leaves both at 0; with clamps the upper one is
  // 1024 unless somebody wants a thread never to count as work.
  if (attributes.size < sizeof attributes || attributes.clamp_max == 0) return {EOPNOTSUPP, {}};
  return {0, fmt::format("{} {}", attributes.clamp_min, attributes.clamp_max)};
}

int write_task(const Fs& fs, const std::string& path, std::string_view value) {
  const Task task = parse(fs, path);
  if (task.error != 0) return task.error;
  if (task.setting == "affinity") return set_affinity(task.tid, value);
  if (task.setting == "uclamp") return set_clamps(task.tid, value);
  const auto nice = parse_integer(value);
  if (task.setting != "nice" || !nice || *nice < -20 || *nice > 19) return EINVAL;
  return ::setpriority(PRIO_PROCESS, static_cast<id_t>(task.tid), static_cast<int>(*nice)) == 0 ? 0 : errno;
}

}  // namespace limber
