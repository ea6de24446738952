// SPDX-License-Identifier: Apache-2.0
// The published sub-networks of Dynamic-OFA, and the curves of its Fig. 4, digitised. Layer: design.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "design/published/ofa_choice.h"
#include "design/search/pareto.h"

namespace limber {

struct PublishedMember {
  OfaChoice choice;
  double top1 = 0, latency_ms = 0;  // as published: measured, 0..1, GPU
  // Computed from the table and the predictor by those who collected the data: checks of an implementation.
  double table_gpu_ms = 0, table_cpu_ms = 0, predicted_top1 = 0;
};

struct PublishedFamilies {
  std::vector<PublishedMember> six, seven;  // the two families the demo switches between, both of the GPU
  // [curve]: latency in ms, accuracy 0..1. Curves: dynamic_ofa, autoslim_mnasnet, ofa_static, ...
  std::map<std::string, std::vector<Objectives>> gpu, cpu;
};

// FOLDER/families.json. Fails with kNotFound, or kBadFile naming the place.
PublishedFamilies read_published_families(const std::string& folder);

// The folder of the Jetson data: `data` if given, else $LIMBER_DATA/jetson-xavier-nx. Fails (kNotFound) saying how to
// give it when it is not there.
std::string find_jetson_data(const std::string& data);

}  // namespace limber
