// SPDX-License-Identifier: Apache-2.0
#include "tool/calibrate/sysfs_machine.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/cpu_list.h"
#include "base/error.h"
#include "platform/clock.h"
#include "platform/energy.h"
#include "tool/run/interrupt.h"

namespace limber::tool {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

int64_t integer_of(const std::string& path) {
  int64_t value = 0;
  if (!(std::istringstream(text_of(path)) >> value)) fail(ErrorCode::kIo, "{}: no number could be read", path);
  return value;
}

// One write() call, whose result counts: the kernel refuses there.
void write_value(const std::string& path, int64_t value) {
  const std::string text = fmt::format("{}", value);
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_TRUNC);
  const auto written = file < 0 ? -1 : write(file, text.data(), text.size());
  const int reason = errno;
  if (file >= 0) close(file);
  if (written != static_cast<ssize_t>(text.size()))
    fail(ErrorCode::kIo, "{}: '{}' could not be written: {}; clocks are set by root on most systems", path, text,
         std::strerror(reason));
}

double watts_in(const std::string& text, const std::string& where) {
  double value = 0;
  if (!(std::istringstream(text) >> value) || !(value >= 0 && value < 1e5))
    fail(ErrorCode::kIo, "{}: '{}' is no number of watts", where, text.substr(0, 60));
  return value;
}

double watts_of_command(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) fail(ErrorCode::kIo, "--power-from '{}': {}", command, std::strerror(errno));
  std::string text;
  char buffer[256];
  for (std::size_t got; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, got);
  const int status = pclose(pipe);
  if (status != 0)
    fail(ErrorCode::kIo, "--power-from '{}': exit code {}; legal: a file of watts, or a command that prints them",
         command, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  return watts_in(text, fmt::format("--power-from '{}'", command));
}

// Ticks that those CPUs were busy, and all of them.
std::pair<double, double> ticks(const std::string& path, const std::vector<int>& cpus) {
  std::ifstream file(path);
  std::pair<double, double> result{0, 0};
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name.rfind("cpu", 0) != 0 || name.size() < 4) continue;
    if (std::count(cpus.begin(), cpus.end(), std::stoi(name.substr(3))) == 0) continue;
    // user nice system idle iowait irq softirq steal
    double value = 0;
    for (int field = 0; field < 8 && words >> value; ++field) {
      result.second += value;
      if (field != 3 && field != 4) result.first += value;
    }
  }
  return result;
}

}  // namespace

SysfsMachine::SysfsMachine(std::string root, const std::vector<int>& cpus, std::vector<int64_t> khz,
                           const std::string& power_from)
    : root_(std::move(root)), load_(cpus) {
  machine_.cores = cpus.size();
  find_policy(cpus, std::move(khz));
  find_meter(power_from);
  find_temperature();
  count_busy(cpus);
  machine_.set_load = [this](const std::string& load_class, std::size_t cores) { load_.set(load_class, cores); };
  machine_.wait = [this](double seconds) { wait(seconds); };
}

SysfsMachine::~SysfsMachine() {
  try {
    set_limits(found_low_, found_high_);
  } catch (const Error& error) {
    fmt::print(stderr, "limber: warning: the clock's limits were not put back: {}\n", error.what());
  }
}

void SysfsMachine::find_policy(const std::vector<int>& cpus, std::vector<int64_t> khz) {
  const std::string folder = root_ + "/sys/devices/system/cpu/cpufreq";
  std::string seen;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::set<int> related;
    std::istringstream words(text_of(it->path().string() + "/related_cpus"));
    for (int cpu; words >> cpu;) related.insert(cpu);
    if (related.empty()) continue;
    seen += fmt::format("{}{}", seen.empty() ? "" : "; ", print_cpu_list({related.begin(), related.end()}));
    const bool all = std::all_of(cpus.begin(), cpus.end(), [&](int cpu) { return related.count(cpu) > 0; });
    if (all) policy_ = it->path().string();
  }
  if (policy_.empty())
    fail(seen.empty() ? ErrorCode::kUnsupported : ErrorCode::kInvalidArgument, "{}: no policy has the CPUs {}; {}",
         folder, print_cpu_list(cpus),
         seen.empty() ? "this machine's clocks cannot be set (a virtual machine?), so its power cannot be measured "
                        "per frequency"
                      : "legal: CPUs that share a clock: " + seen);
  if (khz.empty()) {
    std::istringstream words(text_of(policy_ + "/scaling_available_frequencies"));
    for (int64_t one; words >> one;) khz.push_back(one);
  }
  if (khz.empty())
    fail(ErrorCode::kUnsupported, "{}/scaling_available_frequencies: none are listed; name some with --khz", policy_);
  std::sort(khz.begin(), khz.end());
  machine_.khz = khz;
  found_low_ = integer_of(policy_ + "/scaling_min_freq");
  found_high_ = integer_of(policy_ + "/scaling_max_freq");
  machine_.set_khz = [this](int64_t wanted) {
    set_limits(wanted, wanted);
    const int64_t low = integer_of(policy_ + "/scaling_min_freq"), high = integer_of(policy_ + "/scaling_max_freq");
    if (low != wanted || high != wanted)
      fail(ErrorCode::kUnsupported,
           "{}: {} kHz was asked for, the limits are {} to {}; legal: frequencies that the system "
           "keeps, see --khz",
           policy_, wanted, low, high);
  };
  machine_.khz_now = [this] { return integer_of(policy_ + "/scaling_max_freq"); };
}

