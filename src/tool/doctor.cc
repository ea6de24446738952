// SPDX-License-Identifier: Apache-2.0
// `limber doctor`: what this machine has and lacks for managing networks, and how to get what is missing.
#include <sys/utsname.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/cpu_list.h"
#include "base/error.h"
#include "platform/clock.h"
#include "platform/linux/linux_platform.h"
#include "platform/linux/real_fs.h"
#include "platform/linux/tree_fs.h"
#include "platform/machine.h"
#include "tool/command.h"

namespace limber::tool {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string root, power_from, report;
  bool json = false;
};

// Counters and loads need two looks; long enough for most sensors to have a fresh value.
constexpr int64_t kBetweenLooksNs = 300'000'000;

// The machine's own files, those of a folder, or those of a report that somebody sent.
std::unique_ptr<Fs> open_fs(const std::string& root) {
  if (root.empty() || std::filesystem::is_directory(root)) return std::make_unique<RealFs>(root);
  std::ifstream file(root, std::ios::binary);
  if (!file) fail(ErrorCode::kNotFound, "{}: no folder with a copied /sys and /proc, and no report", root);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return std::make_unique<TreeFs>(TreeFs::parse(text, root));
}

// A number where it is one: "5.125", but "0 12 7" of several CPUs is text; null where there is none.
Json value_of(const std::string& text) {
  if (text.empty()) return nullptr;
  const Json value = Json::parse(text, nullptr, false);
  return value.is_number() ? value : Json(text);
}

const char* state(const Knob& knob) {
  return !knob.supported ? "no" : knob.writable ? "yes" : "read";
}

Json to_json(const std::string& kernel, const LinuxPlatform& platform, const std::vector<Knob>& knobs,
             const std::vector<Monitor>& monitors) {
  Json processors = Json::array(), managers = Json::array(), knob_list = Json::array(), monitor_list = Json::array();
  for (const LinuxProcessor& p : platform.processors()) {
    processors.push_back({{"name", p.name},
                          {"kind", p.cpu ? "cpu" : "gpu"},
                          {"cpus", p.cpu ? Json(p.cpus) : Json(nullptr)},
                          {"capacity", p.capacity == 0 ? Json(nullptr) : Json(p.capacity)},
                          {"khz", p.domains.empty() ? Json(nullptr) : Json(p.khz)},
                          {"governor", p.domains.empty() ? Json(nullptr) : Json(p.domains[0].found_governor())}});
  }
  for (const OtherManager& manager : platform.other_managers())
    managers.push_back({{"name", manager.name}, {"owns_clocks", manager.owns_clocks}, {"what", manager.what}});
  for (const Knob& knob : knobs)
    knob_list.push_back({{"name", knob.name},
                         {"supported", knob.supported},
                         {"writable", knob.writable},
                         {"range", knob.range},
                         {"reason", knob.reason}});
  for (const Monitor& monitor : monitors)
    monitor_list.push_back({{"name", monitor.name},
                            {"supported", monitor.supported},
                            {"now", value_of(monitor.now)},
                            {"unit", monitor.unit},
                            {"period_ms", monitor.period_ms},
                            {"resolution", monitor.resolution},
                            {"reason", monitor.reason}});
  return {{"kernel", kernel},
          {"processors", processors},
          {"other_managers", managers},
          {"knobs", knob_list},
          {"monitors", monitor_list}};
}

