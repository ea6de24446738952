// SPDX-License-Identifier: Apache-2.0
// The option --weights: how weights are stored. Layer: tool.
#pragma once
#include <CLI/CLI.hpp>
#include <string>

#include "network/half_weights.h"

namespace limber::tool {

// f32, the default, or f16.
inline CLI::Option* add_weight_format(CLI::App& command, std::string& format,
                                      const std::string& what = "weights of convolutions and linear layers") {
  format = "f32";
  return command
      .add_option("--weights", format,
                  "how " + what +
                      " are stored: f32, or f16 (rounded to nearest; half the file, less memory traffic, still "
                      "computed in fp32)")
      ->check(CLI::IsMember({"f32", "f16"}))
      ->capture_default_str();
}

inline void apply_weight_format(const std::string& format, Network* network) {
  if (format == "f16") store_as_half(network);
}

}  // namespace limber::tool
