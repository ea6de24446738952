// SPDX-License-Identifier: Apache-2.0
// limberd's state as JSON, for `limber top` and for monitors.
#include <sys/types.h>
#include <unistd.h>

#include "formats/json_fields.h"
#include "platform/clock.h"
#include "server/daemon/daemon.h"

namespace limber::server {
namespace {

Json session_json(const SessionState& session, const Arbitration::Record& record,
                  const std::vector<std::string>& names) {
  const auto name_of = [&](int member) {
    return member >= 0 && static_cast<std::size_t>(member) < names.size()
               ? Json(names[static_cast<std::size_t>(member)])
               : Json();
  };
  const Assignment& given = session.sent;
  return {{"name", session.name},
          {"target",
           {{"deadline_ms", session.target.deadline_ms},
            {"rate_hz", session.target.rate_hz},
            {"accuracy", session.target.accuracy},
            {"weight", session.target.weight},
            {"prefer", session.target.prefer_accuracy ? "accuracy" : "efficiency"}}},
          {"frames", record.frames},
          {"frames_met", record.met},
          {"met_lately", record.met_lately},
          {"elapsed_ms", record.elapsed_ms},
          {"slowdown", record.slowdown},
          {"member", name_of(record.member)},
          {"ceiling", name_of(given.ceiling)},
          {"floor", name_of(given.floor)},
          {"processor", given.processor},
          {"cpus", given.cpus},
          {"khz", given.khz > 0 ? Json(given.khz) : Json()},
          {"exclusive", given.exclusive},
          {"met", given.met},
          {"nice", session.nice ? Json(*session.nice) : Json()},
          {"cgroup_weight", session.weight ? Json(*session.weight) : Json()},
          {"reason", given.reason}};
}

}  // namespace

std::string Daemon::status() {
  const auto known = [](bool is, double value) { return is ? Json(value) : Json(); };
  Json clients = Json::array(), processors = Json::array();
  for (const auto& [number, client] : clients_) {
    Json sessions = Json::array();
    for (const auto& [id, session] : sessions_->all()) {
      if (session.client != number) continue;
      sessions.push_back(
          session_json(session, sessions_->arbitration().record(id), sessions_->arbitration().member_names(id)));
    }
    if (sessions.empty()) continue;
    clients.push_back(
        {{"name", client.name}, {"pid", client.pid}, {"uid", client.uid}, {"sessions", std::move(sessions)}});
  }
  const auto& found = platform_.processors();
  for (std::size_t p = 0; p < found.size(); ++p) {
    const int64_t khz = found[p].domains.empty() ? 0 : found[p].domains[0].current_khz(fs_);
    Json processor = {{"name", found[p].name}, {"cpus", found[p].cpus}, {"khz", khz > 0 ? Json(khz) : Json()}};
    if (p < view_.processors.size()) {
      processor["others"] = view_.processors[p].others;
      processor["available"] = view_.processors[p].available;
    }
    processors.push_back(std::move(processor));
  }
  const std::string state = helper_.state();
  Json status = {{"limberd", LIMBER_VERSION},
                 {"pid", ::getpid()},
                 {"uid", ::getuid()},
                 {"up_s", static_cast<double>(now_ns() - started_ns_) / 1e9},
                 {"helper", helper_.there()},
                 {"boost", print_boost(settings_.boost)},
                 {"clients", std::move(clients)},
                 {"processors", std::move(processors)},
                 {"celsius", known(view_.celsius > -273, view_.celsius)},
                 {"power_w", known(view_.power_w >= 0, view_.power_w)},
                 {"throttled", view_.throttled},
                 {"cpu_pressure", known(view_.cpu_pressure >= 0, view_.cpu_pressure)},
                 {"refused", sessions_->refused()},
                 {"machine", parse_json(state, "helper")}};
  std::string text = status.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() < kMostBytes - 100) return text;
  status["machine"] = Json::object();  // what does not fit a packet is left out, the largest first
  return status.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace limber::server
