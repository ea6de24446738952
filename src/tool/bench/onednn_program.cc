// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/onednn_program.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "formats/folded_conv.h"
#include "network/sub_network.h"
#include "tool/bench/onednn_buffers.h"

namespace limber::tool {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using Dims = memory::dims;
using Tag = memory::format_tag;

constexpr auto kF32 = memory::data_type::f32;
constexpr auto kInference = dnnl::prop_kind::forward_inference;

void append(dnnl::post_ops& operations, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return;
    case Activation::kRelu:
      return operations.append_eltwise(1, algorithm::eltwise_relu, 0, 0);
    case Activation::kRelu6:
      return operations.append_eltwise(1, algorithm::eltwise_clip, 0, 6);
    case Activation::kHardSwish:
      return operations.append_eltwise(1, algorithm::eltwise_hardswish, 0, 0);
    case Activation::kHardSigmoid:  // oneDNN 2.6 has it in two steps only
      operations.append_eltwise(1, algorithm::eltwise_linear, 1.0f / 6, 0.5f);
      return operations.append_eltwise(1, algorithm::eltwise_clip, 0, 1);
  }
}

dnnl::primitive_attr attributes(Activation activation, bool residual = false) {
  dnnl::post_ops operations;
  if (residual) operations.append_sum(1);
  append(operations, activation);
  dnnl::primitive_attr result;
  result.set_post_ops(operations);
  return result;
}

class Builder {
 public:
  Builder(const Network& network, const Member& member, OneDnnLayout layout)
      : network_(network),
        member_(member),
        layout_(layout),
        sub_(resolve(network.graph, member.choice)),
        buffers_(program_.engine = dnnl::engine(dnnl::engine::kind::cpu, 0)) {
    program_.stream = dnnl::stream(program_.engine);
    values_.resize(network.graph.nodes.size());
    uses_.resize(network.graph.nodes.size());
    for (const SubNode& part : sub_.nodes) {
      for (const Range& range : part.inputs) ++use(range.node);
      if (part.residual >= 0) ++use(part.residual);
    }
    ++use(sub_.answer().node);
  }

  OneDnnProgram build() {
    for (const SubNode& part : sub_.nodes) {
      if (part.height.symbol >= 0) refuse(part, "its height is a run-time symbol");
      value(part.node) = make(part);
      for (const Range& range : part.inputs) done_with(range.node);
      for (const memory& extra : extra_) buffers_.release(extra);
      extra_.clear();
    }
    const SubNode& answer = sub_.answer();
    program_.output = buffers_.make({dims_of(answer), kF32, Tag::nchw});
    reorder(value(answer.node), program_.output);
    program_.buffers = buffers_.finish();
    return std::move(program_);
  }

 private:
  const Node& node(const SubNode& part) const { return network_.graph.nodes[static_cast<std::size_t>(part.node)]; }
  int& use(int node) { return uses_[static_cast<std::size_t>(node)]; }
  memory& value(int node) { return values_[static_cast<std::size_t>(node)]; }
  [[noreturn]] void refuse(const SubNode& part, const char* why) const {
    fail(ErrorCode::kUnsupported, "oneDNN: node '{}': {}", node(part).name, why);
  }
  static Dims dims_of(const SubNode& part) { return {1, part.channels, part.height.constant, part.width}; }
  memory::desc shape(const Dims& dims) const {
    return {dims, kF32, layout_ == OneDnnLayout::kAny ? Tag::any : Tag::nChw16c};
  }
  // The shape of an output that its primitive cannot choose.
  static memory::desc fixed(const Dims& dims) { return {dims, kF32, Tag::nChw16c}; }

