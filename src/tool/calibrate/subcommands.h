// SPDX-License-Identifier: Apache-2.0
// The sub-commands of `limber calibrate`. Layer: tool.
#pragma once
#include <CLI/CLI.hpp>

namespace limber::tool {

void add_calibrate_board(CLI::App& calibrate);
void add_calibrate_norms(CLI::App& calibrate);

}  // namespace limber::tool
