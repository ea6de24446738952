// SPDX-License-Identifier: Apache-2.0
// Texas Instruments' current sensors: INA2xx and INA3221 under hwmon, INA3221 under L4T 4.9's own files.
#include <fmt/core.h>

#include <cerrno>

#include "platform/linux/power_rails.h"

namespace limber {
namespace {

constexpr const char* kHwmon = "/sys/class/hwmon";
constexpr int kChannels = 3;  // of an INA3221; hwmon's further ones are sums of shunt voltages

// Where the driver names no rail: what the device tree calls it, "ina231@40".
std::string device_name(const Fs& fs, const std::string& folder, const std::string& otherwise) {
  for (const std::string& line : parse_words(fs.read(folder + "/device/uevent").text))
    if (line.rfind("OF_FULLNAME=", 0) == 0) return line.substr(line.rfind('/') + 1);
  return otherwise;
}

void add_ina3221(const Fs& fs, const std::string& folder, std::vector<RailFiles>& rails) {
  for (int channel = 1; channel <= kChannels; ++channel) {
    const auto file = [&](const char* kind, const char* what) {
      return fmt::format("{}/{}{}_{}", folder, kind, channel, what);
    };
    const FsText label = fs.read(file("in", "label"));
    if (label.text == "NC" || label.text == "") continue;  // not connected
    if (fs.exists(file("in", "input")) && fs.exists(file("curr", "input")))
      rails.push_back({label.text, "", 0, file("in", "input"), file("curr", "input")});
  }
}

// 0: somebody can read one of them; else the first errno.
int readable(const Fs& fs, const std::vector<RailFiles>& rails) {
  int error = ENOENT;
  for (const RailFiles& rail : rails) {
    error = fs.read(rail.power.empty() ? rail.volt_mv : rail.power).error;
    if (error != EACCES && error != EPERM) return 0;
  }
  return error;
}

std::unique_ptr<PowerMeter> meter(const Fs& fs, const char* name, std::vector<RailFiles> rails, double period_ms,
                                  double resolution_w, std::string& reason) {
  if (rails.empty()) return nullptr;
  if (const int error = readable(fs, rails); error != 0) {
    reason = explain(rails[0].power.empty() ? rails[0].volt_mv : rails[0].power, error);
    return nullptr;
  }
  return std::make_unique<RailMeter>(fs, name, std::move(rails), period_ms, resolution_w);
}

}  // namespace

std::unique_ptr<PowerMeter> find_ina_hwmon(const Fs& fs, std::string& reason) {
  std::vector<RailFiles> single, triple;
  for (const std::string& entry : fs.list(kHwmon).names) {
    const std::string folder = fmt::format("{}/{}", kHwmon, entry);
    const std::string name = fs.read(folder + "/name").text;
    if (name == "ina3221") add_ina3221(fs, folder, triple);
    if (name == "ina3221" || name.rfind("ina2", 0) != 0 || !fs.exists(folder + "/power1_input")) continue;
    const FsText label = fs.read(folder + "/power1_label");
    single.push_back({label.ok() && !label.text.empty() ? label.text : device_name(fs, folder, name + " " + entry),
                      folder + "/power1_input", 1e-6, "", ""});
  }
  reason = fmt::format("no INA2xx or INA3221 in {}; not every board has them", kHwmon);
  // 1 mA steps of a 5 V rail; both parts average over a tenth to a quarter of a second as drivers set them up.
  if (!triple.empty()) return meter(fs, "ina3221", std::move(triple), 100, 0.005, reason);
  return meter(fs, "ina2xx", std::move(single), 260, 0.025, reason);
}

std::unique_ptr<PowerMeter> find_ina_iio(const Fs& fs, std::string& reason) {
  std::vector<std::string> folders;
  const std::string driver = "/sys/bus/i2c/drivers/ina3221x";
  for (const std::string& device : fs.list(driver).names) {
    if (device.find('-') == std::string::npos) continue;  // bind, uevent
    for (const std::string& entry : fs.list(driver + "/" + device).names)
      if (entry.rfind("iio:device", 0) == 0) folders.push_back(fmt::format("{}/{}/{}", driver, device, entry));
  }
  std::vector<RailFiles> rails;
  for (const std::string& folder : folders) {
    for (int channel = 0; channel < kChannels; ++channel) {
      const std::string power = fmt::format("{}/in_power{}_input", folder, channel);
      const FsText name = fs.read(fmt::format("{}/rail_name_{}", folder, channel));
      if (fs.exists(power) && name.text != "NC")
        rails.push_back({name.ok() && !name.text.empty() ? name.text : power, power, 1e-3, "", ""});
    }
  }
  reason = fmt::format("no ina3221x of L4T 4.9 in {}", driver);
  return meter(fs, "ina3221x", std::move(rails), 100, 0.005, reason);
}

}  // namespace limber
