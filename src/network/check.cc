// SPDX-License-Identifier: Apache-2.0
#include "network/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "network/check_rules.h"
#include "network/check_tensors.h"
#include "network/limits.h"

namespace limber {
namespace {

void check_preprocessing(const Network& network) {
  const Preprocessing& preprocessing = network.preprocessing;
  if (preprocessing.mean.size() != preprocessing.deviation.size()) {
    bad("preprocessing: {} means and {} deviations; legal: one each per channel", preprocessing.mean.size(),
        preprocessing.deviation.size());
  }
  for (float mean : preprocessing.mean) {
    if (!std::isfinite(mean)) bad("preprocessing: a mean of {}; legal: finite numbers", mean);
  }
  for (float deviation : preprocessing.deviation) {
    if (!std::isfinite(deviation) || deviation <= 0) bad("preprocessing: a deviation of {}; legal: above 0", deviation);
  }
  if (preprocessing.crop != 0 && !(preprocessing.crop >= 0.1 && preprocessing.crop <= 1)) {
    bad("preprocessing: crop is {}; legal: 0 for none, or 0.1 to 1, as ImageNet's 0.875", preprocessing.crop);
  }
  if (preprocessing.mean.empty() && preprocessing.crop == 0) return;
  for (const Member& member : network.family) {
    const SubNetwork sub = resolve(network.graph, member.choice);
    for (const SubNode& node : sub.nodes) {
      if (network.graph.nodes[static_cast<std::size_t>(node.node)].op != Op::kInput) continue;
      if (preprocessing.crop != 0 && (node.height.symbol >= 0 || node.height.constant != node.width)) {
        bad("preprocessing: a crop of {} needs square images, but member '{}' reads {} x {} pixels", preprocessing.crop,
            member.name, node.height.constant, node.width);
      }
      if (!preprocessing.mean.empty() && static_cast<std::size_t>(node.channels) != preprocessing.mean.size()) {
        bad("preprocessing: {} means, but member '{}' has {} input channels", preprocessing.mean.size(), member.name,
            node.channels);
      }
    }
  }
}

}  // namespace

void check(const Network& network) {
  check(network.graph);
  const TensorCheck tensors(network);
  tensors.check_nodes();
  check_count(network.family.size(), limits::kFamily, "members");
  if (network.family.empty()) bad("network '{}': the family has no members; it needs at least one", network.name);
  std::unordered_set<std::string> names;
  for (const Member& member : network.family) {
    check_name(member.name, "a member");
    if (!names.insert(member.name).second) bad("member '{}': the name is used twice", member.name);
    try {
      tensors.check_member(member);
    } catch (const Error& error) {
      const ErrorCode code = error.code() == ErrorCode::kInvalidArgument ? ErrorCode::kBadFile : error.code();
      throw Error(code, fmt::format("member '{}': {}", member.name, error.what()));
    }
  }
  check_preprocessing(network);
}

void check_sub_network(const Network& network, const Choice& choice) {
  try {
    TensorCheck(network).check_sub_network(resolve(network.graph, choice));
  } catch (const Error& error) {
    throw Error(error.code() == ErrorCode::kBadFile ? ErrorCode::kInvalidArgument : error.code(), error.what());
  }
}

const Tensor* find_tensor(const Network& network, const std::string& name) {
  const auto found = std::find_if(network.tensors.begin(), network.tensors.end(),
                                  [&](const Tensor& tensor) { return tensor.name == name; });
  return found == network.tensors.end() ? nullptr : &*found;
}

}  // namespace limber
