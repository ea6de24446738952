// SPDX-License-Identifier: Apache-2.0
// The steps of each operator: how PlanBuilder turns a value into kernel calls.
#include <algorithm>

#include "base/error.h"
#include "network/plan_builder.h"

namespace limber {
namespace {

PlanRange range_of(int tensor, int64_t plane, int64_t channels, int64_t weight_from) {
  return {tensor, static_cast<int32_t>(plane), static_cast<int32_t>(channels), static_cast<int32_t>(weight_from)};
}

}  // namespace

void PlanBuilder::emit_input(int value, std::size_t segment) {
  Draft step = start_step(value);
  step.op = Op::kInput;
  step.output = tensors_.at({value, segment});
  step.clear_halo = true;
  drafts_.push_back(step);
}

void PlanBuilder::emit_weighted(int value) {
  const PlanValue& v = values_[value];
  const SubNode& part = *v.part;
  const Node& node = values_.node_of(v);
  const Blocks blocks = values_.blocks_of(value);
  const std::size_t index = packed_->at({part.node, part.kernel});
  const PackedTensor& packed = weights_.tensor(index);
  const int64_t panel = packed.taps() * packed.k * 16;
  const FoldedNorms::Pair folded = norms_.get(node, values_.norm_of(v), part, blocks);
  const std::vector<Range> inputs =
      values_.flat({v.inputs.begin() + static_cast<std::ptrdiff_t>(v.done), v.inputs.end()});

  // One step for each block of output channels that read the same inputs: one for most dense convolutions, one per
  // group, one per range of a depthwise one.
  struct Share {
    int64_t in = 0, in_count = 0, out = 0, out_count = 0;
  };
  std::vector<Share> shares;
  const auto add_shares = [&](int64_t in, int64_t in_count, int64_t out, int64_t out_count) {
    for (const Piece& piece : pieces(blocks, out, out_count)) {
      shares.push_back({node.depthwise ? in + piece.from : in, node.depthwise ? piece.channels : in_count,
                        out + piece.from, piece.channels});
    }
  };
  int64_t channels = 0;
  for (const Range& range : inputs) {
    if (node.depthwise) add_shares(channels, range.count, channels, range.count);
    channels += range.count;
  }
  if (!node.depthwise) {
    const int64_t in = channels / part.groups, out = part.channels / part.groups;
    for (int64_t group = 0; group < part.groups; ++group) add_shares(group * in, in, group * out, out);
  }
  int partial_out = -1;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const Share& share = shares[i];
    Draft step = start_step(value);
    step.tap_stride = packed.k * 16;
    step.output_plane = blocks.plane_of(share.out);
    step.channels = share.out_count;
    step.scale = folded.scale + step.output_plane * 16;
    step.bias = folded.bias + step.output_plane * 16;
    step.half_weights = packed.half;
    step.weights =
        weights_.data(index) + packed.blocks.plane_of(part.channels_from + share.out) * panel * packed.value_bytes();
    step.macs = part.macs * share.out_count / part.channels;
    int64_t at = 0;
    for (const Range& range : inputs) {
      const int64_t begin = std::max(at, share.in), end = std::min(at + range.count, share.in + share.in_count);
      const int64_t from = range.from + begin - at;
      const int64_t weight_from = part.groups > 1 ? begin - share.in : range.weight_from;
      at += range.count;
      if (begin >= end) continue;
      const int tensor = tensor_of(range.node, segment_);
      for (const Piece& piece : pieces(*plan_.tensors[static_cast<std::size_t>(tensor)].blocks, from, end - begin)) {
        step.inputs.push_back(
            range_of(tensor, piece.plane, piece.channels, node.depthwise ? 0 : weight_from + piece.from));
      }
    }
    if (v.residual >= 0) {
      step.residual = tensor_of(v.residual, segment_);
      if (node.depthwise) std::swap(step.activation, step.residual_activation);
    }
    step.output = tensor_of(value, segment_);
    if (v.continues >= 0) step.partial_in = partials_.at(v.continues);
    if (v.continued) {
      if (partial_out < 0) {
        PlanTensor partial = plan_.tensors[static_cast<std::size_t>(step.output)];
        plan_.tensors.push_back(partial);
        partial_out = static_cast<int>(plan_.tensors.size()) - 1;
        partials_[value] = partial_out;
      }
      step.partial_out = partial_out;
    }
    step.clear_halo = i == 0;
    step.complete = i + 1 == shares.size();
    drafts_.push_back(std::move(step));
  }
}

// Pools, activations and copies work on each input's planes by themselves, so do the blocks of an addition.
void PlanBuilder::emit_blocks(int value, const std::vector<Range>& operands, int64_t at, bool first, bool last) {
  const std::vector<Piece> blocks = pieces(values_.blocks_of(value), at, operands.front().count);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    Draft step = start_step(value);
    for (const Range& range : operands) {
      const int tensor = range.node < 0 ? tensor_of(value, segment_) : tensor_of(range.node, segment_);
      const Blocks& own = *plan_.tensors[static_cast<std::size_t>(tensor)].blocks;
      step.inputs.push_back(range_of(tensor, own.plane_of(range.from + blocks[i].from), blocks[i].channels, 0));
    }
    step.output = tensor_of(value, segment_);
    step.output_plane = blocks[i].plane;
    step.channels = blocks[i].channels;
    step.clear_halo = first && i == 0;
    step.complete = last && i + 1 == blocks.size();
    drafts_.push_back(std::move(step));
  }
}

