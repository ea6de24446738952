// SPDX-License-Identifier: Apache-2.0
// The tensors that one step trains. Includes torch. Layer: train.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "network/network.h"
#include "train/parameters.h"

namespace limber::train {

// Makes a step's leaves, hands them to the interpreter, updates them and copies them into the whole weights. Not
// thread-safe.
class Leaves {
 public:
  // All borrowed. weights: whole tensors, fp32, by name. start: nullptr, or the network of Recipe::start.
  Leaves(const Recipe& recipe, const Graph& graph, const std::vector<Step>& steps, Tensors& weights,
         const Network* start)
      : recipe_(recipe), graph_(graph), steps_(steps), weights_(weights), start_(start) {}

  // New leaves for step `step`, and their values in the weights: from the recipe's seed (He for convolutions,
  // 1/sqrt(inputs) for linear layers), from the group before (Begin::kPrevious), or from `start` where it has them.
  void make(int64_t step);
  // The same leaves with the values that the weights have, and these momenta by name.
  void restore(int64_t step, const Tensors& momenta);
  void clear() { leaves_.clear(); }

  std::vector<Leaf>& all() { return leaves_; }
  void copy_to_weights();
  // Multiplies what the new groups say, in the weights.
  void scale_answer(double factor);
  // Names of the tensors that the step changes, statistics included (the answer's weight as a whole).
  std::vector<std::string> trained_names() const;

 private:
  void allocate();
  void random(const SubNode& sub, torch::Tensor& w) const;
  void copy_previous(const SubNode& sub, torch::Tensor& w) const;
  void copy_start(const SubNode& sub, torch::Tensor& w) const;
  const Node& node_of(const SubNode& sub) const { return graph_.nodes[static_cast<std::size_t>(sub.node)]; }
  const Step& step() const { return steps_[static_cast<std::size_t>(step_)]; }
  bool is_answer(const SubNode& sub) const { return sub.node == step().answer; }

  const Recipe& recipe_;
  const Graph& graph_;
  const std::vector<Step>& steps_;
  Tensors& weights_;
  const Network* start_;
  int64_t step_ = 0;
  std::vector<Leaf> leaves_;
};

}  // namespace limber::train
