// SPDX-License-Identifier: Apache-2.0
// For all applications together: which sub-network each runs, on which processor and cores, and at which operating
// point every processor runs. Layer: manager.
//
// A plain function of tables: it knows no platform and no clock, so a board, the simulator and a test decide alike.
// Applications that share a processor share its cores' time; each must fit, and all together, too.
#pragma once
#include <cstdint>
#include <limits>
#include <vector>

namespace limber {

struct ArbiterProcessor {
  int cores = 1;
  std::vector<double> idle_w;  // at each operating point, ascending frequency: what it takes with nothing to do
  std::size_t lowest = 0, highest = std::numeric_limits<std::size_t>::max();  // limits, heat
};

// One member on so many cores of one processor.
struct ArbiterOption {
  int member = 0;
  std::size_t processor = 0;
  int cores = 1;
  double accuracy = 0;          // 0..1
  std::vector<double> ms;       // at each point of the processor: what shall be within the deadline, margins included
  std::vector<double> mean_ms;  // the same on average: what it takes of the cores' time and of energy
  std::vector<double> busy_w;   // beyond idle_w while it runs
  double change_w = 0;          // what changing to it costs, spread over the time until the next decision
};

struct ArbiterApplication {
  double rate_hz = 0;
  double deadline_ms = 0;
  double weight = 1;
  double floor = 0;  // accuracy: options below it are taken only where no other can be served
  std::vector<ArbiterOption> options;
};

struct ArbiterProblem {
  std::vector<ArbiterProcessor> processors;
  std::vector<ArbiterApplication> applications;
  double power_cap_w = std::numeric_limits<double>::infinity();
  double full = 0.95;  // of a processor's core time that may be planned
};

struct ArbiterDecision {
  std::vector<std::size_t> points;   // of each processor
  std::vector<std::size_t> options;  // of each application
  // Weights of what is not as it should be (late, below the floor, too much for a processor, above the cap), 0: all is
  // well. Best effort makes this small first, then the power.
  double unmet = 0;
  double power_w = 0;
};

// What a decision amounts to; the same arithmetic as decide() uses.
ArbiterDecision judge(const ArbiterProblem& problem, std::vector<std::size_t> points, std::vector<std::size_t> options);

// Tries combinations of operating points (all, as long as there are at most some thousands; else coordinate by
// coordinate) and for each the best options, repaired where a processor would be too full. Fails with kInvalidArgument
// on tables whose sizes do not fit each other.
ArbiterDecision decide(const ArbiterProblem& problem);

}  // namespace limber
