// SPDX-License-Identifier: Apache-2.0
#include "network/graph.h"

namespace limber {

const char* op_name(Op op) {
  switch (op) {
    case Op::kInput:
      return "input";
    case Op::kConv2d:
      return "conv2d";
    case Op::kLinear:
      return "linear";
    case Op::kActivation:
      return "activation";
    case Op::kAdd:
      return "add";
    case Op::kMultiply:
      return "multiply";
    case Op::kConcat:
      return "concat";
    case Op::kMaxPool:
      return "max_pool";
    case Op::kAveragePool:
      return "average_pool";
    case Op::kGlobalAveragePool:
      return "global_average_pool";
    case Op::kSoftmax:
      return "softmax";
    case Op::kAttention:
      return "attention";
  }
  return "unknown";
}

const char* activation_name(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return "none";
    case Activation::kRelu:
      return "relu";
    case Activation::kHardSwish:
      return "hard_swish";
    case Activation::kHardSigmoid:
      return "hard_sigmoid";
    case Activation::kRelu6:
      return "relu6";
  }
  return "unknown";
}

const char* dtype_name(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "F32";
    case DType::kF16:
      return "F16";
    case DType::kI8:
      return "I8";
  }
  return "unknown";
}

}  // namespace limber
