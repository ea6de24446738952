// SPDX-License-Identifier: Apache-2.0
// For all applications together: which sub-network each runs, on which processor and cores, and at which operating
// point every processor runs. Layer: manager.
//
// A plain function of tables: it knows no platform and no clock, so a board, the simulator and a test decide alike.
// Applications that share a processor share its cores' time; each must fit, and all together, too. Thread-safe: nothing
// is kept between calls.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace limber {

struct ArbiterProcessor {
  int cores = 1;
  std::vector<double> idle_w;  // at each operating point, ascending frequency: what it takes with nothing to do
  std::size_t lowest = 0, highest = std::numeric_limits<std::size_t>::max();  // limits, heat
  // With nothing to do, its clock at rest between frames; below 0: it stays at its point. Where it rests, a frame is
  // charged with what the processor takes beyond this until its end. Frames that overlap are charged twice: an upper
  // bound.
  double parked_w = -1;
  bool available = true;  // false: nothing may be put on it
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
  double floor = 0;              // accuracy: options below it are taken only where no other can be served
  bool prefer_accuracy = false;  // the most accurate option that meets everything, instead of the one of least power
  // Of a frame, at most: its time on average, times what it takes beyond its processor's power without it.
  double energy_mj = std::numeric_limits<double>::infinity();
  std::vector<ArbiterOption> options;
};

struct ArbiterProblem {
  std::vector<ArbiterProcessor> processors;
  std::vector<ArbiterApplication> applications;
  double power_cap_w = std::numeric_limits<double>::infinity();
  double full = 0.95;  // of a processor's core time that may be planned
};

// Decisions are compared by unmet, then loss, then power, then the energy of a frame of each application; all of it
// rounded to 1e-9 of its unit (of all applications' weights together for unmet and loss), so that equal is equal.
struct ArbiterDecision {
  std::vector<std::size_t> points;  // of each processor
  // Of each application. One on a processor that is not available stands for none: the application has no other.
  std::vector<std::size_t> options;
  // Weights of what is not as it should be (late, below the floor, too much energy, too much for a processor, above the
  // cap), 0: all is well. Best effort makes this small first. An application that has no option on an available
  // processor adds a thousand times all weights.
  double unmet = 0;
  double loss = 0;  // sum of weight * (1 - accuracy) over the applications that prefer accuracy
  double power_w = 0;
};

// What a decision amounts to; the same arithmetic as decide() uses. Sizes are not checked.
ArbiterDecision judge(const ArbiterProblem& problem, std::vector<std::size_t> points, std::vector<std::size_t> options);

// Exact for one application. For more: combinations of operating points in the order of what they cost at least, and
// for each the best options, until none can be better or a fixed amount of work is done (arbiter_search.h). Takes
// microseconds for one application, and about a millisecond at most for eight with 200 pairs of option and point.
// Fails with kInvalidArgument on tables whose sizes do not fit each other.
ArbiterDecision decide(const ArbiterProblem& problem);

}  // namespace limber
