// SPDX-License-Identifier: Apache-2.0
// The trace of a run: JSON lines. Layer: tool.
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "tool/run/result.h"

namespace limber::tool {

// One JSON value and a line's end; names that are not UTF-8 (a foreign model's) are made so.
std::string json_line(const nlohmann::json& value);

// First line {"run": {model, data, members, classes, ...}}; then one line a frame:
//   {policy, round, frame, loaded, arrival_ns, start_ms, end_ms (since arrival), met, skipped, right (null without
//   labels), members: {name: images}, confidence (mean), reasons: [...],
//   images: {member: [index or -1], reason: [index], confidence: [...], answer: [class], name: [...] (streams)}}
// last line {"summary": [...], ...}. The file appears in finish(), whole or not at all. Frames are kept in memory and
// written by flush(), so that a run is not disturbed. Every error is kIo and names the file.
class TraceWriter {
 public:
  explicit TraceWriter(const std::string& path);  // fails now if the file cannot be written
  void begin(const RunContext& context);
  void add(const FrameResult& frame) { waiting_.push_back(frame); }
  std::size_t waiting() const { return waiting_.size(); }
  void flush();
  void finish(const nlohmann::json& summary);

  static nlohmann::json line(const FrameResult& frame, const RunContext& context);

 private:
  AtomicFile file_;
  const RunContext* context_ = nullptr;
  std::vector<FrameResult> waiting_;
};

}  // namespace limber::tool
