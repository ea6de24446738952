// SPDX-License-Identifier: Apache-2.0
// Runs gnuplot. Layer: tool.
#pragma once
#include <string>

namespace limber::tool {

// Its path, searched in $PATH; empty when there is none.
std::string find_gnuplot();

// What gnuplot writes to standard output for `script`: a picture's bytes when the script sets a terminal and no output.
// Blocks until it is done. Fails with kNotFound naming the package when gnuplot is missing, and with kIo and gnuplot's
// own words when it refuses.
std::string run_gnuplot(const std::string& script);

}  // namespace limber::tool
