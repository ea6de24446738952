// SPDX-License-Identifier: Apache-2.0
#include "tool/run/trace.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace limber::tool {

namespace {

using nlohmann::json;

double rounded(double value, double steps) {
  return std::round(value * steps) / steps;
}

double since_ms(int64_t moment, int64_t from) {
  return rounded(static_cast<double>(moment - from) / 1e6, 1e4);
}

}  // namespace

std::string json_line(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

TraceWriter::TraceWriter(const std::string& path) : file_(path) {}

void TraceWriter::begin(const RunContext& context) {
  context_ = &context;
  file_.write(json_line({{"run",
                          {{"model", context.model},
                           {"data", context.source},
                           {"members", context.members},
                           {"classes", context.classes},
                           {"member_image_ms", context.member_image_ms},
                           {"policies", context.policies},
                           {"burst", context.burst},
                           {"burst_ms", context.burst_ms()},
                           {"period_ms", context.period_ms},
                           {"deadline_ms", context.deadline_ms},
                           {"load", context.load}}}}));
}

json TraceWriter::line(const FrameResult& frame, const RunContext& context) {
  json members = json::object(), member = json::array(), reason = json::array(), confidence = json::array(),
       answer = json::array();
  std::vector<int64_t> by_member(context.members.size(), 0);
  double sum = 0;
  for (const ImageResult& image : frame.images) {
    if (image.member >= 0) {
      ++by_member[static_cast<std::size_t>(image.member)];
      sum += static_cast<double>(image.confidence);
    }
    member.push_back(image.member);
    reason.push_back(image.reason);
    confidence.push_back(rounded(static_cast<double>(image.confidence), 1e4));
    answer.push_back(image.answer);
  }
  for (std::size_t m = 0; m < by_member.size(); ++m) {
    if (by_member[m] > 0) members[context.members[m]] = by_member[m];
  }
  json images = {{"member", member}, {"reason", reason}, {"confidence", confidence}, {"answer", answer}};
  if (!frame.names.empty()) images["name"] = frame.names;
  const int64_t answered = frame.answered();
  return {{"policy", context.policies[static_cast<std::size_t>(frame.policy)]},
          {"round", frame.round},
          {"frame", frame.frame},
          {"loaded", frame.loaded},
          {"arrival_ns", frame.arrival},
          {"start_ms", since_ms(frame.start, frame.arrival)},
          {"end_ms", since_ms(frame.end, frame.arrival)},
          {"met", frame.met},
          {"skipped", frame.skipped},
          {"right", context.labelled ? json(frame.right()) : json()},
          {"members", members},
          {"confidence", answered == 0 ? 0 : rounded(sum / static_cast<double>(answered), 1e4)},
          {"reasons", frame.reasons},
          {"images", images}};
}

void TraceWriter::flush() {
  for (const FrameResult& frame : waiting_) file_.write(json_line(line(frame, *context_)));
  waiting_.clear();
}

void TraceWriter::finish(const json& summary) {
  flush();
  file_.write(json_line(summary));
  file_.commit();
}

}  // namespace limber::tool
