// SPDX-License-Identifier: Apache-2.0
// The picture of a simulation: each policy's first seed over time. Layer: tool.
#pragma once
#include <string>
#include <vector>

#include "tool/simulate/player.h"

namespace limber::tool {

struct PicturedPolicy {
  std::string name;
  std::vector<PlayedFrame> frames;
  std::vector<PlayedMoment> moments;
};

// Two panels a policy: the latency of every frame, by application, missed ones red; and power, temperature and the
// clocks. `svg`: else PNG.
std::string picture_script(const Scenario& scenario, const Board& board, const std::vector<PicturedPolicy>& policies,
                           bool svg);

}  // namespace limber::tool
