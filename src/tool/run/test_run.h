// SPDX-License-Identifier: Apache-2.0
// Frames and contexts made by hand, for tests. Layer: tool (tests only).
#pragma once
#include <fstream>
#include <sstream>
#include <string>

#include "tool/run/result.h"

namespace limber::tool {

inline RunContext test_context() {
  RunContext context;
  context.model = "toy";
  context.source = "numbers";
  context.members = {"25%", "100%"};
  context.member_image_ms = {1, 4};
  context.policies = {"static:25%", "static:100%", "dynamic"};
  context.burst = 2;
  context.frames = 6;
  context.load = 3;
  return context;
}

// Frame `number` of a policy: two images by `member`, `right` of them right.
inline FrameResult test_frame(int policy, int64_t number, bool met, int member, int right, double latency_ms = 5) {
  FrameResult frame;
  frame.policy = policy;
  frame.frame = number;
  frame.arrival = 1'000'000'000 + number * 33'000'000;
  frame.start = frame.arrival + 100'000;
  frame.end = frame.arrival + static_cast<int64_t>(latency_ms * 1e6);
  frame.loaded = number == 2 || number == 3;
  frame.met = met;
  frame.reasons = {"because"};
  for (int i = 0; i < 2; ++i)
    frame.images.push_back({static_cast<int16_t>(member), 0, i, i == 0 ? 0.5f : 0.75f, i < right});
  return frame;
}

inline FrameResult skipped_frame(int policy, int64_t number) {
  FrameResult frame = test_frame(policy, number, false, -1, 0, 40);
  frame.skipped = true;
  frame.start = frame.end;
  for (ImageResult& image : frame.images) image.confidence = 0;
  return frame;
}

inline std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace limber::tool
