// SPDX-License-Identifier: Apache-2.0
#include "server/daemon/helper_verbs.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "formats/json_fields.h"
#include "platform/clock.h"
#include "platform/linux/task_knobs.h"
#include "server/packet_socket.h"

namespace limber::server {
namespace {

Json json_of(const Outcome& outcome) {
  return {{"error", outcome.error}, {"now", outcome.now}, {"reason", outcome.reason}};
}

int in_range(const Fields& fields, const char* key, int64_t low, int64_t high) {
  const int64_t value = fields.integer(key);
  if (value < low || value > high)
    fail(ErrorCode::kInvalidArgument, "{}: {}; legal: {} to {}", fields.at(key), value, low, high);
  return static_cast<int>(value);
}

// A thread of the process that the client of the kernel's word is.
int thread_of(const Fields& fields) {
  const int pid = in_range(fields, "pid", 2, INT32_MAX), tid = in_range(fields, "tid", 2, INT32_MAX);
  const std::string path = fmt::format("/proc/{}/task/{}", pid, tid);
  if (::access(path.c_str(), F_OK) != 0) fail(ErrorCode::kNotFound, "{}: no such thread", path);
  return tid;
}

// Of one length, so that none is the beginning of another.
std::string group_of(int pid) {
  return fmt::format("p{:010}", pid);
}

Outcome set_clock(LinuxPlatform& platform, const Json& request) {
  const Fields fields(request, "clock", {"verb", "processor", "kind", "governor", "point"});
  const auto& processors = platform.processors();
  const int index = in_range(fields, "processor", 0, static_cast<int64_t>(processors.size()) - 1);
  const auto points = static_cast<int64_t>(processors[static_cast<std::size_t>(index)].khz.size());
  ClockRequest clock;
  clock.kind = static_cast<ClockRequest::Kind>(in_range(fields, "kind", 0, 2));
  clock.governor = fields.text("governor");
  const bool word = std::all_of(clock.governor.begin(), clock.governor.end(),
                                [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  if (!word || clock.governor.size() > 32)
    fail(ErrorCode::kInvalidArgument, "{}: no name of a governor", fields.at("governor"));
  clock.point = static_cast<std::size_t>(in_range(fields, "point", 0, points - 1));
  return platform.set_clock(static_cast<std::size_t>(index), clock);
}

Outcome place(LinuxPlatform& platform, const Json& request) {
  const Fields fields(request, "affinity", {"verb", "pid", "tid", "cpus"});
  std::vector<int> cpus;
  for (const int64_t cpu : fields.integers("cpus")) {
    if (cpu < 0 || cpu >= 4096) fail(ErrorCode::kInvalidArgument, "affinity: CPU {}; legal: 0 to 4095", cpu);
    cpus.push_back(static_cast<int>(cpu));
  }
  if (cpus.empty()) fail(ErrorCode::kInvalidArgument, "affinity: no CPU; legal: one or more");
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return set_affinity(platform.log(), thread_of(fields), cpus);
}

Outcome set_weight(LinuxPlatform& platform, const Json& request, int highest) {
  const Fields fields(request, "weight", {"verb", "pid", "weight"});
  if (highest < 1) fail(ErrorCode::kUnsupported, "weight: not allowed; start limberd with --boost weight=N");
  const int pid = in_range(fields, "pid", 2, INT32_MAX), weight = in_range(fields, "weight", 1, highest);
  const Outcome moved = platform.cgroups().add_process(platform.log(), group_of(pid), pid);
  return moved.ok() ? platform.cgroups().set_weight(platform.log(), group_of(pid), weight) : moved;
}

// Of the threads, and of the process's group: as they were.
Json forget(LinuxPlatform& platform, const Json& request) {
  const Fields fields(request, "forget", {"verb", "pid", "tids", "group"});
  std::vector<std::string> beginnings;
  for (const int64_t tid : fields.integers("tids"))
    for (const char* end : {".", "/"}) beginnings.push_back(fmt::format("/task/{}{}", tid, end));
  if (fields.boolean("group", false)) {
    const int pid = in_range(fields, "pid", 2, INT32_MAX);
    for (const std::string& folder : platform.cgroups().folders(group_of(pid))) beginnings.push_back(folder);
  }
  const RestoreLog::Report report = platform.log().restore(beginnings);
  Json reply = json_of({});
  reply["restored"] = report.restored;
  reply["left"] = report.left;
  return reply;
}

Json view(LinuxPlatform& platform, const Json& request) {
  const Fields fields(request, "view", {"verb", "own"});
  std::vector<int> own;
  for (const int64_t pid : fields.integers("own"))
    if (pid > 0 && pid <= INT32_MAX) own.push_back(static_cast<int>(pid));
  platform.set_own(std::move(own));
  const PlatformView seen = platform.view(now_ns());
  Json processors = Json::array();
  for (std::size_t p = 0; p < seen.processors.size(); ++p) {
    const auto& processor = seen.processors[p];
    const std::size_t highest = std::min(processor.highest, platform.processors()[p].khz.size() - 1);
    processors.push_back({{"available", processor.available},
                          {"highest", highest},
                          {"point", processor.point},
                          {"others", processor.others},
                          {"power_w", processor.power_w}});
  }
  Json reply = json_of({});
  reply["view"] = {{"processors", std::move(processors)},
                   {"power_w", seen.power_w},
                   {"celsius", seen.celsius},
                   {"throttled", seen.throttled},
                   {"cpu_pressure", seen.cpu_pressure}};
  return reply;
}

// Everything for people.
Json state(LinuxPlatform& platform) {
  Json knobs = Json::array(), monitors = Json::array(), managers = Json::array();
  for (const Knob& knob : platform.knobs())
    knobs.push_back({{"name", knob.name},
                     {"supported", knob.supported},
                     {"writable", knob.writable},
                     {"range", knob.range},
                     {"reason", knob.reason}});
  for (const Monitor& monitor : platform.monitors(now_ns()))
    monitors.push_back({{"name", monitor.name},
                        {"supported", monitor.supported},
                        {"unit", monitor.unit},
                        {"now", monitor.now},
                        {"reason", monitor.reason}});
  for (const OtherManager& manager : platform.other_managers())
    managers.push_back({{"name", manager.name}, {"owns_clocks", manager.owns_clocks}, {"what", manager.what}});
  Json reply = json_of({});
  reply["state"] = {{"knobs", std::move(knobs)}, {"monitors", std::move(monitors)}, {"managers", std::move(managers)}};
  return reply;
}

Json obey(LinuxPlatform& platform, const HelperLimits& limits, const Json& request) {
  if (!request.is_object() || !request.contains("verb") || !request["verb"].is_string())
    fail(ErrorCode::kBadFile, "expected a JSON object with a text 'verb'");
  const std::string verb = request["verb"].get<std::string>();
  if (verb == "clock") return json_of(set_clock(platform, request));
  if (verb == "affinity") return json_of(place(platform, request));
  if (verb == "nice") {
    const Fields fields(request, verb, {"verb", "pid", "tid", "nice"});
    const int nice = in_range(fields, "nice", limits.lowest_nice, 19);
    return json_of(set_nice(platform.log(), thread_of(fields), nice));
  }
  if (verb == "clamps") {
    const Fields fields(request, verb, {"verb", "pid", "tid", "low", "high"});
    const int low = in_range(fields, "low", 0, 1024), high = in_range(fields, "high", low, 1024);
    return json_of(set_clamps(platform.log(), thread_of(fields), low, high));
  }
  if (verb == "weight") return json_of(set_weight(platform, request, limits.highest_weight));
  if (verb == "forget") return forget(platform, request);
  if (verb == "view") return view(platform, request);
  if (verb == "state") return state(platform);
  if (verb == "restore") {
    Json reply = json_of({});
    reply["restored"] = platform.restore().restored;
    return reply;
  }
  fail(ErrorCode::kInvalidArgument,
       "unknown verb; legal: clock, affinity, nice, clamps, weight, forget, view, state, restore");
}

}  // namespace

std::string HelperVerbs::answer(std::string_view request) {
  Json reply;
  try {
    reply = obey(platform_, limits_, parse_json(request, "request"));
  } catch (const std::exception& error) {
    reply = json_of({EINVAL, "", std::string(error.what()).substr(0, 1000)});
  }
  return reply.dump(-1, ' ', false, Json::error_handler_t::replace);
}

int serve_helper(int socket, LinuxPlatform& platform, const HelperLimits& limits) {
  HelperVerbs verbs(platform, limits);
  while (true) {
    pollfd ready{socket, POLLIN, 0};
    if (::poll(&ready, 1, -1) < 0 && errno != EINTR) break;
    const Packet packet = receive_packet(socket);
    if (packet.kind == Packet::Kind::kClosed) break;
    if (packet.kind == Packet::Kind::kNothing) continue;
    std::string reply = verbs.answer(packet.text);
    if (reply.size() > kMostBytes) reply = json_of({EMSGSIZE, "", "the reply is too long"}).dump();
    if (send_packet(socket, reply) == Sent::kClosed) break;
  }
  return platform.restore().left.empty() ? 0 : 1;
}

}  // namespace limber::server
