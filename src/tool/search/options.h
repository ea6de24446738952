// SPDX-License-Identifier: Apache-2.0
// What `limber search` was asked. Layer: tool.
#pragma once
#include <cstdint>
#include <string>

#include "design/search/search.h"

namespace limber::tool {

struct SearchOptions {
  std::string model, output;                     // a super-network, its family to be
  std::string objective = "macs", blocks, data;  // data: images, or the folder of the published tables
  std::string predictor;                         // the published one's file, instead of one trained from samples
  std::string architecture, table;               // instead of a model: a graph and a published table
  SearchSettings search;
  int64_t seeds = 1, members = 8, samples = 100, images = 1000, calibration = 500;
  std::string state, cores;
  bool compare = false, measure = false, json = false;
};

// Of a model file: writes another with the family that was found.
void search_model(const SearchOptions& options);
// Of an architecture with a published table and predictor: prints the front and what it says about published claims.
void search_published(const SearchOptions& options);

// One line on the terminal: what is being done, a bar, how much of it. Nothing where standard error is no terminal.
void show_search_progress(const std::string& phase, int64_t done, int64_t all);
void clear_search_progress();

}  // namespace limber::tool
