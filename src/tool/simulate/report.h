// SPDX-License-Identifier: Apache-2.0
// What a comparison says: tables for people, JSON for scripts. Layer: tool.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tool/simulate/compare.h"

namespace limber::tool {

// "camera.period_ms=33.3, ..."; empty without a sweep.
std::string variant_name(const Scenario& scenario);
std::string scenario_heading(const ComparedScenario& compared);
std::string scenario_table(const ComparedScenario& compared, bool applications);

// Over all variants: each policy against the first one, median and range of energy and latency; how often it serves
// what the oracle does, how often it is first among those that do, and its energy by the oracle's.
std::string closing_summary(const std::vector<ComparedScenario>& all);

nlohmann::json simulation_json(const std::vector<ComparedScenario>& all);

}  // namespace limber::tool