// A lower limit above the upper one is refused, so the order depends on the direction.
void SysfsMachine::set_limits(int64_t low, int64_t high) {
  const bool up = high >= integer_of(policy_ + "/scaling_max_freq");
  if (up) write_value(policy_ + "/scaling_max_freq", high);
  write_value(policy_ + "/scaling_min_freq", low);
  if (!up) write_value(policy_ + "/scaling_max_freq", high);
}

void SysfsMachine::find_meter(const std::string& power_from) {
  if (!power_from.empty()) {
    meter_ = power_from;
    const bool file = std::filesystem::exists(power_from);
    sample_watts_ = [power_from, file] {
      return file ? watts_in(text_of(power_from), power_from) : watts_of_command(power_from);
    };
    sample_watts_();  // a wrong name is told now
    machine_.watts = [this] {
      const double mean = samples_ > 0 ? sum_ / samples_ : sample_watts_();
      sum_ = samples_ = 0;
      return mean;
    };
    return;
  }
  std::string reason;
  auto counters = EnergySensor::find(reason, root_);
  if (!counters) fail(ErrorCode::kUnsupported, "{}; give a meter with --power-from FILE|COMMAND", reason);
  meter_ = counters->name();
  machine_.watts = [sensor = *counters, last_mj = 0.0, last_ns = now_ns()]() mutable {
    const double mj = sensor.millijoules();
    const int64_t ns = now_ns();
    const double watts = 1e-3 * (mj - last_mj) / (1e-9 * static_cast<double>(std::max<int64_t>(ns - last_ns, 1)));
    last_mj = mj;
    last_ns = ns;
    return watts;
  };
}

void SysfsMachine::find_temperature() {
  std::vector<std::string> zones;
  std::error_code error;
  const std::string folder = root_ + "/sys/class/thermal";
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().rfind("thermal_zone", 0) == 0) zones.push_back(it->path().string() + "/temp");
  }
  // The hottest: sensors that are off show 0 or less, or nothing.
  const auto hottest = [zones] {
    double celsius = 0;
    for (const std::string& zone : zones) {
      double milli = 0;
      if (std::istringstream(text_of(zone)) >> milli && milli < 150e3) celsius = std::max(celsius, 1e-3 * milli);
    }
    return celsius;
  };
  if (hottest() > 0) machine_.celsius = hottest;
}

void SysfsMachine::count_busy(const std::vector<int>& cpus) {
  const std::string path = root_ + "/proc/stat";
  if (!std::filesystem::exists(path)) return;  // as many as were loaded, then
  machine_.busy = [path, cpus, last = ticks(path, cpus)]() mutable {
    const auto now = ticks(path, cpus);
    const double all = now.second - last.second;
    const double share = all > 0 ? (now.first - last.first) / all : 0;
    last = now;
    return share * static_cast<double>(cpus.size());
  };
}

void SysfsMachine::wait(double seconds) {
  constexpr int64_t kSampleNs = 500'000'000;
  const int64_t end = now_ns() + static_cast<int64_t>(1e9 * seconds);
  while (now_ns() < end) {
    sleep_until_ns(std::min(end, now_ns() + kSampleNs));
    if (interrupted() != 0) fail(ErrorCode::kIo, "interrupted; nothing was written");
    if (!sample_watts_) continue;
    sum_ += sample_watts_();
    ++samples_;
  }
}

}  // namespace limber::tool
