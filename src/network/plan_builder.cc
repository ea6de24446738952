// SPDX-License-Identifier: Apache-2.0
#include "network/plan_builder.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace limber {
namespace {

PlanRange range_of(int tensor, int64_t plane, int64_t channels, int64_t weight_from) {
  return {tensor, static_cast<int32_t>(plane), static_cast<int32_t>(channels), static_cast<int32_t>(weight_from)};
}

}  // namespace

int64_t Plan::bytes() const {
  return static_cast<int64_t>(sizeof(Plan) + segments.size() * sizeof(Segment) + tensors.size() * sizeof(PlanTensor) +
                              steps.size() * sizeof(Step) + inputs.size() * sizeof(PlanRange));
}

const Blocks* FoldedNorms::share(const Blocks& blocks) {
  const auto [found, added] = blocks_.try_emplace({blocks.starts, blocks.channels}, blocks);
  if (added) bytes_ += static_cast<int64_t>(2 * (sizeof blocks + blocks.starts.size() * sizeof(int64_t)));
  return &found->second;
}

FoldedNorms::Pair FoldedNorms::get(const Node& node, const Norm* norm, const SubNode& part, const Blocks& blocks) {
  std::string key =
      fmt::format("{} {} {}|{}", part.channels_from, part.channels, fmt::join(blocks.starts, ","), node.bias);
  if (norm != nullptr)
    key += fmt::format("|{}|{}|{}|{}|{}", norm->weight, norm->bias, norm->mean, norm->variance, norm->epsilon);
  const auto known = known_.find(key);
  if (known != known_.end()) return known->second;
  const auto planes = static_cast<std::size_t>(blocks.planes());
  AlignedBuffer& memory = memory_.emplace_back(planes * 2 * 16 * sizeof(float));
  bytes_ += static_cast<int64_t>(memory.size());
  float* const scale = memory.floats();
  float* const bias = scale + planes * 16;
  const auto slice = [&](const std::string& name) {  // the super-network's channels, or just this member's
    std::vector<float> all = weights_.values(name);
    const bool own = static_cast<int64_t>(all.size()) == part.channels && part.channels_from == 0;
    const bool whole = static_cast<int64_t>(all.size()) >= part.channels_from + part.channels;
    if (!own && whole) all.erase(all.begin(), all.begin() + part.channels_from);
    return all;
  };
  std::vector<float> own_bias, weight, shift, mean, variance;
  if (!node.bias.empty()) own_bias = slice(node.bias);
  if (norm != nullptr) {
    weight = slice(norm->weight);
    shift = slice(norm->bias);
    mean = slice(norm->mean);
    variance = slice(norm->variance);
  }
  for (int64_t channel = 0; channel < part.channels; ++channel) {
    const auto c = static_cast<std::size_t>(channel);
    double s = 1, b = own_bias.empty() ? 0.0 : static_cast<double>(own_bias[c]);
    if (norm != nullptr) {
      s = static_cast<double>(weight[c]) /
          std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(norm->epsilon));
      b = (b - static_cast<double>(mean[c])) * s + static_cast<double>(shift[c]);
    }
    scale[blocks.lane_of(channel)] = static_cast<float>(s);
    bias[blocks.lane_of(channel)] = static_cast<float>(b);
  }
  return known_.emplace(key, Pair{scale, bias}).first->second;
}

Blocks PlanBuilder::blocks_of(int value) const {
  const PlanValue& v = values_[static_cast<std::size_t>(value)];
  return blocks_.of_node(v.member, v.part->node);
}

int64_t PlanBuilder::largest(const Resolved& rows) const {
  return rows.symbol < 0 ? rows.constant : rows.at(graph_.symbols[static_cast<std::size_t>(rows.symbol)].maximum);
}

