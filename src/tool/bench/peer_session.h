// SPDX-License-Identifier: Apache-2.0
// A member's graph in another runtime, as `limber bench` compares them. Layer: tool.
#pragma once
#include <span>
#include <string>

namespace limber::tool {

// Everything that can be done before an inference has been done when this exists. One thread at a time, that of the
// construction.
class PeerSession {
 public:
  virtual ~PeerSession() = default;
  PeerSession() = default;
  PeerSession(const PeerSession&) = delete;
  PeerSession& operator=(const PeerSession&) = delete;

  virtual std::span<float> input() = 0;         // one image, [channels][height][width]: fill, then run()
  virtual std::span<const float> output() = 0;  // of the last run()
  virtual void run() = 0;
  virtual const std::string& version() const = 0;   // "1.23.0"
  virtual const std::string& settings() const = 0;  // for people: threads, optimisations
};

}  // namespace limber::tool
