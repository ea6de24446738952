// SPDX-License-Identifier: Apache-2.0
// `limber top`: who is managed, how they fare, and what the machine does meanwhile.
#include "tool/top.h"

#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/cpu_list.h"
#include "base/error.h"
#include "server/managed_session.h"
#include "tool/command.h"
#include "tool/run/interrupt.h"

namespace limber::tool {

namespace {

using nlohmann::json;

struct TopOptions {
  std::string socket;
  bool once = false, json = false;
  double seconds = 1;
};

// A missing or unfitting value is no reason to fail: limberd may be older or newer.
std::string text_of(const json& object, const char* key) {
  return object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "-";
}
std::string number_of(const json& object, const char* key, const char* format, double factor = 1) {
  if (!object.contains(key) || !object[key].is_number()) return "-";
  return fmt::format(fmt::runtime(format), object[key].get<double>() * factor);
}
std::string cpus_of(const json& object) {
  if (!object.contains("cpus") || !object["cpus"].is_array() || object["cpus"].empty()) return "any";
  return print_cpu_list(object["cpus"].get<std::vector<int>>());
}
std::string boost_of(const json& session) {
  const std::string nice = number_of(session, "nice", "nice {:.0f}");
  return nice != "-" ? nice : number_of(session, "cgroup_weight", "weight {:.0f}");
}
const json& list_of(const json& object, const char* key) {
  static const json none = json::array();
  return object.contains(key) && object[key].is_array() ? object[key] : none;
}

std::string machine_lines(const json& status) {
  std::string text;
  for (const json& processor : list_of(status, "processors")) {
    text += fmt::format("  {:<10} CPU {:<8} {:>9}  others use", text_of(processor, "name"), cpus_of(processor),
                        number_of(processor, "khz", "{:.0f} MHz", 1e-3));
    for (const json& share : list_of(processor, "others"))
      text += share.is_number() ? fmt::format(" {:.0f}", 100 * share.get<double>()) : " -";
    text += " % of each CPU\n";
  }
  text += fmt::format("  {}, {}{}; tasks waited for a CPU in {} of the last 10 s\n",
                      number_of(status, "celsius", "{:.1f} C"), number_of(status, "power_w", "{:.2f} W"),
                      status.contains("throttled") && status["throttled"] == true ? ", THROTTLED" : "",
                      number_of(status, "cpu_pressure", "{:.0f} %"));
  return text;
}

std::string session_lines(const json& status) {
  std::string text =
      fmt::format("  {:>7} {:<20} {:>9} {:>7} {:>9} {:<10} {:<10} {:<12} {:>8} {:>10}\n", "process", "application",
                  "deadline", "met", "took", "member", "up to", "cores", "clock", "boost");
  int count = 0;
  for (const json& client : list_of(status, "clients")) {
    for (const json& session : list_of(client, "sessions")) {
      ++count;
      const json target = session.value("target", json::object());
      text +=
          fmt::format("  {:>7} {:<20.20} {:>9} {:>7} {:>9} {:<10.10} {:<10.10} {:<12} {:>8} {:>10}\n",
                      number_of(client, "pid", "{:.0f}"), text_of(session, "name"),
                      number_of(target, "deadline_ms", "{:g} ms"), number_of(session, "met_lately", "{:.0f} %", 100),
                      number_of(session, "elapsed_ms", "{:.1f} ms"), text_of(session, "member"),
                      text_of(session, "ceiling"), text_of(session, "processor") + " " + cpus_of(session),
                      number_of(session, "khz", "{:.0f} MHz", 1e-3), boost_of(session));
      text += fmt::format("          {}\n", text_of(session, "reason"));
    }
  }
  return count == 0 ? "  no application is managed; limber run MODEL --managed is one\n" : text;
}

std::string refusal_lines(const json& status) {
  std::string text;
  const json machine = status.value("machine", json::object());
  for (const json& manager : list_of(machine, "managers"))
    text += fmt::format("  {} runs: it {}\n", text_of(manager, "name"), text_of(manager, "what"));
  for (const json& knob : list_of(machine, "knobs"))
    if (knob.value("writable", true) == false)
      text += fmt::format("  {}: {}\n", text_of(knob, "name"), text_of(knob, "reason"));
  for (const json& refused : list_of(status, "refused"))
    if (refused.is_string()) text += "  refused: " + refused.get<std::string>() + "\n";
  if (status.value("helper", false) == false) text += "  there is no helper: nothing that needs rights can be set\n";
  return text;
}

void show(const TopOptions& options) {
  const std::string answer = server::ask_status(options.socket);
  const json status = json::parse(answer);
  if (options.json) {
    fmt::print("{}\n", status.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    if (!options.once) fmt::print("\033[H\033[J\033[?7l");  // lines longer than the terminal are cut
    fmt::print("{}", top_page(status));
    if (!options.once) fmt::print("\033[?7h");
  }
  std::fflush(stdout);
}

void run_top(TopOptions options) {
  // Not on a terminal there is nothing to redraw; JSON repeats only when it is asked to.
  options.once = options.once || options.json || isatty(STDOUT_FILENO) == 0;
  const InterruptGuard guard;
  while (true) {
    try {
      show(options);
    } catch (const Error& error) {
      if (options.once) throw;
      fmt::print("\033[H\033[J{}\n", error.what());  // it may come back
      std::fflush(stdout);
    }
    if (options.once) return;
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(options.seconds);
    while (std::chrono::steady_clock::now() < until) {
      if (interrupted() != 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
}

}  // namespace

std::string top_page(const json& status) {
  std::string text =
      fmt::format("limberd {}, process {}, up {}, boost {}\n", text_of(status, "limberd"),
                  number_of(status, "pid", "{:.0f}"), number_of(status, "up_s", "{:.0f} s"), text_of(status, "boost"));
  text += machine_lines(status) + "\n" + session_lines(status);
  const std::string cannot = refusal_lines(status);
  if (!cannot.empty()) text += "\nnot to be set here:\n" + cannot;
  return text;
}

void add_top_command(CLI::App& app) {
  auto options = std::make_shared<TopOptions>();
  CLI::App* command = app.add_subcommand("top", "what limberd manages, and how it fares");
  command->footer("Example: limber top --once");
  command->add_option(
      "--socket", options->socket,
      "of limberd; default: $LIMBERD_SOCKET, else /run/limber/limberd.sock, a user's own in $XDG_RUNTIME_DIR");
  command->add_option("--every", options->seconds, "seconds between two looks")->check(CLI::Range(0.1, 3600.0));
  command->add_flag("--once", options->once, "one look, no redrawing");
  command->add_flag("--json", options->json, "one look, as JSON");
  command->callback([options] { run_top(*options); });
}

}  // namespace limber::tool