// The value if it is known already; else remembers it, as a continuation where one is possible.
int PlanBuilder::find_value(PlanValue& value) {
  const auto same_but_inputs = [&](const PlanValue& other) {
    const SubNode &a = *other.part, &b = *value.part;
    return a.node == b.node && a.channels == b.channels && a.channels_from == b.channels_from && a.kernel == b.kernel &&
           a.groups == b.groups && a.height == b.height && a.width == b.width && other.residual == value.residual &&
           blocks_.of_node(other.member, a.node).starts == blocks_.of_node(value.member, b.node).starts;
  };
  const auto norm_of = [&](const PlanValue& v) -> const Norm* {
    for (const auto& [name, norm] : network_.family[v.family].norms) {
      if (name == node_of(v).name) return &norm;
    }
    return node_of(v).norm ? &*node_of(v).norm : nullptr;
  };
  const auto same_norm = [&](const PlanValue& other) {
    const Norm *a = norm_of(other), *b = norm_of(value);
    if (a == nullptr || b == nullptr) return a == b;
    return a->weight == b->weight && a->bias == b->bias && a->mean == b->mean && a->variance == b->variance &&
           a->epsilon == b->epsilon;
  };
  const Op op = node_of(value).op;
  const bool can_continue =
      (op == Op::kConv2d || op == Op::kLinear) && !node_of(value).depthwise && value.part->groups == 1;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const PlanValue& other = values_[i];
    if (!same_but_inputs(other)) continue;
    if (other.inputs == value.inputs && same_norm(other)) return static_cast<int>(i);
    // Scale and bias come after the sums, so these may differ.
    const bool prefix = other.inputs.size() < value.inputs.size() &&
                        std::equal(other.inputs.begin(), other.inputs.end(), value.inputs.begin());
    if (can_continue && prefix && other.inputs.size() > value.done) {
      value.continues = static_cast<int>(i);
      value.done = other.inputs.size();
    }
  }
  if (value.continues >= 0) values_[static_cast<std::size_t>(value.continues)].continued = true;
  values_.push_back(value);
  return static_cast<int>(values_.size()) - 1;
}

void PlanBuilder::number_values(const std::vector<PlanTarget>& targets) {
  for (std::size_t segment = 0; segment < targets.size(); ++segment) {
    const PlanTarget& target = targets[segment];
    std::vector<int> value_of(graph_.nodes.size(), -1);
    for (const SubNode& part : target.sub->nodes) {
      PlanValue value;
      value.part = &part;
      value.member = target.member;
      value.family = target.family;
      value.segment = segment;
      for (Range range : part.inputs) {
        range.node = value_of[static_cast<std::size_t>(range.node)];
        value.inputs.push_back(range);
      }
      if (part.residual >= 0) value.residual = value_of[static_cast<std::size_t>(part.residual)];
      value_of[static_cast<std::size_t>(part.node)] = find_value(value);
    }
    answers_.push_back(value_of[static_cast<std::size_t>(target.sub->answer().node)]);
  }
}

// A concatenation needs no memory where its readers can read its parts one after another.
void PlanBuilder::choose_materialised(const std::vector<int>& answers) {
  materialised_.assign(values_.size(), false);
  for (std::size_t i = 0; i < values_.size(); ++i) materialised_[i] = node_of(values_[i]).op != Op::kConcat;
  for (int answer : answers) materialised_[static_cast<std::size_t>(answer)] = true;
  for (const PlanValue& value : values_) {
    if (value.residual >= 0) materialised_[static_cast<std::size_t>(value.residual)] = true;
    const Op op = node_of(value).op;
    if (op != Op::kAdd && op != Op::kMultiply && op != Op::kAttention && op != Op::kSoftmax) continue;
    for (const Range& range : value.inputs) materialised_[static_cast<std::size_t>(range.node)] = true;
  }
}

