// SPDX-License-Identifier: Apache-2.0
// Raspberry Pi 5: the power chip's own measurements, through the vendor's tool.
#include "platform/linux/power_pmic.h"

#include <fmt/core.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <map>

namespace limber {
namespace {

constexpr const char* kCommand = "/command/vcgencmd pmic_read_adc";

// The number of "current(0)=0.00292851A"; NaN where it is none.
double value_of(const std::string& word) {
  const size_t equals = word.find('=');
  if (equals == std::string::npos) return NAN;
  char* end = nullptr;
  const double value = std::strtod(word.c_str() + equals + 1, &end);
  return end == word.c_str() + equals + 1 ? NAN : value;
}

class PmicMeter : public PowerMeter {
 public:
  explicit PmicMeter(const Fs& fs) : fs_(fs) {}
  std::string name() const override { return "pmic"; }
  double period_ms() const override { return 500; }
  double resolution_w() const override { return 0.001; }
  bool whole_board() const override { return false; }  // USB and whatever hangs on the pins bypass it

  PowerReading read(int64_t now_ns) override {
    // The tool takes milliseconds: no oftener than is worth it.
    if (last_ns_ >= 0 && static_cast<double>(now_ns - last_ns_) * 1e-6 < period_ms()) return last_;
    last_ns_ = now_ns;
    const FsText text = fs_.read(kCommand);
    last_ = text.ok() ? parse_pmic(text.text) : PowerReading{-1, {}, explain(kCommand, text.error)};
    return last_;
  }

 private:
  const Fs& fs_;
  int64_t last_ns_ = -1;
  PowerReading last_;
};

}  // namespace

PowerReading parse_pmic(const std::string& text) {
  std::map<std::string, double> volts, amperes;
  const auto words = parse_words(text);
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& name = words[i];
    const double value = value_of(words[i + 1]);
    if (name.size() < 3 || std::isnan(value) || value < 0) continue;
    const std::string rail = name.substr(0, name.size() - 2), ending = name.substr(name.size() - 2);
    if (ending == "_V" && words[i + 1].rfind("volt", 0) == 0) volts[rail] = value;
    if (ending == "_A" && words[i + 1].rfind("current", 0) == 0) amperes[rail] = value;
  }
  PowerReading reading;
  for (const auto& [rail, current] : amperes)
    if (const auto volt = volts.find(rail); volt != volts.end())
      reading.rails.push_back({rail, volt->second * current});
  if (reading.rails.empty()) {
    reading.reason = "vcgencmd pmic_read_adc shows no rail with volts and amperes; only the Raspberry Pi 5 has them";
    return reading;
  }
  reading.watts = 0;
  for (const Rail& rail : reading.rails) reading.watts += rail.watts;
  return reading;
}

std::unique_ptr<PowerMeter> find_pmic(const Fs& fs, std::string& reason) {
  if (!fs.exists(kCommand)) {
    reason = "no vcgencmd (the Raspberry Pi's own tool)";
    return nullptr;
  }
  const FsText text = fs.read(kCommand);
  const PowerReading reading = text.ok() ? parse_pmic(text.text) : PowerReading{-1, {}, explain(kCommand, text.error)};
  reason = reading.reason;
  if (text.error == EIO) reason += "; is this user in the group video?";
  return reading.watts >= 0 ? std::make_unique<PmicMeter>(fs) : nullptr;
}

}  // namespace limber
