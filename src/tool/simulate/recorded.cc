// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/recorded.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/mapped_file.h"

namespace limber::tool {
namespace {

using nlohmann::json;

constexpr double kLeastWork = 0.05, kMostWork = 20;

std::string line_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

double rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

// limber run: how much longer than profiled the frame's images took.
double work_of_run(const json& frame, const json& header) {
  const json& names = header.at("members");
  const json& image_ms = header.at("member_image_ms");
  double profiled = 0;
  for (const auto& [name, images] : frame.at("members").items()) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) fail(ErrorCode::kBadFile, "member '{}', which the header lacks", name);
    profiled += images.get<double>() * image_ms.at(static_cast<std::size_t>(found - names.begin())).get<double>();
  }
  const double took = frame.at("end_ms").get<double>() - frame.at("start_ms").get<double>();
  return profiled > 0 && took > 0 ? std::clamp(took / profiled, kLeastWork, kMostWork) : 1;
}

}  // namespace

std::vector<ArrivingFrame> recorded_frames(const std::string& path, const std::string& policy, double begin_ms,
                                           double end_ms) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  std::istringstream lines(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  std::vector<ArrivingFrame> frames;
  std::string text, wanted = policy;
  json header;
  double first_ms = 0;
  for (int number = 1; std::getline(lines, text); ++number) {
    try {
      const json line = json::parse(text);
      if (line.contains("run")) header = line.at("run");
      if (!line.contains("arrival_ns") && !line.contains("arrival_ms")) continue;
      if (wanted.empty()) wanted = line.at("policy").get<std::string>();
      if (line.at("policy") != wanted) continue;
      const bool run = line.contains("arrival_ns");
      const double ms = run ? line.at("arrival_ns").get<double>() * 1e-6 : line.at("arrival_ms").get<double>();
      if (frames.empty()) first_ms = ms;
      const double at = begin_ms + ms - first_ms;
      if (at >= end_ms) break;
      if (!frames.empty() && at < frames.back().ms) break;  // the next round, application or seed
      frames.push_back({at, run ? work_of_run(line, header) : line.at("work").get<double>()});
    } catch (const json::exception& error) {
      fail(ErrorCode::kBadFile, "{}:{}: {}; legal: a trace of limber run or limber simulate", path, number,
           error.what());
    } catch (const Error& error) {
      fail(ErrorCode::kBadFile, "{}:{}: {}", path, number, error.what());
    }
  }
  if (frames.empty())
    fail(ErrorCode::kBadFile, "{}: no frames{}; legal: a trace of limber run or limber simulate", path,
         policy.empty() ? "" : " of policy '" + policy + "'");
  return frames;
}

void SimulationTrace::begin(const Scenario& scenario, const Board& board, const std::vector<Workload>& workloads,
                            const std::string& policy, uint64_t seed) {
  scenario_ = &scenario;
  board_ = &board;
  workloads_ = &workloads;
  policy_ = policy;
  seed_ = seed;
}

void SimulationTrace::add(const PlayedFrame& frame) {
  const auto a = static_cast<std::size_t>(frame.application);
  const bool begun = frame.begun_ms >= 0, ended = frame.ended_ms >= 0;
  file_.write(
      line_of({{"policy", policy_},
               {"seed", seed_},
               {"application", scenario_->applications[a].name},
               {"arrival_ms", rounded(frame.arrived_ms)},
               {"start_ms", begun ? json(rounded(frame.begun_ms - frame.arrived_ms)) : json()},
               {"end_ms", ended ? json(rounded(frame.ended_ms - frame.arrived_ms)) : json()},
               {"deadline_ms", rounded(frame.deadline_ms - frame.arrived_ms)},
               {"work", frame.work},
               {"member", begun ? json((*workloads_)[a].members[static_cast<std::size_t>(frame.member)].name) : json()},
               {"processor",
                begun && frame.processor != kAnyProcessor ? json(board_->processors[frame.processor].name) : json()},
               {"threads", frame.threads},
               {"met", frame.met},
               {"reason", frame.reason}}));
}

void SimulationTrace::add(const PlayedMoment& moment) {
  file_.write(line_of({{"policy", policy_},
                       {"seed", seed_},
                       {"ms", moment.ms},
                       {"celsius", rounded(moment.celsius)},
                       {"power_modelled_w", rounded(moment.power_w)},
                       {"khz", moment.khz}}));
}

}  // namespace limber::tool
