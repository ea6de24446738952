// SPDX-License-Identifier: Apache-2.0
// Heat, the trips that take the clock back, and the power meters.
#include "platform/simulated/simulation.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace limber {
namespace {

constexpr double kCapHysteresisC = 2;

}  // namespace

void SimulatedBoard::Impl::heat() {
  const double watt = heated_mj / kThermalMs;
  heated_mj = 0;
  const ThermalModel& model = board.thermal;
  const double end = model.ambient_c + model.k_per_w * (watt + board.rest_w);
  celsius += (end - celsius) * (1 - std::exp(-kThermalMs * 1e-3 / model.tau_s));
  find_watts();
  schedule(now + kThermalMs, [this] { heat(); });
}

void SimulatedBoard::Impl::trip() {
  for (std::size_t i = 0; i < board.trips.size(); ++i) {
    const Trip& trip = board.trips[i];
    if (celsius > trip.above_c) {
      steps[i] = std::min(steps[i] + 1, trip.most_steps);
    } else if (celsius < trip.above_c - trip.hysteresis_c) {
      steps[i] = std::max(steps[i] - 1, 0);
    }
  }
  if (celsius > cap_c) {
    ++cap_steps;
  } else if (cap_steps > 0 && celsius < cap_c - kCapHysteresisC) {
    --cap_steps;
  }
  for (std::size_t p = 0; p < rails.size(); ++p) ask(p, rails[p].governor->period_ms() <= 0);
  schedule(now + board.trip_period_ms, [this] { trip(); });
}

double SimulatedBoard::Impl::metered_mj(const PowerSensor& sensor) const {
  double sum = sensor.whole_board ? rest_mj : 0;
  for (std::size_t p = 0; p < rails.size(); ++p) {
    const std::string& name = board.processors[p].name;
    const bool seen = sensor.whole_board ||
                      std::find(sensor.processors.begin(), sensor.processors.end(), name) != sensor.processors.end();
    if (seen) sum += rails[p].energy_mj;
  }
  return sum;
}

void SimulatedBoard::Impl::meter(std::size_t i) {
  const PowerSensor& sensor = board.sensors[i];
  Meter& meter = meters[i];
  const double mj = metered_mj(sensor);
  meter.mw = (mj - meter.last_mj) / sensor.period_ms * 1e3;
  if (sensor.resolution_mw > 0) meter.mw = std::round(meter.mw / sensor.resolution_mw) * sensor.resolution_mw;
  meter.last_mj = mj;
  schedule(now + sensor.period_ms, [this, i] { this->meter(i); });
}

}  // namespace limber