void print(const std::string& kernel, const LinuxPlatform& platform, const std::vector<Knob>& knobs,
           const std::vector<Monitor>& monitors) {
  fmt::print("{}\n\nprocessors\n", kernel);
  for (const LinuxProcessor& p : platform.processors()) {
    const std::string clock = p.domains.empty() ? "no clock to choose"
                                                : fmt::format("{} to {} MHz, governor {}", p.khz.front() / 1000,
                                                              p.khz.back() / 1000, p.domains[0].found_governor());
    fmt::print("  {:<12} {:<10} {}\n", p.name, p.cpu ? "CPUs " + print_cpu_list(p.cpus) : "GPU", clock);
  }
  if (!platform.other_managers().empty()) {
    fmt::print("\nother managers\n");
    for (const OtherManager& m : platform.other_managers()) fmt::print("  {:<22} {}\n", m.name, m.what);
  }
  size_t width = 0;
  for (const Knob& knob : knobs) width = std::max(width, knob.name.size());
  for (const Monitor& monitor : monitors) width = std::max(width, monitor.name.size());
  fmt::print("\nknobs: what can be set (yes), only be read (read), is not there (no)\n");
  for (const Knob& knob : knobs) {
    fmt::print("  {:<{}}  {:<4}  {}\n", knob.name, width, state(knob), knob.range.empty() ? knob.reason : knob.range);
    if (!knob.range.empty() && !knob.reason.empty()) fmt::print("  {:<{}}        {}\n", "", width, knob.reason);
  }
  fmt::print("\nmonitors: what can be measured, and shows now\n");
  for (const Monitor& monitor : monitors)
    fmt::print("  {:<{}}  {:<4}  {}\n", monitor.name, width, monitor.supported ? "yes" : "no",
               monitor.supported ? fmt::format("{} {}", monitor.now, monitor.unit) : monitor.reason);
}

// "Linux 6.1.0 x86_64"; not the machine's name.
std::string kernel_of(const Fs& fs) {
  utsname name{};
  if (!fs.live() || ::uname(&name) != 0) return "another machine's files";
  return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  if (what.empty()) return;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
}

// What goes to others names neither the user's meter nor the group (an application's name may be in it) it ran in.
void make_public(std::vector<Knob>& knobs, std::vector<Monitor>& monitors, const std::string& meter) {
  for (Monitor& monitor : monitors) replace_all(monitor.reason, meter, "(the meter)");
  constexpr std::string_view kGroups = "/sys/fs/cgroup/";
  for (Knob& knob : knobs) {
    const size_t at = knob.reason.find(kGroups);
    if (at == std::string::npos) continue;
    const size_t end = std::min(knob.reason.find_first_of(": ", at), knob.reason.size());
    if (knob.reason.substr(at, end - at).find(".slice") != std::string::npos)
      knob.reason.replace(at + kGroups.size(), end - at - kGroups.size(), "(own group)");
  }
}

void doctor(const Options& options) {
  const std::unique_ptr<Fs> fs = open_fs(options.root);
  RecordingFs recording(*fs);
  LinuxPlatformOptions platform_options;
  platform_options.power_from = options.power_from;
  LinuxPlatform platform(recording, platform_options);
  platform.view(now_ns());
  sleep_until_ns(now_ns() + (fs->live() || !options.power_from.empty() ? kBetweenLooksNs : 2'000'000));
  std::vector<Knob> knobs = platform.knobs();
  std::vector<Monitor> monitors = platform.monitors(now_ns());
  const std::string kernel = kernel_of(*fs);
  if (options.json)
    fmt::print("{}\n", to_json(kernel, platform, knobs, monitors).dump(-1, ' ', false, Json::error_handler_t::replace));
  else
    print(kernel, platform, knobs, monitors);
  if (options.report.empty()) return;
  make_public(knobs, monitors, options.power_from);
  const Json json = to_json(kernel, platform, knobs, monitors);
  AtomicFile file(options.report);
  file.write(recording.seen().print(fmt::format("limber {}, {}\n{}", LIMBER_VERSION, utc_now(),
                                                json.dump(-1, ' ', true, Json::error_handler_t::replace))));
  file.commit();
  fmt::print(stderr,
             "limber: {}: written; read it before you send it: it holds the files that were read, nothing else\n",
             options.report);
}

}  // namespace

void add_doctor_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("doctor", "what this machine has and lacks: knobs, sensors, how to get them");
  command->footer("Example: limber doctor --report doctor.txt");
  auto options = std::make_shared<Options>();
  command->add_option("--sysfs-root", options->root,
                      "look at the copied /sys and /proc in this folder, or at a report, instead of this machine");
  command->add_option("--power-from", options->power_from,
                      "a meter of your own: a file that holds watts, or a command that prints them line by line");
  command->add_option("--report", options->report, "write what was found and the files it was found in to this file");
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options] { doctor(*options); });
}

}  // namespace limber::tool
