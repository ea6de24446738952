// SPDX-License-Identifier: Apache-2.0
// The file of the choices that were evaluated. Layer: design.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "network/graph.h"

namespace limber {

// What came out for one choice.
struct AccuracySample {
  Choice choice;
  int64_t macs = 0;
  int64_t right = 0, images = 0;

  double top1() const { return images == 0 ? 0 : static_cast<double>(right) / static_cast<double>(images); }
};

// Evaluated choices, added one by one, so that what was interrupted goes on where it was: JSON lines {"weights",
// "calibration", "judged", "choice": "dimension=value,...", "macs", "right", "images"}; the first three are hashes. One
// process at a time.
class SampleFile {
 public:
  // Reads the samples of these weights and images (Network::hash, Images::hash); those of others stay in the file. A
  // missing file is an empty one. The graph must outlive this. Fails with kBadFile naming the line, or kIo.
  SampleFile(std::string path, const Graph& graph, std::string weights, std::string calibration, std::string judged);

  const std::vector<AccuracySample>& samples() const { return samples_; }
  const AccuracySample* find(const Choice& choice) const;  // nullptr if there is none; valid until the next append
  // In the file when it returns: the whole file is written anew (milliseconds), so it is never half a line long.
  void append(const AccuracySample& sample);

 private:
  std::string path_, weights_, calibration_, judged_, text_;
  const Graph& graph_;
  std::vector<AccuracySample> samples_;
};

}  // namespace limber