  void done_with(int node) {
    if (--use(node) == 0 && node != input_) buffers_.release(value(node));
  }
  void call(dnnl::primitive primitive, std::unordered_map<int, memory> arguments) {
    program_.calls.push_back({std::move(primitive), std::move(arguments)});
  }
  void reorder(const memory& from, const memory& to) {
    call(dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  }
  memory as(const memory& from, const memory::desc& wanted) {
    if (from.get_desc() == wanted) return from;
    const memory to = extra_.emplace_back(buffers_.make(wanted));
    reorder(from, to);
    return to;
  }
  // Bytes of the program's own, laid out for a primitive once.
  memory constant(const std::vector<float>& values, const Dims& dims, Tag tag, const memory::desc& wanted) {
    memory plain({dims, kF32, tag}, program_.engine, const_cast<float*>(values.data()));
    memory packed(wanted, program_.engine);
    dnnl::reorder(plain, packed).execute(program_.stream, plain, packed);
    program_.stream.wait();
    return packed;
  }

  // All input channels in one memory.
  memory gather(const SubNode& part) {
    std::vector<memory> pieces;
    std::vector<memory::desc> shapes;
    for (const Range& range : part.inputs) {
      if (range.from != 0 || range.count != value(range.node).get_desc().dims()[1])
        refuse(part, "it reads a part of a producer's channels");
      pieces.push_back(value(range.node));
      shapes.push_back(pieces.back().get_desc());
    }
    if (pieces.size() == 1) return pieces[0];
    return extra_.emplace_back(join(pieces, shapes));
  }
  memory join(const std::vector<memory>& pieces, const std::vector<memory::desc>& shapes) {
    const dnnl::concat::primitive_desc what(1, shapes, program_.engine);
    const memory all = buffers_.make(what.dst_desc());
    std::unordered_map<int, memory> arguments = {{DNNL_ARG_DST, all}};
    for (std::size_t i = 0; i < pieces.size(); ++i) arguments[DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i)] = pieces[i];
    call(dnnl::concat(what), std::move(arguments));
    return all;
  }

  memory make(const SubNode& part) {
    switch (node(part).op) {
      case Op::kInput:
        return image(part);
      case Op::kConv2d:
      case Op::kLinear:
        return convolution(part);
      case Op::kActivation:
        return pointwise(part, node(part).activation);
      case Op::kAdd:
        return binary(part, algorithm::binary_add);
      case Op::kMultiply:
        return binary(part, algorithm::binary_mul);
      case Op::kConcat:
        return as_value(gather(part));
      case Op::kMaxPool:
        return pool(part, algorithm::pooling_max);
      case Op::kAveragePool:
        return pool(part, algorithm::pooling_avg_include_padding);
      case Op::kGlobalAveragePool:
        return pool(part, algorithm::pooling_avg_exclude_padding);
      case Op::kSoftmax:
        return softmax(part);
      case Op::kAttention:
        break;
    }
    refuse(part, "oneDNN has no such operator");
  }

  // A memory that was made for this node alone stays; another node's is copied.
  memory as_value(const memory& from) {
    const auto own = std::ranges::find_if(extra_, [&](const memory& one) { return one.get() == from.get(); });
    if (own != extra_.end()) {
      extra_.erase(own);
      return from;
    }
    const memory copy = buffers_.make(from.get_desc());
    reorder(from, copy);
    return copy;
  }

  memory image(const SubNode& part) {
    input_ = part.node;
    return program_.input = buffers_.make({dims_of(part), kF32, Tag::nchw});
  }

