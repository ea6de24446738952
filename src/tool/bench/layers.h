// SPDX-License-Identifier: Apache-2.0
// Where a member's time goes: its layers against the peak of the core. Layer: tool.
#pragma once
#include <string>
#include <vector>

#include "tool/bench/subject.h"

namespace limber::tool {

struct LayerTime {
  std::string node, op;
  int64_t macs = 0;
  double median_us = 0;
  double gflops = 0;  // a multiply-add counts two; 0 where there is none to count
  double share = 0;   // of the peak of the cores used
};

struct MemberLayers {
  int member = 0;
  std::vector<LayerTime> layers;    // in the order of execution
  double sum_us = 0, whole_us = 0;  // of the medians; of an inference that nothing was read in
  double gflops = 0, share = 0;     // of the whole inference
};

struct LayerTimes {
  double peak_gflops = 0;  // multiply-adds on registers, measured: one core's times the cores used
  std::vector<MemberLayers> members;
};

// Rounds, until `seconds` have passed and at least 15: the peak (2 ms), then for every member some inferences with a
// clock read before each step (some 30 ns a step, part of its time), and some without. Medians over all of them.
LayerTimes time_layers(const std::shared_ptr<const Model>& model, const std::vector<int>& cores,
                       const std::vector<int>& members, double seconds);

}  // namespace limber::tool