// The inputs with concatenations that have no memory replaced by their parts.
std::vector<Range> PlanBuilder::flat(const std::vector<Range>& inputs) const {
  std::vector<Range> result;
  for (const Range& range : inputs) {
    if (materialised_[static_cast<std::size_t>(range.node)]) {
      result.push_back(range);
      continue;
    }
    int64_t at = 0;  // of a part within the concatenation
    for (const Range& part : flat(values_[static_cast<std::size_t>(range.node)].inputs)) {
      const int64_t begin = std::max(range.from, at), end = std::min(range.from + range.count, at + part.count);
      if (begin < end) {
        result.push_back({part.node, part.from + begin - at, end - begin, range.weight_from + begin - range.from});
      }
      at += part.count;
    }
  }
  return result;
}

int PlanBuilder::tensor_of(int value, std::size_t segment) {
  const PlanValue& v = values_[static_cast<std::size_t>(value)];
  const bool input = node_of(v).op == Op::kInput;
  const std::pair<int, std::size_t> key{value, input ? segment : 0};
  const auto found = tensors_.find(key);
  if (found != tensors_.end()) return found->second;
  PlanTensor tensor;
  tensor.node = v.part->node;
  tensor.blocks = norms_.share(blocks_of(value));
  tensor.planes = static_cast<int32_t>(tensor.blocks->planes());
  tensor.rows_constant = static_cast<int32_t>(v.part->height.constant);
  tensor.rows_per_symbol = static_cast<int32_t>(v.part->height.per_symbol);
  tensor.rows_symbol = v.part->height.symbol;
  tensor.rows_maximum = static_cast<int32_t>(largest(v.part->height));
  tensor.width = static_cast<int32_t>(v.part->width);
  plan_.tensors.push_back(tensor);
  const int index = static_cast<int>(plan_.tensors.size()) - 1;
  tensors_.emplace(key, index);
  // An input is cheaper to convert again than to keep: each segment that reads it has its own.
  if (input) emit_input(value, segment);
  return index;
}

void PlanBuilder::emit_input(int value, std::size_t segment) {
  Draft step = start_step(value);
  step.op = Op::kInput;
  step.output = tensors_.at({value, segment});
  step.clear_halo = true;
  drafts_.push_back(step);
}

PlanBuilder::Draft PlanBuilder::start_step(int value) {
  const PlanValue& v = values_[static_cast<std::size_t>(value)];
  const Node& node = node_of(v);
  Draft step;
  step.op = node.op;
  step.node = v.part->node;
  step.kernel = v.part->kernel;
  step.stride = node.stride;
  step.padding = v.part->padding;
  step.depthwise = node.depthwise;
  step.activation = node.activation;
  step.channels = v.part->channels;
  return step;
}

void PlanBuilder::emit_weighted(int value) {
  const PlanValue& v = values_[static_cast<std::size_t>(value)];
  const SubNode& part = *v.part;
  const Node& node = node_of(v);
  const Blocks blocks = blocks_of(value);
  const std::size_t index = packed_->at({part.node, part.kernel});
  const PackedTensor& packed = weights_.tensor(index);
  const int64_t panel = packed.taps() * packed.k * 16;
  const Norm* norm = node.norm ? &*node.norm : nullptr;
  for (const auto& [name, own] : network_.family[v.family].norms) {
    if (name == node.name) norm = &own;
  }
  const FoldedNorms::Pair folded = norms_.get(node, norm, part, blocks);
  const std::vector<Range> inputs = flat({v.inputs.begin() + static_cast<std::ptrdiff_t>(v.done), v.inputs.end()});

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
    step.panel_stride = panel;
    step.output_plane = blocks.plane_of(share.out);
    step.channels = share.out_count;
    step.scale = folded.scale + step.output_plane * 16;
    step.bias = folded.bias + step.output_plane * 16;
    step.weights = weights_.data(index) + packed.blocks.plane_of(part.channels_from + share.out) * panel;
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
  const std::vector<Piece> blocks = pieces(blocks_of(value), at, operands.front().count);
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
  const std::vector<Range> inputs = flat(values_[static_cast<std::size_t>(value)].inputs);
  int64_t at = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    emit_blocks(value, {inputs[i]}, at, i == 0, i + 1 == inputs.size());
    at += inputs[i].count;
  }
}

