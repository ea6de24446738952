// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "formats/json_fields.h"
#include "server/protocol.h"

namespace limber::server {
namespace {

Json target_json(const Target& target) {
  Json json = {{"deadline_ms", target.deadline_ms},
               {"rate_hz", target.rate_hz},
               {"aim", target.aim},
               {"accuracy", target.accuracy},
               {"confidence", target.confidence},
               {"weight", target.weight},
               {"prefer", target.prefer_accuracy ? "accuracy" : "efficiency"}};
  if (std::isfinite(target.energy_mj)) json["energy_mj"] = target.energy_mj;
  return json;
}

Json json_of(const Hello& hello) {
  return {{"type", "hello"}, {"protocol", hello.protocol}, {"name", hello.name}};
}

Json json_of(const OpenSession& open) {
  Json members = Json::array(), options = Json::array();
  for (const ManagedMember& member : open.members)
    members.push_back({{"name", member.name}, {"accuracy", member.accuracy}});
  for (const SessionOption& option : open.options) {
    Json row = {{"member", option.member}, {"cores", option.cores}, {"ms", option.ms}};
    if (!option.processor.empty()) row["processor"] = option.processor;
    options.push_back(std::move(row));
  }
  return {{"type", "open"},
          {"session", open.session},
          {"name", open.name},
          {"members", std::move(members)},
          {"options", std::move(options)},
          {"target", target_json(open.target)},
          {"threads", open.threads},
          {"place", open.place},
          {"announces", open.announces}};
}

Json json_of(const NewTarget& target) {
  return {{"type", "target"}, {"session", target.session}, {"target", target_json(target.target)}};
}

Json json_of(const FrameBegins& frame) {
  return {{"type", "begin"},
          {"session", frame.session},
          {"frame", frame.frame},
          {"left_ms", frame.left_ms},
          {"waiting_ms", frame.waiting_ms}};
}

Json json_of(const FrameReports& reports) {
  Json frames = Json::array();
  for (const FrameReport& frame : reports.frames) {
    const Json confidence = frame.confidence >= 0 ? Json(frame.confidence) : Json();
    frames.push_back(
        {frame.elapsed_ms, frame.deadline_ms, frame.work_ms, frame.met, frame.member, confidence, frame.frame});
  }
  return {{"type", "frames"}, {"session", reports.session}, {"frames", std::move(frames)}};
}

Json json_of(const Release& release) {
  return {{"type", "release"}, {"session", release.session}};
}

Json json_of(const StatusRequest&) {
  return {{"type", "status"}};
}

Json json_of(const Welcome& welcome) {
  Json processors = Json::array();
  for (const auto& processor : welcome.processors)
    processors.push_back({{"name", processor.name}, {"cpus", processor.cpus}, {"khz", processor.khz}});
  return {{"type", "welcome"},
          {"protocol", welcome.protocol},
          {"version", welcome.version},
          {"processors", std::move(processors)}};
}

Json json_of(const Assignment& assignment) {
  return {{"type", "assignment"},          {"session", assignment.session},   {"serial", assignment.serial},
          {"ceiling", assignment.ceiling}, {"floor", assignment.floor},       {"processor", assignment.processor},
          {"cpus", assignment.cpus},       {"khz", assignment.khz},           {"exclusive", assignment.exclusive},
          {"met", assignment.met},         {"announce", assignment.announce}, {"reason", assignment.reason}};
}

Json json_of(const FrameOrdered& order) {
  return {{"type", "order"},
          {"session", order.session},
          {"frame", order.frame},
          {"member", order.member},
          {"processor", order.processor},
          {"cores", order.cores},
          {"expected_ms", order.expected_ms},
          {"cpus", order.cpus},
          {"reason", order.reason}};
}

Json json_of(const Refusal& refusal) {
  return {{"type", "refusal"}, {"session", refusal.session}, {"what", refusal.what}};
}

Json json_of(const StatusText& status) {
  return {{"type", "status"}, {"status", parse_json(status.json, "status")}};
}

}  // namespace

std::string encode(const Request& request) {
  return std::visit([](const auto& message) { return print_json(json_of(message)); }, request);
}

std::string encode(const Answer& answer) {
  // What is refused may hold anything; the rest is our own text.
  return std::visit(
      [](const auto& message) { return json_of(message).dump(-1, ' ', false, Json::error_handler_t::replace); },
      answer);
}

}  // namespace limber::server
