// SPDX-License-Identifier: Apache-2.0
// What one frame came to: the one thing that tables, traces and pictures are made of. Layer: tool.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace limber::tool {

struct ImageResult {
  int16_t member = -1;  // index; -1: no answer
  int16_t reason = -1;  // index into FrameResult::reasons
  int32_t answer = -1;  // class
  float confidence = 0;
  bool right = false;
};

// A frame is a burst of images with one deadline. Times in ns of the monotonic clock.
struct FrameResult {
  int policy = 0, round = 0;
  int64_t frame = 0;
  int64_t arrival = 0;         // nominal
  int64_t start = 0, end = 0;  // of the work; equal for a skipped frame
  bool loaded = false;         // the load processes were busy
  bool skipped = false;        // its deadline had passed before the work could begin
  bool met = false;            // every image was answered by the deadline
  std::vector<ImageResult> images;
  std::vector<std::string> reasons;
  std::vector<std::string> names;  // of a stream's pictures, else empty

  int64_t answered() const {
    int64_t n = 0;
    for (const ImageResult& image : images) n += image.member >= 0;
    return n;
  }
  int64_t right() const {
    int64_t n = 0;
    for (const ImageResult& image : images) n += image.right;
    return n;
  }
  double latency_ms() const { return static_cast<double>(end - arrival) / 1e6; }
};

// What a whole run has in common.
struct RunContext {
  std::string model, source;
  // Who answers: the family; of a model with early-exit heads also its exits, which are no members.
  std::vector<std::string> members;
  std::vector<std::string> policies;
  std::vector<std::string> classes;     // names of the answers; may be empty
  std::vector<double> member_image_ms;  // profiled, unloaded; of the family
  int64_t burst = 1;
  int64_t frames = 0;  // of each policy's trace in a round; 0: to the stream's end
  double period_ms = 33, deadline_ms = 33;
  int load = 0, rounds = 1;
  int64_t load_from = -1, load_to = -1;  // frames of a trace during which the load runs; -1: its middle third
  double accuracy_floor = 0;
  std::vector<std::string> below_floor;  // members that are never chosen
  bool labelled = true;
  bool energy_sensor = false;
  std::string no_sensor;  // why there is none
  int64_t first_loaded() const { return load_from < 0 ? frames / 3 : load_from; }
  int64_t end_loaded() const { return load_from < 0 ? 2 * (frames / 3) : load_to; }
  bool loaded(int64_t frame) const { return load > 0 && frame >= first_loaded() && frame < end_loaded(); }
  const std::string& largest() const { return members[member_image_ms.size() - 1]; }
  double burst_ms() const { return member_image_ms.back() * static_cast<double>(burst); }  // of the largest member
};

}  // namespace limber::tool
