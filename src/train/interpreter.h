// SPDX-License-Identifier: Apache-2.0
// Runs a graph with libtorch's operators, for training and as an oracle. Includes torch: for trainer.cc alone. Layer:
// train.
#pragma once
#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "train/steps.h"

namespace limber::train {

using Tensors = std::map<std::string, torch::Tensor>;

// Where normalisation takes its means and variances from.
enum class Statistics {
  kStored,   // the weights
  kTracked,  // the batch, for fresh nodes, and the stored ones follow (libtorch's momentum of 0.1); others: stored
  kBatch,    // the batch
  kMeasured  // the batch, and the stored ones become the mean over all batches so far (Interpreter::measured)
};

// One pass over one batch. Nodes are computed when they are asked for, so frozen nodes that nobody needs cost nothing.
class Interpreter {
 public:
  // weights: whole tensors, fp32. leaves: what is trained now, by name (of the answer's weight: only the new columns).
  // alone: fresh nodes do not read frozen ones if they also read fresh ones.
  Interpreter(const Graph& graph, const Step& step, Tensors& weights, const Tensors& leaves, Statistics statistics,
              bool bf16, bool alone = false);

  void start(torch::Tensor image);  // [n][channels][height][width]
  int64_t measured = 0;             // batches before this one (Statistics::kMeasured)
  torch::Tensor own();              // logits of what this step adds, [n][classes]
  torch::Tensor frozen();           // logits of what was there before, without gradient; undefined in the first step

  // The ranges that node `sub` reads when it is trained alone.
  static std::vector<Range> ranges_alone(const Step& step, const SubNode& sub);

 private:
  torch::Tensor value(int node);
  torch::Tensor compute(const SubNode& sub);
  torch::Tensor read(const SubNode& sub, const std::vector<Range>& ranges);
  torch::Tensor kernel(const SubNode& sub, const Node& node, torch::Tensor w);
  torch::Tensor convolve(const SubNode& sub, const Node& node);
  torch::Tensor linear(const SubNode& sub, const Node& node, const std::vector<Range>& ranges, bool with_bias);
  torch::Tensor normalise(const SubNode& sub, const Norm& norm, torch::Tensor x);
  torch::Tensor weight(const std::string& name);
  const Node& node_at(int index) const { return graph_.nodes[static_cast<std::size_t>(index)]; }

  const Graph& graph_;
  const Step& step_;
  Tensors& weights_;
  const Tensors& leaves_;
  Statistics statistics_;
  bool bf16_, alone_;
  std::vector<torch::Tensor> values_;
};

}  // namespace limber::train
