// SPDX-License-Identifier: Apache-2.0
// Do the tensors fit the graph, and every choice the tensors? Layer: network; used by check.cc alone.
#pragma once
#include <fmt/core.h>

#include <initializer_list>
#include <string>
#include <unordered_map>

#include "network/check_rules.h"
#include "network/network.h"
#include "network/sub_network.h"

namespace limber {

// Every function fails with kBadFile, or kUnsupported for what this version cannot run. The graph must have passed
// check(graph); the network must outlive this object.
class TensorCheck {
 public:
  // Each tensor by itself: name, dtype, shape, bytes.
  explicit TensorCheck(const Network& network);
  // What every choice needs: the tensors exist, and those of one node fit each other.
  void check_nodes() const;
  // The member's choice, and its own statistics.
  void check_member(const Member& member) const;
  // The slices of this choice lie inside the weights.
  void check_sub_network(const SubNetwork& sub) const;

 private:
  template <typename... Args>
  [[noreturn]] void refuse(const Node& node, const SubNetwork& sub, fmt::format_string<Args...> format,
                           Args&&... args) const {
    bad("graph '{}', choice '{}': node '{}': {}", network_.graph.name, to_string(network_.graph.space, sub.choice),
        node.name, fmt::format(format, std::forward<Args>(args)...));
  }

  void check_tensor(const Tensor& tensor) const;
  const Tensor& find(const Node& node, const std::string& name) const;
  void require_float(const Node& node, const Tensor& tensor) const;
  void check_vector(const Node& node, const std::string& name, std::initializer_list<int64_t> legal) const;
  void check_norm(const Node& node, const Norm& norm, std::initializer_list<int64_t> legal) const;
  void check_kernel(const Node& node, const SubNetwork& sub, int64_t wanted, int64_t stored) const;

  const Network& network_;
  std::unordered_map<std::string, const Tensor*> index_;
};

}  // namespace limber
