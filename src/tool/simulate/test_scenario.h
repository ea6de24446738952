// SPDX-License-Identifier: Apache-2.0
// For tests: small scenarios on a shipped board.
#pragma once
#include "formats/shipped_file.h"
#include "tool/simulate/compare.h"

namespace limber::tool {

inline Scenario camera_scenario(double period_ms = 40, double seconds = 6) {
  Scenario scenario;
  scenario.name = "test";
  scenario.board = "odroid-xu3";
  scenario.duration_s = seconds;
  scenario.warmup_s = 1;
  scenario.profile_error = 0.1;
  Application camera;
  camera.name = "camera";
  camera.model = "models/cifar10-incremental.safetensors";
  camera.work_ms = 20;
  camera.work_noise = 0.05;
  camera.arrivals.period_ms = period_ms;
  camera.floor = FloorKind::kLargest;
  scenario.applications.push_back(camera);
  return scenario;
}

struct TestPlay {
  explicit TestPlay(Scenario of)
      : scenario(std::move(of)), board(read_board(find_shipped_file("boards", scenario.board))) {
    for (const Application& application : scenario.applications) workloads.push_back(read_workload(application));
  }
  Played run(const std::string& name, uint64_t seed = 1) {
    const NamedPolicy policy = parse_policy(name);
    PlayOptions options = options_of(policy, seed);
    options.on_frame = [this](const PlayedFrame& frame) { frames.push_back(frame); };
    frames.clear();
    return play(scenario, board, workloads, knowledge_of(scenario, policy, seed), policy.make, options);
  }

  Scenario scenario;
  Board board;
  std::vector<Workload> workloads;
  std::vector<PlayedFrame> frames;  // of the last run
};

}  // namespace limber::tool
