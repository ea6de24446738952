// SPDX-License-Identifier: Apache-2.0
// Power sensors of every make behind one face. Layer: platform.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/linux/outcome.h"

namespace limber {

struct Rail {
  std::string name;  // "VDD_CPU_GPU_CV", "package-0"
  double watts = 0;
};

struct PowerReading {
  double watts = -1;        // of all rails together, or of the one that feeds the others; below 0: none now
  std::vector<Rail> rails;  // those that could be read
  std::string reason;       // why there is none
};

// One kind of sensor with all its rails. Not thread-safe. A reading costs a few file accesses, or milliseconds where
// I2C or a tool is behind them.
class PowerMeter {
 public:
  virtual ~PowerMeter() = default;
  virtual std::string name() const = 0;  // "ina3221", "powercap", "external"
  // Mean watts since the last reading where the sensor counts energy, else what it shows now (its own mean over its own
  // period).
  virtual PowerReading read(int64_t now_ns) = 0;
  // What was used since the first call. Exact where the sensor counts energy; else watts by time, for which it is to be
  // called at least every period_ms().
  virtual double millijoules(int64_t now_ns);
  virtual double period_ms() const = 0;     // a fresh value at most so often
  virtual double resolution_w() const = 0;  // 0: not known
  virtual bool whole_board() const = 0;     // it sees all that the device takes

 private:
  int64_t since_ns_ = -1;  // of millijoules()
  double spent_mj_ = 0, watts_ = 0;
};

struct MissingMeter {
  std::string name, reason;  // "RAPL"
};

// All there are, the ones that see most first. `missing` gets each kind that is not there or not readable. The Fs must
// outlive them.
std::vector<std::unique_ptr<PowerMeter>> find_power_meters(const Fs& fs, std::vector<MissingMeter>& missing);

// The makers behind it; null with `reason` set where there is none.
std::unique_ptr<PowerMeter> find_ina_hwmon(const Fs& fs, std::string& reason);
std::unique_ptr<PowerMeter> find_ina_iio(const Fs& fs, std::string& reason);  // L4T 4.9
std::unique_ptr<PowerMeter> find_rapl(const Fs& fs, std::string& reason);
std::unique_ptr<PowerMeter> find_pmic(const Fs& fs, std::string& reason);  // Raspberry Pi 5

}  // namespace limber
