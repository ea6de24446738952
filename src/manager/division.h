// SPDX-License-Identifier: Apache-2.0
// Divides a device's processors and cores among all applications: the slow half of the manager. Layer: manager.
#pragma once
#include <cstddef>
#include <limits>
#include <vector>

#include "manager/system_policy.h"
#include "manager/work_estimate.h"

namespace limber {

// What an application got.
struct ApplicationShare {
  std::size_t processor = kAnyProcessor;
  std::vector<int> cores;  // of it
  bool exclusive = false;  // nobody else got one of them
  std::size_t option = 0;
  // The accuracy that can be served: infinity where the target's floor can be kept.
  double floor = std::numeric_limits<double>::infinity();
  std::vector<std::size_t> points;  // that were planned, of each processor
  bool met = false;                 // the plan meets the target
};

struct DividedProcessor {
  const ManagedProcessor* tables = nullptr;
  bool available = true;
  bool parks = false;  // its clock rests between frames
  std::size_t highest = 0;
  std::vector<double> others;  // of each core, the share of time that others use
};

struct DividedApplication {
  const ManagedApplication* tables = nullptr;
  const WorkEstimate* estimate = nullptr;
  ApplicationShare* share = nullptr;  // before and after: option and cores are kept where a change gains little
};

// By the arbiter (arbiter.h), on tables corrected by what was learnt. busy_scale: times the options' busy_w. Returns
// the planned power of the processors, W.
double divide_processors(const std::vector<DividedProcessor>& processors,
                         const std::vector<DividedApplication>& applications, double power_cap_w, double busy_scale);

// Fails with kInvalidArgument, naming application and table, where they do not fit the processors.
void check_application(const ManagedApplication& application, const std::vector<ManagedProcessor>& processors);

}  // namespace limber