  memory convolution(const SubNode& part) {
    const FoldedConv folded = fold_conv(network_, member_, part);
    const memory from = gather(part);
    const Dims source = from.get_desc().dims();
    const int64_t groups = part.groups, k = folded.kernel, stride = node(part).stride, padding = part.padding;
    const Dims weight_dims = groups > 1 ? Dims{groups, folded.outputs / groups, folded.inputs, k, k}
                                        : Dims{folded.outputs, folded.inputs, k, k};
    const bool plain = part.inputs[0].node == input_ || layout_ == OneDnnLayout::kBlocked16;
    const memory::desc source_shape = plain ? from.get_desc() : memory::desc(source, kF32, Tag::any);
    const dnnl::convolution_forward::desc what(kInference, algorithm::convolution_direct, source_shape,
                                               {weight_dims, kF32, Tag::any}, {{folded.outputs}, kF32, Tag::x},
                                               shape(dims_of(part)), {stride, stride}, {padding, padding},
                                               {padding, padding});
    const dnnl::convolution_forward::primitive_desc how(what, attributes(node(part).activation, part.residual >= 0),
                                                        program_.engine);
    const memory weights =
        constant(folded.weight, weight_dims, groups > 1 ? Tag::goihw : Tag::oihw, how.weights_desc());
    const memory bias = constant(folded.bias, {folded.outputs}, Tag::x, how.bias_desc());
    const memory read = as(from, how.src_desc());
    const memory to = part.residual >= 0 ? onto(part.residual, how.dst_desc()) : buffers_.make(how.dst_desc());
    call(dnnl::convolution_forward(how),
         {{DNNL_ARG_SRC, read}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_BIAS, bias}, {DNNL_ARG_DST, to}});
    return to;
  }

  // Where a convolution adds itself to the residual: the residual itself if nobody else reads it, else a copy.
  memory onto(int residual, const memory::desc& wanted) {
    const memory from = value(residual);
    if (use(residual) == 1 && residual != input_ && from.get_desc() == wanted) {
      --use(residual);
      return from;
    }
    const memory copy = buffers_.make(wanted);
    reorder(from, copy);
    done_with(residual);
    return copy;
  }

  memory pointwise(const SubNode& part, Activation activation) {
    const memory from = gather(part);
    const dnnl::eltwise_forward::desc what(kInference, algorithm::eltwise_linear, from.get_desc(), 1, 0);
    const dnnl::eltwise_forward::primitive_desc how(what, attributes(activation), program_.engine);
    const memory to = buffers_.make(how.dst_desc());
    call(dnnl::eltwise_forward(how), {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
    return to;
  }

  // Inputs one after another; some may be absent in this member.
  memory binary(const SubNode& part, algorithm which) {
    for (const Range& range : part.inputs) {
      if (range.from != 0 || range.count != value(range.node).get_desc().dims()[1])
        refuse(part, "it reads a part of a producer's channels");
    }
    if (part.inputs.size() == 1) return pointwise(part, node(part).activation);
    memory sum = value(part.inputs[0].node);
    for (std::size_t i = 1; i < part.inputs.size(); ++i) {
      const memory other = value(part.inputs[i].node);
      const bool last = i + 1 == part.inputs.size();
      const dnnl::binary::desc what(which, sum.get_desc(), other.get_desc(), sum.get_desc());
      const dnnl::binary::primitive_desc how(what, attributes(last ? node(part).activation : Activation::kNone),
                                             program_.engine);
      const memory to = buffers_.make(how.dst_desc());
      call(dnnl::binary(how), {{DNNL_ARG_SRC_0, sum}, {DNNL_ARG_SRC_1, other}, {DNNL_ARG_DST, to}});
      if (!last) extra_.push_back(to);
      sum = to;
    }
    return sum;
  }

  memory pool(const SubNode& part, algorithm which) {
    const memory from = as(gather(part), fixed(gather_dims(part)));
    const Dims source = from.get_desc().dims();
    const bool global = node(part).op == Op::kGlobalAveragePool;
    const Dims kernel = global ? Dims{source[2], source[3]} : Dims{part.kernel, part.kernel};
    const int64_t step = global ? 1 : node(part).stride, padding = global ? 0 : part.padding;
    const dnnl::pooling_forward::desc what(kInference, which, from.get_desc(), fixed(dims_of(part)), {step, step},
                                           kernel, {padding, padding}, {padding, padding});
    const dnnl::pooling_forward::primitive_desc how(what, attributes(node(part).activation), program_.engine);
    const memory to = buffers_.make(how.dst_desc());
    call(dnnl::pooling_forward(how), {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
    return to;
  }
  Dims gather_dims(const SubNode& part) {
    Dims dims = value(part.inputs[0].node).get_desc().dims();
    dims[1] = part.input_channels();
    return dims;
  }

  memory softmax(const SubNode& part) {
    const memory from = gather(part);
    const dnnl::softmax_forward::desc what(kInference, from.get_desc(), 1);
    const dnnl::softmax_forward::primitive_desc how(what, program_.engine);
    const memory to = buffers_.make(how.dst_desc());
    call(dnnl::softmax_forward(how), {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
    return to;
  }

  const Network& network_;
  const Member& member_;
  const OneDnnLayout layout_;
  const SubNetwork sub_;
  OneDnnProgram program_;
  OneDnnBuffers buffers_;
  std::vector<memory> values_;  // of each node that was made
  std::vector<int> uses_;       // readers to come
  std::vector<memory> extra_;   // made for the node at hand only
  int input_ = -1;
};

}  // namespace

OneDnnProgram build_onednn(const Network& network, const Member& member, OneDnnLayout layout) {
  try {
    return Builder(network, member, layout).build();
  } catch (const dnnl::error& error) {
    fail(ErrorCode::kUnsupported, "oneDNN: {}", error.what());
  }
}

}  // namespace limber::tool
