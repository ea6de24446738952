// SPDX-License-Identifier: Apache-2.0
#include "tool/calibrate/linux_machine.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/cpu_list.h"
#include "base/error.h"
#include "platform/clock.h"
#include "platform/linux/other_managers.h"
#include "tool/run/interrupt.h"

namespace limber::tool {
namespace {

constexpr int64_t kSampleNs = 500'000'000;
constexpr const char* kStat = "/proc/stat";

bool within(int cpu, const std::vector<int>& cpus) {
  return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

std::string state_file_of(const LinuxMachineOptions& options) {
  if (!options.state_file.empty() || !options.root.empty()) return options.state_file;
  return default_state_file();
}

}  // namespace

std::string default_state_file() {
  if (::geteuid() == 0) return "/run/limber-calibrate-board.json";
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  return runtime != nullptr && *runtime != 0 ? fmt::format("{}/limber-calibrate-board.json", runtime)
                                             : fmt::format("/tmp/limber-calibrate-board-{}.json", ::geteuid());
}

// The log comes before all else: what a predecessor left changed must be back before limits are found.
LinuxMachine::LinuxMachine(const LinuxMachineOptions& options)
    : options_(options),
      fs_(options.root),
      log_(fs_, state_file_of(options)),
      taken_over_(log_.restore()),
      processors_(find_processors(fs_)),
      index_(find_processor()),
      meter_(fs_, options.meter, processors_, index_),
      load_(options.cpus),
      zones_(find_thermal_zones(fs_)) {
  find_points();
  machine_.processor = processors_[index_].name;
  machine_.cores = options.cpus.size();
  machine_.set_khz = [this](int64_t khz) { set_khz(khz); };
  machine_.khz_now = [this] { return khz_now(); };
  machine_.set_load = [this](const std::string& load_class, std::size_t cores) { load_.set(load_class, cores); };
  machine_.wait = [this](double seconds) { wait(seconds); };
  machine_.watts = [this] { return meter_.watts(); };
  // Where the kernel does not count, as many are busy as were loaded.
  if (fs_.exists(kStat)) machine_.busy = [this] { return busy(); };
  watch_heat();
}

LinuxMachine::~LinuxMachine() {
  try {
    for (const std::string& one : log_.restore().left) fmt::print(stderr, "limber: warning: not put back: {}\n", one);
  } catch (const std::exception& error) {
    fmt::print(stderr, "limber: warning: the clock's limits: {}\n", error.what());
  }
}

std::size_t LinuxMachine::find_processor() const {
  const std::vector<int>& cpus = options_.cpus;
  std::string seen;
  for (std::size_t p = 0; p < processors_.size(); ++p) {
    const LinuxProcessor& processor = processors_[p];
    if (!processor.cpu || processor.domains.empty()) continue;
    seen += fmt::format("{}{} ({})", seen.empty() ? "" : "; ", print_cpu_list(processor.cpus), processor.name);
    if (std::all_of(cpus.begin(), cpus.end(), [&](int cpu) { return within(cpu, processor.cpus); })) return p;
  }
  if (seen.empty())
    fail(ErrorCode::kUnsupported,
         "CPUs {}: no policy in /sys/devices/system/cpu/cpufreq: this machine's clocks cannot be set (a virtual "
         "machine?), so its power cannot be measured per frequency; limber doctor tells more",
         print_cpu_list(cpus));
  fail(ErrorCode::kInvalidArgument, "--cpus {}: not of one processor; legal: CPUs that share a clock: {}",
       print_cpu_list(cpus), seen);
}

void LinuxMachine::find_points() {
  const LinuxProcessor& processor = processors_[index_];
  const std::vector<OtherManager> managers = find_other_managers(fs_);
  for (const OtherManager& manager : managers)
    if (manager.owns_clocks)
      fail(ErrorCode::kUnsupported, "{} runs and would undo what is set here: it {}", manager.name, manager.what);
  const auto cooling = read_cooling(fs_);
  const bool hot = std::any_of(cooling.begin(), cooling.end(), [](const CoolingState& one) { return one.now > 0; });
  const bool limited =
      std::any_of(managers.begin(), managers.end(), [](const auto& m) { return m.name == "nvpmodel"; });
  for (ClockDomain domain : processor.domains) {
    const auto& cpus = domain.cpus();
    if (std::none_of(cpus.begin(), cpus.end(), [&](int cpu) { return within(cpu, options_.cpus); })) continue;
    if (hot && !limited) domain.take_limit_for_heat(log_);
    domains_.push_back(std::move(domain));
  }
  const ClockDomain& first = domains_.front();
  machine_.khz = options_.khz;
  if (machine_.khz.empty() && first.steps_listed()) machine_.khz = first.khz();
  if (machine_.khz.empty())
    fail(ErrorCode::kUnsupported, "{}: its driver lists no frequencies; name some with --khz, {} to {}", first.path(),
         first.khz().front(), first.khz().back());
  std::sort(machine_.khz.begin(), machine_.khz.end());
}

void LinuxMachine::set_khz(int64_t khz) {
  asked_khz_ = khz;
  for (const ClockDomain& domain : domains_) {
    const Outcome outcome = domain.set_limits(log_, {khz, khz});
    if (!outcome.ok()) fail(ErrorCode::kIo, "{}", outcome.reason);
    const ClockLimits now = domain.limits(fs_);
    if (now != ClockLimits{khz, khz})
      fail(ErrorCode::kUnsupported,
           "{}: {} kHz was asked for, the limits are {} to {}; legal: frequencies that the system keeps, see --khz",
           domain.path(), khz, now.low, now.high);
  }
}

int64_t LinuxMachine::khz_now() const {
  for (const ClockDomain& domain : domains_) {
    const ClockLimits now = domain.limits(fs_);
    if (now.high != asked_khz_) return now.high;
    if (now.low != asked_khz_) return now.low;
  }
  return asked_khz_;
}

void LinuxMachine::watch_heat() {
  const auto hottest = [this] {
    double celsius = 0;
    for (const ThermalZone& zone : zones_) celsius = std::max(celsius, read_celsius(fs_, zone).value_or(0));
    return celsius;
  };
  if (hottest() > 0) machine_.celsius = hottest;
}

// Two samples only, so that the share is over all the time between them.
double LinuxMachine::busy() {
  counted_.sample(fs_, now_ns());
  double sum = 0;
  for (const int cpu : options_.cpus) sum += counted_.busy(cpu);
  counted_ = CpuLoad();
  counted_.sample(fs_, now_ns());
  return sum;
}

void LinuxMachine::wait(double seconds) {
  const int64_t end = now_ns() + static_cast<int64_t>(1e9 * seconds);
  while (now_ns() < end) {
    sleep_until_ns(std::min(end, now_ns() + kSampleNs));
    if (interrupted() != 0) fail(ErrorCode::kIo, "interrupted; nothing was written");
    meter_.sample();
  }
}

}  // namespace limber::tool