void PlanBuilder::emit_per_range(int value) {
  const std::vector<Range> inputs = values_.flat(values_[value].inputs);
  int64_t at = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    emit_blocks(value, {inputs[i]}, at, i == 0, i + 1 == inputs.size());
    at += inputs[i].count;
  }
}

void PlanBuilder::emit_add(int value) {
  const PlanValue& v = values_[value];
  const std::size_t before = drafts_.size();
  if (v.inputs.size() == 1) {  // the others are absent
    emit_blocks(value, v.inputs, 0, true, true);
    for (std::size_t i = before; i < drafts_.size(); ++i) {
      if (drafts_[i].op == Op::kAdd) drafts_[i].op = Op::kActivation;
    }
    return;
  }
  for (std::size_t i = 1; i < v.inputs.size(); ++i) {  // left to right, two at a time; the activation comes last
    const std::size_t from = drafts_.size();
    const bool last = i + 1 == v.inputs.size();
    const Range sum{-1, 0, v.part->channels, 0};  // what is there already
    emit_blocks(value, {i == 1 ? v.inputs[0] : sum, v.inputs[i]}, 0, i == 1, last);
    for (std::size_t s = from; s < drafts_.size() && !last; ++s) {
      if (drafts_[s].op == Op::kAdd) drafts_[s].activation = Activation::kNone;
    }
  }
}

void PlanBuilder::emit_multiply(int value) {
  const PlanValue& v = values_[value];
  const SubNode& b = *values_[v.inputs[1].node].part;
  const std::size_t from = drafts_.size();
  emit_blocks(value, v.inputs, 0, true, true);
  const bool pixel =
      b.height == Resolved{1, 0, -1} && b.width == 1 && !(v.part->height == b.height && v.part->width == 1);
  for (std::size_t s = from; s < drafts_.size(); ++s) drafts_[s].b_is_pixel = pixel;
}

// One call for all heads where these are whole planes, else one for each.
void PlanBuilder::emit_attention(int value) {
  const PlanValue& v = values_[value];
  const Node& node = values_.node_of(v);
  const Blocks blocks = values_.blocks_of(value);
  const int64_t size = v.part->channels / node.heads;
  const bool whole = size % 16 == 0 || node.heads == 1;
  if (pieces(blocks, 0, v.part->channels).size() != static_cast<std::size_t>(whole ? 1 : node.heads)) {
    fail(ErrorCode::kUnsupported, "node '{}': its heads are sliced at channels other than their own borders",
         node.name);
  }
  const SubNode& key = *values_[v.inputs[1].node].part;
  const int64_t calls = whole ? 1 : node.heads;
  for (int64_t call = 0; call < calls; ++call) {
    Draft step = start_step(value);
    PlanAttention attention;
    attention.heads = static_cast<int32_t>(whole ? node.heads : 1);
    step.channels = whole ? v.part->channels : size;
    step.macs = v.part->macs / calls;
    for (const Range& range : v.inputs) {
      const int tensor = tensor_of(range.node, segment_);
      const Blocks& own = *plan_.tensors[static_cast<std::size_t>(tensor)].blocks;
      step.inputs.push_back(range_of(tensor, own.plane_of(range.from + call * size), step.channels, 0));
    }
    step.output = tensor_of(value, segment_);
    step.output_plane = blocks.plane_of(call * size);
    attention.state_rows = static_cast<int32_t>(largest(key.height));
    if (node.state) {
      attention.state_symbol = node.state->symbol;
      attention.state_rows +=
          static_cast<int32_t>(graph_.symbols[static_cast<std::size_t>(node.state->symbol)].maximum);
      attention.state_offset = plan_.state;
      plan_.state += 2 * ((step.channels + 15) / 16) * attention.state_rows * 16;
    }
    plan_.scores = std::max(plan_.scores, attention.heads * largest(v.part->height) * attention.state_rows);
    if (plan_.attentions.size() == static_cast<std::size_t>(INT16_MAX))
      fail(ErrorCode::kUnsupported, "graph '{}': more than {} attention steps", graph_.name, INT16_MAX);
    step.attention = static_cast<int16_t>(plan_.attentions.size());
    plan_.attentions.push_back(attention);
    step.clear_halo = call == 0;
    step.complete = call + 1 == calls;
    drafts_.push_back(std::move(step));
  }
}

void PlanBuilder::emit_softmax(int value) {
  const std::size_t from = drafts_.size();
  emit_blocks(value, {values_[value].inputs.front()}, 0, true, true);
  std::size_t calls = 0;
  for (std::size_t s = from; s < drafts_.size(); ++s) calls += drafts_[s].op == Op::kSoftmax;
  if (calls != 1 || values_[value].inputs.size() != 1) {
    fail(ErrorCode::kUnsupported,
         "node '{}': softmax over channels that are sliced or concatenated inside a plane of 16",
         values_.node_of(values_[value]).name);
  }
}

void PlanBuilder::emit(int value) {
  if (!values_.materialised(value)) return;
  switch (values_.node_of(values_[value]).op) {
    case Op::kInput:
      return;  // made for the first step that reads it
    case Op::kConv2d:
    case Op::kLinear:
      return emit_weighted(value);
    case Op::kAdd:
      return emit_add(value);
    case Op::kMultiply:
      return emit_multiply(value);
    case Op::kSoftmax:
      return emit_softmax(value);
    case Op::kAttention:
      return emit_attention(value);
    default:
      return emit_per_range(value);
  }
}

}  // namespace limber
