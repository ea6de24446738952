// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "formats/json_fields.h"
#include "server/protocol.h"

namespace limber::server {
namespace {

constexpr double kMostMs = 1e7;
constexpr int kMostCpu = 4096;
constexpr std::size_t kMostReason = 1024;

int whole(int64_t value, const std::string& where, int64_t low, int64_t high) {
  if (value < low || value > high)
    fail(ErrorCode::kInvalidArgument, "{}: {} is not legal; legal: {} to {}", where, value, low, high);
  return static_cast<int>(value);
}
int whole(const Fields& fields, const char* key, int64_t low, int64_t high) {
  return whole(fields.integer(key), fields.at(key), low, high);
}

double real(double value, const std::string& where, double low, double high) {
  if (!(value >= low && value <= high))
    fail(ErrorCode::kInvalidArgument, "{}: {} is not legal; legal: {} to {}", where, value, low, high);
  return value;
}

// Text that may be shown on a terminal.
std::string name(std::string text, const std::string& where, std::size_t least = 1, std::size_t most = kMostName) {
  const bool printable = std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
  if (text.size() < least || text.size() > most || !printable)
    fail(ErrorCode::kInvalidArgument, "{}: {} to {} bytes of printable text are legal", where, least, most);
  return text;
}

const Json& list(const Fields& fields, const char* key, std::size_t least, std::size_t most) {
  const Json& array = fields.array(key);
  if (array.size() < least || array.size() > most)
    fail(ErrorCode::kInvalidArgument, "{}: {} entries; legal: {} to {}", fields.at(key), array.size(), least, most);
  return array;
}

double number(const Json& value, const std::string& where) {
  if (!value.is_number()) fail(ErrorCode::kBadFile, "{}: expected a number", where);
  return value.get<double>();
}

int64_t frame_number(const Json& value, const std::string& where, int64_t least) {
  const int64_t number = json_integer(value, where);
  if (number < least) fail(ErrorCode::kInvalidArgument, "{}: {}; legal: {} and more", where, number, least);
  return number;
}

std::vector<int> cpu_numbers(const Fields& fields, const char* key) {
  std::vector<int> numbers;
  for (const Json& item : list(fields, key, 0, static_cast<std::size_t>(kMostCpu)))
    numbers.push_back(whole(json_integer(item, fields.at(key)), fields.at(key), 0, kMostCpu - 1));
  return numbers;
}

bool prefers_accuracy(const Fields& fields) {
  const std::string prefer = fields.text("prefer", "efficiency");
  if (prefer != "accuracy" && prefer != "efficiency")
    fail(ErrorCode::kInvalidArgument, "{}: legal: accuracy, efficiency", fields.at("prefer"));
  return prefer == "accuracy";
}

Target read_target(const Json& json, const std::string& where) {
  const Fields fields(json, where,
                      {"deadline_ms", "rate_hz", "aim", "accuracy", "confidence", "weight", "prefer", "energy_mj"});
  Target target;
  target.deadline_ms = fields.number("deadline_ms");
  target.rate_hz = fields.has("rate_hz") ? fields.number("rate_hz") : 0;
  if (fields.has("aim")) target.aim = fields.number("aim");
  if (fields.has("accuracy")) target.accuracy = fields.number("accuracy");
  if (fields.has("confidence")) target.confidence = fields.number("confidence");
  if (fields.has("weight")) target.weight = fields.number("weight");
  if (fields.has("energy_mj")) target.energy_mj = fields.number("energy_mj");
  target.prefer_accuracy = prefers_accuracy(fields);
  check_target(target);
  return target;
}

OpenSession read_open(const Json& json) {
  const Fields fields(json, "open",
                      {"type", "session", "name", "members", "options", "target", "threads", "place", "announces"});
  OpenSession open;
  open.session = whole(fields, "session", 0, kMostSessionNumber);
  open.name = fields.text("name");
  for (const Json& item : list(fields, "members", 1, kMostMembers)) {
    const Fields member(item, "open: 'members'", {"name", "accuracy"});
    open.members.push_back({member.text("name"), member.number("accuracy")});
  }
  for (const Json& item : list(fields, "options", 1, kMostOptions)) {
    const Fields row(item, "open: 'options'", {"member", "processor", "cores", "ms"});
    SessionOption option;
    option.member = whole(row, "member", 0, static_cast<int64_t>(open.members.size()) - 1);
    option.processor = row.text("processor", "");
    option.cores = whole(row, "cores", 1, kMostCpu);
    for (const Json& ms : list(row, "ms", 1, kMostPoints)) option.ms.push_back(number(ms, row.at("ms")));
    open.options.push_back(std::move(option));
  }
  open.target = read_target(fields.value("target"), "open: 'target'");
  if (fields.has("threads")) {
    for (const Json& item : list(fields, "threads", 0, kMostThreads))
      open.threads.push_back(whole(json_integer(item, fields.at("threads")), fields.at("threads"), 2, 1 << 30));
  }
  open.place = fields.boolean("place", false);
  open.announces = fields.boolean("announces", false);
  check_session(open);
  return open;
}

FrameBegins read_begin(const Json& json) {
  const Fields fields(json, "begin", {"type", "session", "frame", "left_ms", "waiting_ms"});
  FrameBegins frame;
  frame.session = whole(fields, "session", 0, kMostSessionNumber);
  frame.frame = frame_number(fields.value("frame"), fields.at("frame"), 1);
  frame.left_ms = real(fields.number("left_ms"), fields.at("left_ms"), -kMostMs, kMostMs);
  for (const Json& item : list(fields, "waiting_ms", 0, kMostWaiting))
    frame.waiting_ms.push_back(real(number(item, fields.at("waiting_ms")), fields.at("waiting_ms"), -kMostMs, kMostMs));
  return frame;
}

FrameReports read_frames(const Json& json) {
  const Fields fields(json, "frames", {"type", "session", "frames"});
  FrameReports reports;
  reports.session = whole(fields, "session", 0, kMostSessionNumber);
  for (const Json& item : list(fields, "frames", 1, kMostFrames)) {
    if (!item.is_array() || item.size() != 7 || !item[3].is_boolean())
      fail(ErrorCode::kBadFile,
           "frames: 'frames': a frame is [elapsed_ms, deadline_ms, work_ms, met, member, confidence or null, frame]");
    FrameReport frame;
    frame.elapsed_ms = real(number(item[0], "frames: elapsed_ms"), "frames: elapsed_ms", 0, kMostMs);
    frame.deadline_ms = real(number(item[1], "frames: deadline_ms"), "frames: deadline_ms", -kMostMs, kMostMs);
    frame.work_ms = real(number(item[2], "frames: work_ms"), "frames: work_ms", 0, kMostMs);
    frame.met = item[3].get<bool>();
    frame.member = whole(json_integer(item[4], "frames: member"), "frames: member", 0, kMostMembers - 1);
    if (!item[5].is_null()) frame.confidence = real(number(item[5], "frames: confidence"), "frames: confidence", 0, 1);
    frame.frame = frame_number(item[6], "frames: frame", 0);
    reports.frames.push_back(frame);
  }
  return reports;
}

Request read_request(const Json& json, const std::string& type) {
  if (type == "hello") {
    const Fields fields(json, type, {"type", "protocol", "name"});
    return Hello{whole(fields, "protocol", 0, 1 << 20), name(fields.text("name"), "hello: 'name'")};
  }
  if (type == "open") return read_open(json);
  if (type == "target") {
    const Fields fields(json, type, {"type", "session", "target"});
    return NewTarget{whole(fields, "session", 0, kMostSessionNumber),
                     read_target(fields.value("target"), "target: 'target'")};
  }
  if (type == "begin") return read_begin(json);
  if (type == "frames") return read_frames(json);
  if (type == "release") {
    const Fields fields(json, type, {"type", "session"});
    return Release{whole(fields, "session", 0, kMostSessionNumber)};
  }
  if (type == "status") {
    const Fields fields(json, type, {"type"});
    return StatusRequest{};
  }
  fail(ErrorCode::kBadFile, "'type' is none of a request; legal: hello, open, target, begin, frames, release, status");
}

Welcome read_welcome(const Json& json) {
  const Fields fields(json, "welcome", {"type", "protocol", "version", "processors"});
  Welcome welcome;
  welcome.protocol = whole(fields, "protocol", 0, 1 << 20);
  welcome.version = name(fields.text("version"), "welcome: 'version'");
  for (const Json& item : list(fields, "processors", 0, 256)) {
    const Fields row(item, "welcome: 'processors'", {"name", "cpus", "khz"});
    welcome.processors.push_back({row.text("name"), cpu_numbers(row, "cpus"), row.integers("khz")});
  }
  return welcome;
}

Assignment read_assignment(const Json& json) {
  const Fields fields(json, "assignment",
                      {"type", "session", "serial", "ceiling", "floor", "processor", "cpus", "khz", "exclusive", "met",
                       "announce", "reason"});
  Assignment assignment;
  assignment.session = whole(fields, "session", 0, kMostSessionNumber);
  assignment.serial = fields.integer("serial");
  assignment.ceiling = whole(fields, "ceiling", 0, kMostMembers - 1);
  assignment.floor = whole(fields, "floor", 0, assignment.ceiling);
  assignment.processor = fields.text("processor");
  assignment.cpus = cpu_numbers(fields, "cpus");
  assignment.khz = fields.integer("khz");
  assignment.exclusive = fields.boolean("exclusive", false);
  assignment.met = fields.boolean("met", false);
  assignment.announce = fields.boolean("announce", false);
  assignment.reason = name(fields.text("reason"), "assignment: 'reason'", 0, kMostReason);
  return assignment;
}

FrameOrdered read_order(const Json& json) {
  const Fields fields(json, "order",
                      {"type", "session", "frame", "member", "processor", "cores", "expected_ms", "cpus", "reason"});
  FrameOrdered order;
  order.session = whole(fields, "session", 0, kMostSessionNumber);
  order.frame = frame_number(fields.value("frame"), fields.at("frame"), 1);
  order.member = whole(fields, "member", 0, kMostMembers - 1);
  order.processor = fields.text("processor");
  order.cores = whole(fields, "cores", 1, kMostCpu);
  order.expected_ms = real(fields.number("expected_ms"), fields.at("expected_ms"), 0, kMostMs);
  order.cpus = cpu_numbers(fields, "cpus");
  order.reason = name(fields.text("reason"), "order: 'reason'", 0, kMostReason);
  return order;
}

Answer read_answer(const Json& json, const std::string& type) {
  if (type == "welcome") return read_welcome(json);
  if (type == "assignment") return read_assignment(json);
  if (type == "order") return read_order(json);
  if (type == "refusal") {
    const Fields fields(json, type, {"type", "session", "what"});
    return Refusal{whole(fields, "session", -1, kMostSessionNumber), fields.text("what")};
  }
  if (type == "status") {
    const Fields fields(json, type, {"type", "status"});
    return StatusText{print_json(fields.value("status"))};
  }
  fail(ErrorCode::kBadFile, "'type' is none of an answer; legal: welcome, assignment, order, refusal, status");
}

Json read_object(std::string_view text) {
  Json json = parse_json(text, "packet");
  if (!json.is_object() || !json.contains("type") || !json["type"].is_string())
    fail(ErrorCode::kBadFile, "packet: expected a JSON object with a text 'type'");
  return json;
}

}  // namespace

void check_target(const Target& target) {
  real(target.deadline_ms, "target: 'deadline_ms'", 0.01, kMostMs);
  real(target.rate_hz, "target: 'rate_hz'", 0, 1e5);
  real(target.aim, "target: 'aim'", 0.01, 1);
  real(target.accuracy, "target: 'accuracy'", 0, 1);
  real(target.confidence, "target: 'confidence'", 0, 1);
  real(target.weight, "target: 'weight'", 0.001, 1000);
  if (!(target.energy_mj > 0)) fail(ErrorCode::kInvalidArgument, "target: 'energy_mj': legal: above 0");
}

void check_session(const OpenSession& open) {
  name(open.name, "open: 'name'");
  if (open.members.empty() || open.members.size() > kMostMembers || open.options.empty() ||
      open.options.size() > kMostOptions || open.threads.size() > kMostThreads)
    fail(ErrorCode::kInvalidArgument, "open: {} members, {} options, {} threads; legal: 1 to {}, 1 to {}, 0 to {}",
         open.members.size(), open.options.size(), open.threads.size(), kMostMembers, kMostOptions, kMostThreads);
  for (const ManagedMember& member : open.members) {
    name(member.name, "open: a member's name");
    real(member.accuracy, "open: accuracy of member '" + member.name + "'", 0, 1);
  }
  for (const SessionOption& option : open.options) {
    whole(option.member, "open: 'member' of an option", 0, static_cast<int64_t>(open.members.size()) - 1);
    name(option.processor, "open: 'processor' of an option", 0);
    whole(option.cores, "open: 'cores' of an option", 1, kMostCpu);
    if (option.ms.empty() || option.ms.size() > kMostPoints)
      fail(ErrorCode::kInvalidArgument, "open: an option of {} times; legal: 1 to {}", option.ms.size(), kMostPoints);
    for (const double ms : option.ms) real(ms, "open: 'ms' of an option", 1e-4, kMostMs);
  }
  check_target(open.target);
}

Request decode_request(std::string_view text) {
  const Json json = read_object(text);
  return read_request(json, json["type"].get<std::string>());
}

Answer decode_answer(std::string_view text) {
  const Json json = read_object(text);
  return read_answer(json, json["type"].get<std::string>());
}

}  // namespace limber::server
