// SPDX-License-Identifier: Apache-2.0
// What a command measures: a model file, or an architecture with random weights. Layer: tool.
#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "network/network.h"

namespace limber::tool {

// Times, memory and work need no training: an architecture (a graph of networks/, or a path) gets random weights from a
// fixed seed, and a family of the choices that are asked for.
struct ModelSource {
  std::string model;         // a model file, or
  std::string architecture;  // a name in networks/, or a path
  std::string choices;       // "small:d=2,e=3,k=3,r=128;large:d=4,e=6,k=7,r=224"; empty: the smallest and the largest
  std::string weights;       // how an architecture's random weights are stored: see weight_format.h
  int64_t resolution = 0;    // for every choice; 0: as the choices say

  // Reads or makes it, the family in ascending order of work. Fails naming what is wrong with file, name or choice;
  // with a usage error where the user named neither.
  Network load() const;
  void require() const;  // fails with that usage error alone
  // As the user named it.
  const std::string& name() const { return model.empty() ? architecture : model; }
};

// The options model, --architecture, --choice, --resolution and --weights.
void add_model_source(CLI::App& command, ModelSource& source);

}  // namespace limber::tool
