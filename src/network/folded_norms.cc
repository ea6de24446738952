// SPDX-License-Identifier: Apache-2.0
#include "network/folded_norms.h"

#include <fmt/ranges.h>

#include <cmath>

namespace limber {

const Blocks* FoldedNorms::share(const Blocks& blocks) {
  const auto [found, added] = blocks_.try_emplace({blocks.starts, blocks.channels}, blocks);
  if (added) bytes_ += static_cast<int64_t>(2 * (sizeof blocks + blocks.starts.size() * sizeof(int64_t)));
  return &found->second;
}

FoldedNorms::Pair FoldedNorms::get(const Node& node, const Norm* norm, const SubNode& part, const Blocks& blocks) {
  std::string key =
      fmt::format("{} {} {}|{}", part.channels_from, part.channels, fmt::join(blocks.starts, ","), node.bias);
  if (norm != nullptr)
    key += fmt::format("|{}|{}|{}|{}|{}", norm->weight, norm->bias, norm->mean, norm->variance, norm->epsilon);
  const auto known = known_.find(key);
  if (known != known_.end()) return known->second;
  const auto planes = static_cast<std::size_t>(blocks.planes());
  AlignedBuffer& memory = memory_.emplace_back(planes * 2 * 16 * sizeof(float));
  bytes_ += static_cast<int64_t>(memory.size());
  float* const scale = memory.floats();
  float* const bias = scale + planes * 16;
  const auto slice = [&](const std::string& name) {  // the super-network's channels, or just this member's
    std::vector<float> all = weights_.values(name);
    const bool own = static_cast<int64_t>(all.size()) == part.channels && part.channels_from == 0;
    const bool whole = static_cast<int64_t>(all.size()) >= part.channels_from + part.channels;
    if (!own && whole) all.erase(all.begin(), all.begin() + part.channels_from);
    return all;
  };
  std::vector<float> own_bias, weight, shift, mean, variance;
  if (!node.bias.empty()) own_bias = slice(node.bias);
  if (norm != nullptr) {
    weight = slice(norm->weight);
    shift = slice(norm->bias);
    mean = slice(norm->mean);
    variance = slice(norm->variance);
  }
  for (int64_t channel = 0; channel < part.channels; ++channel) {
    const auto c = static_cast<std::size_t>(channel);
    double s = 1, b = own_bias.empty() ? 0.0 : static_cast<double>(own_bias[c]);
    if (norm != nullptr) {
      s = static_cast<double>(weight[c]) /
          std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(norm->epsilon));
      b = (b - static_cast<double>(mean[c])) * s + static_cast<double>(shift[c]);
    }
    scale[blocks.lane_of(channel)] = static_cast<float>(s);
    bias[blocks.lane_of(channel)] = static_cast<float>(b);
  }
  return known_.emplace(key, Pair{scale, bias}).first->second;
}

}  // namespace limber
