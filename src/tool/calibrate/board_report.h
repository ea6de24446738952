// SPDX-License-Identifier: Apache-2.0
// What a fit found, for people and as JSON. Layer: tool.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "platform/simulated/board_fit.h"
#include "platform/simulated/thermal_fit.h"

namespace limber::tool {

std::string report(const PowerFit& fit, bool whole_board);
std::string report(const ThermalFit& fit);
nlohmann::ordered_json report_json(const PowerFit& fit, bool whole_board);
nlohmann::ordered_json report_json(const ThermalFit& fit);

}  // namespace limber::tool
