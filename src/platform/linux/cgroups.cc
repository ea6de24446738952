// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/cgroups.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "base/cpu_list.h"
#include "base/error.h"

namespace limber {
namespace {

void check_name(const std::string& name) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), legal))
    fail(ErrorCode::kInvalidArgument, "'{}' is no name of a control group: 1 to 64 letters, digits, '-' and '_'", name);
}

}  // namespace

std::string Cgroups::folder(Controller controller, const std::string& name) const {
  const Place& place = places_.at(controller);
  return place.version == 0 ? "" : group(place, name);
}

Outcome Cgroups::need(Controller controller, const std::string& name) const {
  const Place& place = places_.at(controller);
  if (!place.knob.supported) return {EOPNOTSUPP, "", place.knob.reason};
  if (!place.knob.writable) return {EACCES, "", place.knob.reason};
  const std::string path = group(place, name);
  return fs_.exists(path) ? Outcome{} : Outcome{ENOENT, "", explain(path, ENOENT)};
}

Outcome Cgroups::create(RestoreLog& log, const std::string& name) {
  check_name(name);
  Outcome last{EOPNOTSUPP, "", places_.at(Controller::kWeight).knob.reason};
  std::vector<std::string> made;
  for (const auto& [controller, place] : places_) {
    if (!place.knob.writable) continue;
    if (place.version == 2) {
      const std::string handed = place.parent + "/cgroup.subtree_control";
      const std::string word = controller == Controller::kCpus ? "cpuset" : "cpu";
      const auto words = parse_words(fs_.read(handed).text);
      // Left switched on at the end: it changes nothing for anyone, and others may rely on it by then.
      if (std::find(words.begin(), words.end(), word) == words.end()) last = log.set_passing(handed, "+" + word);
      if (!last.ok() && last.error != EOPNOTSUPP) return last;
    }
    const std::string path = group(place, name);
    if (std::find(made.begin(), made.end(), path) != made.end()) continue;
    made.push_back(path);
    last = log.make_directory(path);
    if (!last.ok()) return last;
    // A version 1 cpuset is born empty and takes no process before it has CPUs and memory.
    for (const char* file : {"cpuset.cpus", "cpuset.mems"})
      if (place.version == 1 && controller == Controller::kCpus)
        last = log.set_passing(path + "/" + file, fs_.read(place.parent + "/" + file).text);
    if (!last.ok()) return last;
  }
  return last;
}

Outcome Cgroups::add_process(RestoreLog& log, const std::string& name, int pid) {
  Outcome last = create(log, name);
  std::vector<std::string> done;
  for (const auto& [controller, place] : places_) {
    if (!last.ok()) return last;
    const std::string path = group(place, name) + "/cgroup.procs";
    if (!place.knob.writable || std::find(done.begin(), done.end(), path) != done.end()) continue;
    done.push_back(path);
    last = log.move_process(pid, path, place.parent + "/cgroup.procs");
  }
  return last;
}

Outcome Cgroups::set_weight(RestoreLog& log, const std::string& name, int weight) {
  if (weight < 1 || weight > 10000) return {EINVAL, "", fmt::format("weight {}: legal are 1 to 10000", weight)};
  if (Outcome there = need(Controller::kWeight, name); !there.ok()) return there;
  const Place& place = places_.at(Controller::kWeight);
  const std::string path = group(place, name);
  if (place.version == 2) return log.set_passing(path + "/cpu.weight", fmt::format("{}", weight));
  return log.set_passing(path + "/cpu.shares", fmt::format("{}", std::max<int64_t>(2, std::llround(weight * 10.24))));
}

Outcome Cgroups::set_quota(RestoreLog& log, const std::string& name, double cpus, double period_ms) {
  if (!(period_ms >= 1 && period_ms <= 1000) || (cpus >= 0 && !(cpus * period_ms >= 1)))
    return {EINVAL, "",
            fmt::format("{} CPUs in {} ms: legal are periods of 1 to 1000 ms with at least 1 ms of CPU time", cpus,
                        period_ms)};
  if (Outcome there = need(Controller::kQuota, name); !there.ok()) return there;
  const Place& place = places_.at(Controller::kQuota);
  const std::string path = group(place, name);
  const int64_t period_us = std::llround(period_ms * 1000), quota_us = std::llround(cpus * period_ms * 1000);
  if (place.version == 2)
    return log.set_passing(path + "/cpu.max",
                           cpus < 0 ? fmt::format("max {}", period_us) : fmt::format("{} {}", quota_us, period_us));
  const Outcome period = log.set_passing(path + "/cpu.cfs_period_us", fmt::format("{}", period_us));
  if (!period.ok()) return period;
  return log.set_passing(path + "/cpu.cfs_quota_us", cpus < 0 ? "-1" : fmt::format("{}", quota_us));
}

Outcome Cgroups::set_cpus(RestoreLog& log, const std::string& name, const std::vector<int>& cpus) {
  if (Outcome there = need(Controller::kCpus, name); !there.ok()) return there;
  return log.set_passing(group(places_.at(Controller::kCpus), name) + "/cpuset.cpus", print_cpu_list(cpus));
}

std::vector<std::string> Cgroups::folders(const std::string& name) const {
  std::vector<std::string> folders;
  for (const auto& [controller, place] : places_)
    if (place.version != 0) folders.push_back(group(place, name));
  return folders;
}

}  // namespace limber
