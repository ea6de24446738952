// SPDX-License-Identifier: Apache-2.0
#include "network/plan_memory.h"

#include <algorithm>
#include <vector>

namespace limber {
namespace {

// Each tensor gets the border of zeros that its readers need. A depthwise convolution knows the input's height: in a
// map of 7 x 7 pixels the rows outside are as many as those inside.
void set_halos(Plan& plan) {
  for (const Step& step : plan.steps) {
    if (step.op != Op::kConv2d) continue;
    for (const PlanRange& range : plan.inputs_of(step)) {
      PlanTensor& tensor = plan.tensors[static_cast<std::size_t>(range.tensor)];
      const auto padding = static_cast<uint8_t>(step.padding);  // less than limits::kKernel
      tensor.halo = std::max(tensor.halo, padding);
      if (!step.depthwise) tensor.halo_rows = std::max(tensor.halo_rows, padding);
    }
  }
}

// An image of few channels that only dense convolutions read takes 4 floats a pixel.
void set_narrow(Plan& plan) {
  const auto tensor = [&](int index) -> PlanTensor& { return plan.tensors[static_cast<std::size_t>(index)]; };
  for (const Step& step : plan.steps) {
    if (step.op == Op::kInput && step.channels <= 4 && tensor(step.output).blocks->dense())
      tensor(step.output).lanes = 4;
  }
  for (const Step& step : plan.steps) {
    const bool dense = step.op == Op::kConv2d && !step.depthwise && step.stride <= 2 && step.input_count == 1;
    for (const PlanRange& range : plan.inputs_of(step)) {
      if (!dense || range.plane != 0) tensor(range.tensor).lanes = 16;
    }
    if (step.residual >= 0) tensor(step.residual).lanes = 16;
  }
  for (const Segment& segment : plan.segments) tensor(segment.answer.tensor).lanes = 16;
}

// A global average pool of what a depthwise convolution made is made by that, as long as it has it in registers.
void set_means(Plan& plan) {
  for (const Segment& segment : plan.segments) {
    for (std::size_t i = segment.first; i < segment.last; ++i) {
      Step& pool = plan.steps[i];
      if (pool.op != Op::kGlobalAveragePool) continue;
      const PlanRange& read = plan.inputs_of(pool).front();
      if (plan.tensors[static_cast<std::size_t>(pool.output)].halo > 0) continue;
      for (std::size_t before = segment.first; before < i; ++before) {
        Step& step = plan.steps[before];
        if (!step.depthwise || step.output != read.tensor || step.output_plane != read.plane) continue;
        if (step.channels != read.channels || step.output_plane != pool.output_plane || step.residual >= 0 ||
            step.mean >= 0)
          continue;
        step.mean = pool.output;
        pool.made = true;
      }
    }
  }
}

// Offsets: largest tensors first, each at the lowest place where nothing lies that lives at the same time.
void place(Plan& plan) {
  std::vector<std::size_t> segment_of(plan.steps.size());
  for (std::size_t s = 0; s < plan.segments.size(); ++s) {
    for (std::size_t i = plan.segments[s].first; i < plan.segments[s].last; ++i) segment_of[i] = s;
  }
  struct Life {
    std::size_t first = 0, last = 0;  // steps
    bool used = false;
  };
  std::vector<Life> lives(plan.tensors.size());
  const auto touch = [&](int tensor, std::size_t step) {
    if (tensor < 0) return;
    Life& life = lives[static_cast<std::size_t>(tensor)];
    if (!life.used) life.first = step;
    life.last = step;
    life.used = true;
  };
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    for (const PlanRange& range : plan.inputs_of(step)) touch(range.tensor, i);
    for (int tensor : {step.output, step.residual, step.partial_in, step.partial_out, step.mean}) touch(tensor, i);
  }
  for (const Segment& segment : plan.segments) touch(segment.answer.tensor, segment.last - 1);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    PlanTensor& tensor = plan.tensors[i];
    if (!lives[i].used) continue;
    tensor.per_image = segment_of[lives[i].first] != segment_of[lives[i].last];
    if (tensor.per_image) {
      tensor.offset = plan.per_image + tensor.lead();
      plan.per_image += tensor.floats();
    } else {
      order.push_back(i);
    }
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return plan.tensors[a].floats() > plan.tensors[b].floats(); });
  std::vector<std::size_t> placed;  // ascending offset
  for (std::size_t index : order) {
    PlanTensor& tensor = plan.tensors[index];
    int64_t best = 0;
    for (std::size_t other : placed) {
      const PlanTensor& lying = plan.tensors[other];
      if (lives[other].last < lives[index].first || lives[other].first > lives[index].last) continue;
      const int64_t begin = lying.offset - lying.lead();
      if (begin >= best + tensor.floats()) break;
      best = std::max(best, begin + lying.floats());
    }
    tensor.offset = best + tensor.lead();
    plan.arena = std::max(plan.arena, best + tensor.floats());
    const auto start = [&](std::size_t i) { return plan.tensors[i].offset - plan.tensors[i].lead(); };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                   [&](std::size_t a, std::size_t b) { return start(a) < start(b); }),
                  index);
  }
}

}  // namespace

void lay_out(Plan& plan) {
  set_halos(plan);
  set_narrow(plan);
  set_means(plan);
  place(plan);
}

}  // namespace limber
