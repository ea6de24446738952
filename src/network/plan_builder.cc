// SPDX-License-Identifier: Apache-2.0
#include "network/plan_builder.h"

#include "base/error.h"
#include "network/plan_memory.h"

namespace limber {

int64_t Plan::bytes() const {
  return static_cast<int64_t>(sizeof(Plan) + segments.size() * sizeof(Segment) + tensors.size() * sizeof(PlanTensor) +
                              steps.size() * sizeof(Step) + inputs.size() * sizeof(PlanRange) +
                              attentions.size() * sizeof(PlanAttention));
}

int64_t PlanBuilder::largest(const Resolved& rows) const {
  return rows.symbol < 0 ? rows.constant : rows.at(graph_.symbols[static_cast<std::size_t>(rows.symbol)].maximum);
}

int PlanBuilder::tensor_of(int value, std::size_t segment) {
  const PlanValue& v = values_[value];
  const bool input = values_.node_of(v).op == Op::kInput;
  const std::pair<int, std::size_t> key{value, input ? segment : 0};
  const auto found = tensors_.find(key);
  if (found != tensors_.end()) return found->second;
  PlanTensor tensor;
  tensor.node = v.part->node;
  tensor.blocks = norms_.share(values_.blocks_of(value));
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

PlanBuilder::Draft PlanBuilder::start_step(int value) {
  const PlanValue& v = values_[value];
  const Node& node = values_.node_of(v);
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
  values_.number(targets);
  int next = 0;
  for (std::size_t s = 0; s < targets.size(); ++s) {
    segment_ = s;
    Segment segment;
    segment.first = drafts_.size();
    for (; next < static_cast<int>(values_.size()) && values_[next].segment == s; ++next) emit(next);
    segment.answer.tensor = tensor_of(values_.answer(s), s);
    segment.last = drafts_.size();
    if (segment.last == segment.first)
      fail(ErrorCode::kInternal, "graph '{}': a segment of a plan without steps", graph_.name);
    plan_.segments.push_back(segment);
  }
  finish_steps();
  lay_out(plan_);
  return std::move(plan_);
}

}  // namespace limber