void PlanBuilder::emit_add(int value) {
  const PlanValue& v = values_[static_cast<std::size_t>(value)];
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
  const PlanValue& v = values_[static_cast<std::size_t>(value)];
  const SubNode& b = *values_[static_cast<std::size_t>(v.inputs[1].node)].part;
  const std::size_t from = drafts_.size();
  emit_blocks(value, v.inputs, 0, true, true);
  const bool pixel =
      b.height == Resolved{1, 0, -1} && b.width == 1 && !(v.part->height == b.height && v.part->width == 1);
  for (std::size_t s = from; s < drafts_.size(); ++s) drafts_[s].b_is_pixel = pixel;
}

// One call for all heads where these are whole planes, else one for each.
void PlanBuilder::emit_attention(int value) {
  const PlanValue& v = values_[static_cast<std::size_t>(value)];
  const Node& node = node_of(v);
  const Blocks blocks = blocks_of(value);
  const int64_t size = v.part->channels / node.heads;
  const bool whole = size % 16 == 0 || node.heads == 1;
  if (pieces(blocks, 0, v.part->channels).size() != static_cast<std::size_t>(whole ? 1 : node.heads)) {
    fail(ErrorCode::kUnsupported, "node '{}': its heads are sliced at channels other than their own borders",
         node.name);
  }
  const SubNode& key = *values_[static_cast<std::size_t>(v.inputs[1].node)].part;
  const int64_t calls = whole ? 1 : node.heads;
  for (int64_t call = 0; call < calls; ++call) {
    Draft step = start_step(value);
    step.heads = whole ? node.heads : 1;
    step.channels = whole ? v.part->channels : size;
    step.macs = v.part->macs / calls;
    for (const Range& range : v.inputs) {
      const int tensor = tensor_of(range.node, segment_);
      const Blocks& own = *plan_.tensors[static_cast<std::size_t>(tensor)].blocks;
      step.inputs.push_back(range_of(tensor, own.plane_of(range.from + call * size), step.channels, 0));
    }
    step.output = tensor_of(value, segment_);
    step.output_plane = blocks.plane_of(call * size);
    step.state_rows = largest(key.height);
    if (node.state) {
      step.state_symbol = node.state->symbol;
      step.state_rows += graph_.symbols[static_cast<std::size_t>(node.state->symbol)].maximum;
      step.state_offset = plan_.state;
      plan_.state += 2 * ((step.channels + 15) / 16) * step.state_rows * 16;
    }
    plan_.scores = std::max(plan_.scores, step.heads * largest(v.part->height) * step.state_rows);
    step.clear_halo = call == 0;
    step.complete = call + 1 == calls;
    drafts_.push_back(std::move(step));
  }
}

void PlanBuilder::emit_softmax(int value) {
  const std::size_t from = drafts_.size();
  emit_blocks(value, {values_[static_cast<std::size_t>(value)].inputs.front()}, 0, true, true);
  std::size_t calls = 0;
  for (std::size_t s = from; s < drafts_.size(); ++s) calls += drafts_[s].op == Op::kSoftmax;
  if (calls != 1 || values_[static_cast<std::size_t>(value)].inputs.size() != 1) {
    fail(ErrorCode::kUnsupported,
         "node '{}': softmax over channels that are sliced or concatenated inside a plane of 16",
         node_of(values_[static_cast<std::size_t>(value)]).name);
  }
}

