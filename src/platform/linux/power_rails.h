// SPDX-License-Identifier: Apache-2.0
// The sum of rails that files show. Layer: platform; of power meters only.
#pragma once
#include <string>
#include <vector>

#include "platform/linux/power_meter.h"

namespace limber {

// One rail: power itself, or voltage and current to multiply.
struct RailFiles {
  std::string name;
  std::string power;                // a file, or ""
  double watts_per_unit = 0;        // of `power`
  std::string volt_mv, current_ma;  // files
};

// A rail that feeds the whole board ("VDD_IN", "POM_5V_IN") is the total where there is one; else the sum of all.
class RailMeter : public PowerMeter {
 public:
  RailMeter(const Fs& fs, std::string name, std::vector<RailFiles> rails, double period_ms, double resolution_w);
  std::string name() const override { return name_; }
  PowerReading read(int64_t now_ns) override;
  double period_ms() const override { return period_ms_; }
  double resolution_w() const override { return resolution_w_; }
  bool whole_board() const override { return feeding_ < rails_.size(); }

 private:
  const Fs& fs_;
  std::string name_;
  std::vector<RailFiles> rails_;
  double period_ms_, resolution_w_;
  size_t feeding_;  // index of the rail that feeds the others; rails_.size(): none
};

}  // namespace limber
