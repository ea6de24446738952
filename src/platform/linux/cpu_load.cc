// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/cpu_load.h"

#include <fmt/core.h>

#include <algorithm>

namespace limber {
namespace {

struct ThreadTicks {
  double ticks = 0;
  int cpu = -1;
};

// utime, stime (fields 14, 15) and the CPU it ran on last (39) of a thread's stat; cpu is -1 where it has ended.
ThreadTicks thread_ticks(const Fs& fs, int pid, int tid) {
  const FsText stat = fs.read(fmt::format("/proc/{}/task/{}/stat", pid, tid));
  const size_t name_end = stat.text.rfind(')');
  if (!stat.ok() || name_end == std::string::npos) return {};
  const auto words = parse_words(std::string_view(stat.text).substr(name_end + 1));  // from field 3 on
  if (words.size() <= 36) return {};
  const auto user = parse_integer(words[11]), system = parse_integer(words[12]), cpu = parse_integer(words[36]);
  if (!user || !system || !cpu) return {};
  return {static_cast<double>(*user + *system), static_cast<int>(*cpu)};
}

}  // namespace

void CpuLoad::sample(const Fs& fs, int64_t now_ns) {
  Sample now;
  now.ns = now_ns;
  const std::string stat = fs.read("/proc/stat").text;
  for (size_t at = 0; at < stat.size();) {
    const size_t end = std::min(stat.find('\n', at), stat.size());
    const auto words = parse_words(std::string_view(stat).substr(at, end - at));
    at = end + 1;
    if (words.size() < 9 || words[0].rfind("cpu", 0) != 0) continue;
    const auto cpu = parse_integer(words[0].substr(3));
    if (!cpu) continue;  // the sum of all
    Ticks ticks;
    for (size_t i = 1; i <= 8; ++i) {  // user nice system idle iowait irq softirq steal; guests are within user
      const double value = static_cast<double>(parse_integer(words[i]).value_or(0));
      ticks.all += value;
      if (i != 4 && i != 5) ticks.busy += value;
    }
    now.cpus[static_cast<int>(*cpu)] = ticks;
  }
  std::map<int, double> seen;
  const auto count = [&](int pid, int tid) {
    if (seen.count(tid) != 0) return;  // named as a thread, too
    const ThreadTicks thread = thread_ticks(fs, pid, tid);
    if (thread.cpu < 0) return;
    const auto last = thread_last_.find(tid);
    if (last != thread_last_.end() && thread.ticks > last->second)
      own_total_[thread.cpu] += thread.ticks - last->second;
    seen[tid] = thread.ticks;
  };
  for (int pid : own_)
    for (const std::string& tid : fs.list(fmt::format("/proc/{}/task", pid)).names)
      if (const auto number = parse_integer(tid)) count(pid, static_cast<int>(*number));
  for (int tid : own_threads_) count(tid, tid);  // the kernel finds a thread's process by its own number as well
  thread_last_ = std::move(seen);
  now.own = own_total_;
  samples_.push_back(std::move(now));
  while (samples_.size() > 2 && static_cast<double>(samples_.back().ns - samples_[1].ns) * 1e-6 >= kWindowMs)
    samples_.pop_front();

  others_.clear();
  busy_.clear();
  const Sample &first = samples_.front(), &last = samples_.back();
  double excess = 0;
  std::map<int, double> rest, length;
  for (const auto& [cpu, ticks] : last.cpus) {
    const auto before = first.cpus.find(cpu);
    if (before == first.cpus.end()) continue;
    const double all = ticks.all - before->second.all, busy = std::max(ticks.busy - before->second.busy, 0.0);
    if (all <= 0) continue;
    const auto own = [cpu = cpu](const Sample& of) {
      const auto found = of.own.find(cpu);
      return found == of.own.end() ? 0.0 : found->second;
    };
    const double others = busy - (own(last) - own(first));
    excess += std::max(-others, 0.0);
    rest[cpu] = std::max(others, 0.0);
    length[cpu] = all;
    busy_[cpu] = std::min(busy / all, 1.0);
  }
  double sum = 0;
  for (const auto& [cpu, ticks] : rest) sum += ticks;
  const double kept = sum > 0 ? std::max(1 - excess / sum, 0.0) : 0;
  for (const auto& [cpu, ticks] : rest) others_[cpu] = std::min(ticks * kept / length[cpu], 1.0);
}

double CpuLoad::others(int cpu) const {
  const auto found = others_.find(cpu);
  return found == others_.end() ? 0 : found->second;
}

double CpuLoad::busy(int cpu) const {
  const auto found = busy_.find(cpu);
  return found == busy_.end() ? 0 : found->second;
}

}  // namespace limber
