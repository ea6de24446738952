// SPDX-License-Identifier: Apache-2.0
#include "platform/measure_board.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace limber {
namespace {

// Switches the load off whatever happens.
struct LoadGuard {
  const MeasuredMachine& machine;
  ~LoadGuard() {
    try {
      machine.set_load(kIdleClass, 0);
    } catch (...) {  // the first failure is the one to tell
    }
  }
};

double tenth_of_milli(double value) {
  return std::round(1e4 * value) / 1e4;
}

void measure_step(const MeasuredMachine& machine, const MeasuringPlan& plan, const MeasuringStep& step,
                  MeasuringResult* result) {
  machine.set_khz(step.khz);
  machine.set_load(step.load_class, step.cores);
  machine.wait(plan.settle_s);
  machine.watts();
  if (machine.busy) machine.busy();
  const double before = machine.celsius ? machine.celsius() : 0;
  machine.wait(plan.seconds);
  PowerRow row;
  row.watts = tenth_of_milli(machine.watts());
  if (!(row.watts > 0))
    fail(ErrorCode::kIo, "{} kHz, {} x {}: the meter tells {} W; look whether it counts this processor", step.khz,
         step.cores, step.load_class, row.watts);
  row.busy = machine.busy ? machine.busy() : static_cast<double>(step.cores);
  row.busy = tenth_of_milli(std::clamp(row.busy, 0.0, static_cast<double>(machine.cores)));
  if (machine.celsius) row.celsius = tenth_of_milli((before + machine.celsius()) / 2);
  row.processor = machine.processor;
  row.khz = step.khz;
  row.load_class = step.load_class;
  if (const int64_t now = machine.khz_now(); now != step.khz) {
    result->left_out.push_back(
        fmt::format("{} kHz, {} x {}: the clock went to {} kHz (too hot, or another program set "
                    "it)",
                    step.khz, step.cores, step.load_class, now));
    return;
  }
  result->measurements.power.push_back(row);
}

void measure_trace(const MeasuredMachine& machine, const MeasuringPlan& plan, Measurements* measurements) {
  machine.set_khz(machine.khz.back());
  const double period_s = std::max(1.0, plan.trace_s / 1000);
  const auto rows = static_cast<int>(plan.trace_s / period_s);
  machine.set_load(kIdleClass, 0);
  machine.watts();
  for (int i = 0; i <= rows; ++i) {
    if (i == rows / 4) machine.set_load(kDenseClass, machine.cores);
    if (i == rows - rows / 4) machine.set_load(kIdleClass, 0);
    machine.wait(period_s);
    HeatRow row;
    row.time_s = (i + 1) * period_s;
    row.watts = tenth_of_milli(machine.watts());
    row.celsius = tenth_of_milli(machine.celsius());
    measurements->heat.push_back(row);
  }
}

}  // namespace

MeasuringPlan measuring_plan(const std::vector<int64_t>& khz, std::size_t cores, std::size_t points) {
  MeasuringPlan plan;
  points = std::min(std::max<std::size_t>(points, 4), khz.size());
  for (std::size_t p = 0; p < points; ++p) {
    const std::size_t index = points == 1 ? 0 : (p * (khz.size() - 1) + (points - 1) / 2) / (points - 1);
    plan.steps.push_back({khz[index], kIdleClass, 0});
    for (std::size_t busy = 1; busy <= cores; ++busy) {
      plan.steps.push_back({khz[index], kDenseClass, busy});
      plan.steps.push_back({khz[index], kStreamsClass, busy});
    }
  }
  return plan;
}

MeasuringResult measure_board(
    const MeasuredMachine& machine, const MeasuringPlan& plan,
    const std::function<void(std::size_t done, std::size_t all, const std::string& what)>& progress) {
  const LoadGuard guard{machine};
  MeasuringResult result;
  const bool trace = machine.celsius && plan.trace_s > 0;
  const std::size_t all = plan.steps.size() + (trace ? 1 : 0);
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const MeasuringStep& step = plan.steps[i];
    if (progress) progress(i, all, fmt::format("{} kHz, {} x {}", step.khz, step.cores, step.load_class));
    measure_step(machine, plan, step, &result);
  }
  if (trace) {
    if (progress) progress(plan.steps.size(), all, "heating and cooling");
    measure_trace(machine, plan, &result.measurements);
  }
  return result;
}

}  // namespace limber
