// SPDX-License-Identifier: Apache-2.0
#include "server/daemon/helper_link.h"

#include <poll.h>

#include <cerrno>

#include "base/error.h"
#include "formats/json_fields.h"
#include "platform/clock.h"

namespace limber::server {
namespace {

constexpr const char* kGone = "there is no helper at the moment";

PlatformView read_view(const Json& json) {
  PlatformView view;
  for (const Json& item : json.at("processors")) {
    PlatformView::Processor processor;
    processor.available = item.at("available").get<bool>();
    processor.highest = item.at("highest").get<std::size_t>();
    processor.point = item.at("point").get<std::size_t>();
    processor.others = item.at("others").get<std::vector<double>>();
    processor.power_w = item.at("power_w").get<double>();
    view.processors.push_back(std::move(processor));
  }
  view.power_w = json.at("power_w").get<double>();
  view.celsius = json.at("celsius").get<double>();
  view.throttled = json.at("throttled").get<bool>();
  view.cpu_pressure = json.at("cpu_pressure").get<double>();
  return view;
}

}  // namespace

std::string HelperLink::call(const std::string& request) {
  if (!socket_) return "";
  if (send_packet(socket_.get(), request) == Sent::kDone) {
    const int64_t until = now_ns() + int64_t{kPatienceMs} * 1'000'000;
    while (now_ns() < until) {
      pollfd ready{socket_.get(), POLLIN, 0};
      ::poll(&ready, 1, kPatienceMs);
      Packet packet = receive_packet(socket_.get());
      if (packet.kind == Packet::Kind::kText) return packet.text;
      if (packet.kind != Packet::Kind::kNothing) break;
    }
  }
  drop();
  return "";
}

Outcome HelperLink::order(const std::string& request) {
  const std::string reply = call(request);
  if (reply.empty()) return {EPIPE, "", kGone};
  try {
    const Json json = parse_json(reply, "helper");
    return {json.at("error").get<int>(), json.at("now").get<std::string>(), json.at("reason").get<std::string>()};
  } catch (const std::exception& error) {
    return {EPROTO, "", error.what()};
  }
}

Outcome HelperLink::set_clock(std::size_t processor, const ClockRequest& request) {
  return order(Json({{"verb", "clock"},
                     {"processor", processor},
                     {"kind", static_cast<int>(request.kind)},
                     {"governor", request.governor},
                     {"point", request.point}})
                   .dump());
}

Outcome HelperLink::set_affinity(int pid, int tid, const std::vector<int>& cpus) {
  return order(Json({{"verb", "affinity"}, {"pid", pid}, {"tid", tid}, {"cpus", cpus}}).dump());
}

Outcome HelperLink::set_nice(int pid, int tid, int nice) {
  return order(Json({{"verb", "nice"}, {"pid", pid}, {"tid", tid}, {"nice", nice}}).dump());
}

Outcome HelperLink::set_clamps(int pid, int tid, int low, int high) {
  return order(Json({{"verb", "clamps"}, {"pid", pid}, {"tid", tid}, {"low", low}, {"high", high}}).dump());
}

Outcome HelperLink::set_weight(int pid, int weight) {
  return order(Json({{"verb", "weight"}, {"pid", pid}, {"weight", weight}}).dump());
}

Outcome HelperLink::forget(int pid, const std::vector<int>& tids, bool group) {
  return order(Json({{"verb", "forget"}, {"pid", pid}, {"tids", tids}, {"group", group}}).dump());
}

PlatformView HelperLink::view(const std::vector<int>& own) {
  const std::string reply = call(Json({{"verb", "view"}, {"own", own}}).dump());
  try {
    if (!reply.empty()) return read_view(parse_json(reply, "helper").at("view"));
  } catch (const std::exception&) {  // no view then
  }
  return {};
}

std::string HelperLink::state() {
  const std::string reply = call(R"({"verb": "state"})");
  try {
    if (!reply.empty()) return parse_json(reply, "helper").at("state").dump();
  } catch (const std::exception&) {  // none then
  }
  return "{}";
}

}  // namespace limber::server
