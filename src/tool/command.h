// SPDX-License-Identifier: Apache-2.0
// The sub-commands of `limber`, one file each. Layer: tool. Each add_* declares its options on `app`; the callback does
// the work and throws limber::Error (exit code 1); wrong usage is CLI11's (exit code 2).
#pragma once
#include <fmt/core.h>

#include <CLI/CLI.hpp>

namespace limber::tool {

void add_bench_command(CLI::App& app);
void add_calibrate_command(CLI::App& app);
void add_data_command(CLI::App& app);
void add_doctor_command(CLI::App& app);
void add_eval_command(CLI::App& app);
void add_export_command(CLI::App& app);
void add_import_command(CLI::App& app);
void add_info_command(CLI::App& app);
void add_models_command(CLI::App& app);
void add_profile_command(CLI::App& app);
void add_run_command(CLI::App& app);
void add_search_command(CLI::App& app);
void add_simulate_command(CLI::App& app);
void add_top_command(CLI::App& app);
void add_print_option(CLI::App& app);  // no command: --print, for the build

}  // namespace limber::tool
