// SPDX-License-Identifier: Apache-2.0
// Latency of the members, Limber's and its peers', side by side. Layer: tool.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "platform/samples.h"

namespace limber::tool {

// Someone who answers one image with a member: Limber itself, or a peer that runs the same graph.
struct Contender {
  std::string name;
  std::function<void(int member)> run;
};

// One contender's times of one member. `rounds` are the medians of the rounds: the n-th of two contenders were measured
// one right after the other, so they can be compared whatever the machine did meanwhile. NaN: nothing calm in that one.
struct Latency {
  Samples ms;
  std::vector<double> rounds;
};

using Latencies = std::vector<std::vector<Latency>>;  // [contender][index into members]

struct Comparison {
  Latencies hot;          // several inferences of one member in a row, after one that is not timed
  Latencies round_robin;  // each inference is of another member than the one before
};

// Rounds, until `seconds` have passed and at least `least`. In every round each contender runs each member; who begins
// changes from round to round. rest: the contenders have threads, which spin a while for more work after each
// inference; the next one waits until those sleep.
Comparison compare(const std::vector<Contender>& contenders, const std::vector<int>& members, double seconds, bool rest,
                   int least = 20);

// Median of a's time divided by b's over the rounds in which both were calm; NaN without any.
double paired_ratio(const Latency& a, const Latency& b);

}  // namespace limber::tool