void PlanBuilder::emit(int value) {
  if (!materialised_[static_cast<std::size_t>(value)]) return;
  switch (node_of(values_[static_cast<std::size_t>(value)]).op) {
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

void PlanBuilder::set_halos() {
  for (const Draft& step : drafts_) {
    if (step.op != Op::kConv2d) continue;
    for (const PlanRange& range : step.inputs) {
      PlanTensor& tensor = plan_.tensors[static_cast<std::size_t>(range.tensor)];
      tensor.halo = std::max(tensor.halo, step.padding);
    }
  }
}

// Offsets: largest tensors first, each at the lowest place where nothing lies that lives at the same time.
void PlanBuilder::place() {
  std::vector<std::size_t> segment_of(drafts_.size());
  for (std::size_t s = 0; s < plan_.segments.size(); ++s) {
    for (std::size_t i = plan_.segments[s].first; i < plan_.segments[s].last; ++i) segment_of[i] = s;
  }
  const auto touch = [&](int tensor, std::size_t step) {
    if (tensor < 0) return;
    PlanTensor& t = plan_.tensors[static_cast<std::size_t>(tensor)];
    if (t.first_step < 0) t.first_step = static_cast<int32_t>(step);
    t.last_step = static_cast<int32_t>(step);
  };
  for (std::size_t i = 0; i < drafts_.size(); ++i) {
    const Draft& step = drafts_[i];
    for (const PlanRange& range : step.inputs) touch(range.tensor, i);
    for (int tensor : {step.output, step.residual, step.partial_in, step.partial_out}) touch(tensor, i);
  }
  for (const Segment& segment : plan_.segments) touch(segment.answer.tensor, segment.last - 1);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
    PlanTensor& tensor = plan_.tensors[i];
    if (tensor.first_step < 0) continue;
    tensor.per_image = segment_of[static_cast<std::size_t>(tensor.first_step)] !=
                       segment_of[static_cast<std::size_t>(tensor.last_step)];
    if (tensor.per_image) {
      tensor.offset = plan_.per_image + tensor.lead();
      plan_.per_image += tensor.floats();
    } else {
      order.push_back(i);
    }
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return plan_.tensors[a].floats() > plan_.tensors[b].floats(); });
  std::vector<std::size_t> placed;  // ascending offset
  for (std::size_t index : order) {
    PlanTensor& tensor = plan_.tensors[index];
    int64_t best = 0;
    for (std::size_t other : placed) {
      const PlanTensor& lying = plan_.tensors[other];
      if (lying.last_step < tensor.first_step || lying.first_step > tensor.last_step) continue;
      const int64_t begin = lying.offset - lying.lead();
      if (begin >= best + tensor.floats()) break;
      best = std::max(best, begin + lying.floats());
    }
    tensor.offset = best + tensor.lead();
    plan_.arena = std::max(plan_.arena, best + tensor.floats());
    const auto start = [&](std::size_t i) { return plan_.tensors[i].offset - plan_.tensors[i].lead(); };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                   [&](std::size_t a, std::size_t b) { return start(a) < start(b); }),
                  index);
  }
}

void PlanBuilder::finish_steps() {
  for (const Draft& draft : drafts_) {
    Step step = draft;
    step.first_input = static_cast<int32_t>(plan_.inputs.size());
    step.input_count = static_cast<int16_t>(draft.inputs.size());
    plan_.inputs.insert(plan_.inputs.end(), draft.inputs.begin(), draft.inputs.end());
    plan_.steps.push_back(step);
    plan_.macs += step.macs;
  }
  plan_.steps.shrink_to_fit();
  plan_.inputs.shrink_to_fit();
  plan_.tensors.shrink_to_fit();
}

Plan PlanBuilder::build(const std::vector<PlanTarget>& targets,
                        const std::map<std::pair<int, int64_t>, std::size_t>& packed) {
  packed_ = &packed;
  number_values(targets);
  choose_materialised(answers_);
  std::size_t next = 0;
  for (std::size_t s = 0; s < targets.size(); ++s) {
    segment_ = s;
    Segment segment;
    segment.first = drafts_.size();
    for (; next < values_.size() && values_[next].segment == s; ++next) emit(static_cast<int>(next));
    segment.answer.tensor = tensor_of(answers_[s], s);
    segment.last = drafts_.size();
    if (segment.last == segment.first)
      fail(ErrorCode::kInternal, "graph '{}': a segment of a plan without steps", graph_.name);
    plan_.segments.push_back(segment);
  }
  set_halos();
  place();
  finish_steps();
  return std::move(plan_);
}

}  // namespace limber
