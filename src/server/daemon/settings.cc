// SPDX-License-Identifier: Apache-2.0
#include "server/daemon/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"

namespace limber::server {

Boost parse_boost(const std::string& text) {
  if (text == "off") return {};
  if (text == "auto") return {Boost::Kind::kAuto, 0};
  const auto value = [&](std::size_t from, int low, int high) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data() + from, text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < low || number > high)
      fail(ErrorCode::kInvalidArgument, "--boost {}: legal are auto, off, nice=-20..19, weight=1..10000", text);
    return number;
  };
  if (text.starts_with("nice=")) return {Boost::Kind::kNice, value(5, -20, 19)};
  if (text.starts_with("weight=")) return {Boost::Kind::kWeight, value(7, 1, 10000)};
  fail(ErrorCode::kInvalidArgument, "--boost {}: legal are auto, off, nice=-20..19, weight=1..10000", text);
}

std::string print_boost(const Boost& boost) {
  if (boost.kind == Boost::Kind::kOff) return "off";
  if (boost.kind == Boost::Kind::kAuto) return "auto";
  return fmt::format("{}={}", boost.kind == Boost::Kind::kNice ? "nice" : "weight", boost.value);
}

Boost usual_boost(bool root, bool groups_at_top) {
  if (!root) return {};
  return groups_at_top ? Boost{Boost::Kind::kWeight, 932} : Boost{Boost::Kind::kNice, -10};
}

int nice_of(const Boost& boost, double weight, double heaviest) {
  const double steps = std::log(heaviest / weight) / std::log(1.25);
  // Never less than others get, unless the administrator wants it so.
  return std::min(std::max(0, boost.value), boost.value + static_cast<int>(std::lround(std::min(steps, 39.0))));
}

int weight_of(const Boost& boost, double weight, double heaviest) {
  return std::clamp(static_cast<int>(std::lround(boost.value * weight / heaviest)), 1, boost.value);
}

}  // namespace limber::server
