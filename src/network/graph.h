// SPDX-License-Identifier: Apache-2.0
// The graph: every architecture as data. Layer: network.
//
// Goals: one description for all systems (channel groups with exits, OFA blocks, Fluid's offset slices, decoder steps);
// adding an architecture made of known operators needs no C++; a stranger can check every number in it.
// Non-goals: control flow; training-only operators; being a general exchange format (that is ONNX).
// Rejected: ONNX as the native form (no design space, no slices, no exits), one C++ class per architecture.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "network/design_space.h"

namespace limber {

enum class Op : uint8_t {
  kInput,   // an image or sequence: channels, height, width
  kConv2d,  // groups = 1: dense; groups = channels: depthwise; else grouped. Fused norm, activation, residual
  kLinear,  // a 1x1 convolution on 1x1 pixels, or on `height` rows (a sequence: height x 1 pixels)
  kActivation,
  kAdd,
  kMultiply,  // input 0 times input 1; input 1 may be 1x1 pixels (squeeze-excite)
  kConcat,    // along channels: placement, not copying
  kMaxPool,
  kAveragePool,
  kGlobalAveragePool,
  kSoftmax,    // over channels
  kAttention,  // softmax(q k' / sqrt(d)) v over state that grows: inputs q, k, v; see Node::state
};

enum class Activation : uint8_t { kNone, kRelu, kHardSwish, kHardSigmoid, kRelu6 };

// As in graph JSON and in messages: "conv2d", "global_average_pool"; "none", "relu", "hard_swish", "hard_sigmoid",
// "relu6".
const char* op_name(Op op);
const char* activation_name(Activation activation);

enum class DType { kF32, kF16, kI8 };
const char* dtype_name(DType dtype);  // "F32", "F16", "I8"

// How a node's output is stored. real = scale * (stored - zero_point); fp32 ignores both.
struct Edge {
  DType dtype = DType::kF32;  // kF32 is the only one that this version computes in
  float scale = 1;
  int32_t zero_point = 0;
};

// What a consumer of a node reads when the node is not part of the chosen sub-network.
enum class WhenAbsent {
  kDrop,    // the range is left out (a channel group)
  kBypass,  // the consumer reads this node's first input instead (a layer beyond the chosen depth)
};

// One range of input channels. A node reads its inputs in the order listed, as if they were concatenated; that order is
// the order of accumulation.
struct Input {
  int node = -1;           // index into Graph::nodes, smaller than the reader's own index
  Extent from = 0;         // first channel of the producer that is read
  Extent count = -1;       // channels read; -1: all from `from` on
  Extent weight_from = 0;  // where these channels start in the weight tensor's input axis (K of the super-network)
};

// Batch normalisation with stored statistics; folded into scale and bias when a member is built.
struct Norm {
  std::string weight, bias, mean, variance;  // names of tensors [channels of the super-network]
  float epsilon = 1e-5f;
};

// OFA: the kernel of size `to` is the centre crop of the one of size `from` times `matrix` [to*to, to*to]:
// result[i] = sum over j of matrix[i][j] * crop[j], as PyTorch's linear() computes it; one matrix for all channels.
struct KernelTransform {
  int64_t from = 0, to = 0;
  std::string matrix;
};

struct Presence {
  int dimension = -1;            // -1: always present
  std::vector<int64_t> choices;  // present when the choice of `dimension` is one of these
};

// Key/value cache of an attention node: rows appended by each step, kept outside the arena, `rows.maximum` long.
struct State {
  int symbol = -1;  // the run-time symbol that counts the rows before this step
};

struct Node {
  std::string name;  // unique
  Op op = Op::kInput;
  std::vector<Input> inputs;
  std::vector<Presence> when;  // all must hold
  WhenAbsent when_absent = WhenAbsent::kDrop;

  Extent channels = 0;  // of the output. Conv2d, linear, input: given; other operators: 0 = as the inputs say
  Extent channels_from =
      0;              // conv2d, linear: first output channel in the weight tensor's output axis (Fluid's upper half)
  Extent kernel = 1;  // conv2d and pools: square kernel
  Extent height = 0, width = 0;               // kInput only
  int64_t stride = 1, padding = 0;            // padding -1: kernel / 2
  Extent groups = 1;                          // conv2d: with g groups each reads (input channels / g)
  bool depthwise = false;                     // conv2d: groups = channels, whatever these are
  Activation activation = Activation::kNone;  // applied last: after the norm and after the residual
  int residual = -1;         // conv2d, linear: a node whose output is added before the activation; -1: none
  std::string weight, bias;  // weight [N][K/groups][kh][kw] or [N][K]; bias [N], may be empty
  std::optional<Norm> norm;
  std::vector<KernelTransform> transforms;
  int64_t heads = 1;           // kAttention
  std::optional<State> state;  // kAttention
  Edge edge;                   // of the output
  int exit = 0;                // n > 0: this node's output is a valid answer, the n-th exit in order
};

// Nodes are in a topological order. check() in network/check.h verifies everything that is said here. The last node of
// the chosen sub-network is its answer.
struct Graph {
  std::string name;
  DesignSpace space;
  std::vector<Symbol> symbols;
  std::vector<Node> nodes;
};

}  // namespace limber
