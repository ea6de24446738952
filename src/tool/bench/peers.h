// SPDX-License-Identifier: Apache-2.0
// Other runtimes on the same graph, as contenders of a comparison. Layer: tool.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "tool/bench/latency.h"
#include "tool/bench/subject.h"

namespace limber::tool {

struct Peer {
  Contender contender;
  std::string version, settings;   // "1.23.0", how it is told to run
  std::vector<std::string> forms;  // of each asked member: how it was given the graph
  std::vector<double>
      difference;  // of each asked member: largest difference to Limber's answer, in parts of its largest value
};

struct Peers {
  std::vector<Peer> found;
  std::map<std::string, std::string> missing;  // name -> why
};

// names: of kPeerNames; others fail naming the legal ones. Every peer gets each member's graph in the form that is
// faster for it, and the input that `subject` has for it. A form that answers something else is left out, and named in
// `settings`; kInternal when none is left.
Peers find_peers(const std::vector<std::string>& names, Subject& subject, const std::vector<int>& members);

inline const std::vector<std::string> kPeerNames = {"onnxruntime", "onednn", "torch"};

}  // namespace limber::tool
