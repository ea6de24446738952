// SPDX-License-Identifier: Apache-2.0
#include "network/executor.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace limber {
namespace {

// Below this much work a step is not worth waking other threads for.
constexpr int64_t kSerialMacs = 20000;

std::vector<float> pixel_table(const Model& model) {
  const Preprocessing& preprocessing = model.network().preprocessing;
  const auto channels = static_cast<std::size_t>(model.input_channels());
  std::vector<float> table(channels * 256);
  for (std::size_t c = 0; c < channels; ++c) {
    const float mean = preprocessing.mean.empty() ? 0.0f : preprocessing.mean[c];
    const float deviation = preprocessing.deviation.empty() ? 1.0f : preprocessing.deviation[c];
    for (std::size_t value = 0; value < 256; ++value) {
      table[c * 256 + value] = (static_cast<float>(value) / 255.0f - mean) / deviation;
    }
  }
  return table;
}

}  // namespace

Executor::Executor(const Model& model, const std::vector<const Plan*>& plans, int64_t per_image, ThreadPool& pool)
    : model_(model), ops_(model.ops()), pool_(pool), preprocessed_(pixel_table(model)) {
  int64_t arena = 0, state = 0, scores = 0;
  std::size_t ranges = 0;
  for (const Plan* plan : plans) {
    arena = std::max(arena, plan->arena);
    state = std::max(state, plan->state);
    scores = std::max(scores, plan->scores);
    for (const Step& step : plan->steps) ranges = std::max(ranges, step.inputs.size());
  }
  arena_ = AlignedBuffer(static_cast<std::size_t>(arena) * 4);
  kept_ = AlignedBuffer(static_cast<std::size_t>(per_image) * 4);
  state_ = AlignedBuffer(static_cast<std::size_t>(state) * 4);
  scores_ = AlignedBuffer(static_cast<std::size_t>(scores) * 4);
  ranges_.resize(ranges);
  for (const Symbol& symbol : model.network().graph.symbols) symbols_.push_back(symbol.maximum);
  // A cache's counter starts at an empty cache, not at a full one.
  for (const Node& node : model.network().graph.nodes) {
    if (node.state) symbols_[static_cast<std::size_t>(node.state->symbol)] = 0;
  }
}

void Executor::reset_state() {
  if (state_.size() > 0) std::memset(state_.data(), 0, state_.size());
}

float* Executor::data(const Plan& plan, int tensor, int64_t image) const {
  const PlanTensor& t = plan.tensors[static_cast<std::size_t>(tensor)];
  return (t.per_image ? kept_.floats() + image * plan.per_image : arena_.floats()) + t.offset;
}

View Executor::view(const Plan& plan, int tensor, int64_t plane, int64_t image) const {
  const PlanTensor& t = plan.tensors[static_cast<std::size_t>(tensor)];
  return {data(plan, tensor, image) + plane * t.plane(), t.plane(), t.row()};
}

void Executor::clear_halo(const PlanTensor& tensor, float* first_pixel) const {
  if (tensor.halo == 0) return;
  const int64_t side = tensor.halo * 16, row = tensor.row(), bottom = tensor.rows_maximum;
  for (int64_t plane = 0; plane < tensor.blocks.planes(); ++plane) {
    float* const pixels = first_pixel + plane * tensor.plane();
    std::fill_n(pixels - tensor.lead(), tensor.halo * row + side, 0.0f);
    for (int64_t y = 0; y + 1 < bottom; ++y)
      std::fill_n(pixels + y * row + tensor.width * 16, 2 * side, 0.0f);  // right, then left
    std::fill_n(pixels + (bottom - 1) * row + tensor.width * 16, side + tensor.halo * row, 0.0f);
  }
}

// Calls call(Part) for all planes and rows, cut into items for the pool. How the work is cut does not change any value.
template <typename Call>
void Executor::split(const Step& step, int64_t rows, const Call& call) {
  const int64_t threads = pool_.threads();
  const int64_t work = std::max(step.macs, step.planes * rows * step.width * 16);
  if (threads == 1 || work < kSerialMacs) return call(Part{0, step.planes, 0, rows});
  const int64_t panels = ops_.panels;
  const int64_t groups = (step.planes + panels - 1) / panels;
  const int64_t chunks = std::clamp<int64_t>((3 * threads + groups - 1) / groups, 1, rows);
  pool_.run(groups * chunks, [&](int64_t item, int) {
    const int64_t group = item / chunks, chunk = item % chunks;
    call(Part{group * panels, std::min((group + 1) * panels, step.planes), rows * chunk / chunks,
              rows * (chunk + 1) / chunks});
  });
}

void Executor::write_input(const Plan& plan, const Step& step, const Batch& batch, int64_t image) {
  const PlanTensor& tensor = plan.tensors[static_cast<std::size_t>(step.output)];
  const View out = view(plan, step.output, 0, image);
  const int64_t height = rows(step.height), width = step.width, channels = step.channels;
  const int64_t planes = tensor.blocks.planes();
  const uint8_t* const pixels = batch.pixels.data() + (batch.pixels.empty() ? 0 : image * height * width * channels);
  const float* const values = batch.planes.data() + (batch.planes.empty() ? 0 : image * height * width * channels);
  for (int64_t plane = 0; plane < planes; ++plane) {
    for (int64_t y = 0; y < height; ++y) std::fill_n(out.data + plane * out.plane + y * out.row, width * 16, 0.0f);
  }
  for (int64_t channel = 0; channel < channels; ++channel) {
    const int64_t lane = tensor.blocks.lane_of(channel);
    float* const to = out.data + lane / 16 * out.plane + lane % 16;
    const float* const table = preprocessed_.data() + channel * 256;
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        to[y * out.row + x * 16] = batch.pixels.empty() ? values[(channel * height + y) * width + x]
                                                        : table[pixels[(y * width + x) * channels + channel]];
      }
    }
  }
}

void Executor::run_conv(const Plan& plan, const Step& step, int64_t image) {
  ConvCall call;
  for (std::size_t i = 0; i < step.inputs.size(); ++i) {
    const PlanRange& range = step.inputs[i];
    ranges_[i] = {view(plan, range.tensor, range.plane, image), range.channels, range.weights};
  }
  call.ranges = ranges_.data();
  call.range_count = static_cast<int64_t>(step.inputs.size());
  call.k_super = step.k_super;
  call.kernel = step.kernel;
  call.stride = step.stride;
  call.padding = step.padding;
  call.output = view(plan, step.output, step.output_plane, image);
  call.planes = step.planes;
  call.height = rows(step.height);
  call.width = step.width;
  call.scale = step.scale;
  call.bias = step.bias;
  call.lanes = step.lanes.data();
  call.activation = step.activation;
  if (step.residual >= 0) call.residual = view(plan, step.residual, step.output_plane, image);
  if (step.partial_in >= 0) call.partial_in = data(plan, step.partial_in, image);
  if (step.partial_out >= 0) call.partial_out = data(plan, step.partial_out, image);
  const auto function = step.depthwise ? ops_.depthwise : ops_.conv;
  split(step, call.height, [&](const Part& part) { function(call, part); });
}

void Executor::run_attention(const Plan& plan, const Step& step, int64_t image) {
  AttentionCall call;
  call.query = view(plan, step.inputs[0].tensor, step.inputs[0].plane, image);
  call.key = view(plan, step.inputs[1].tensor, step.inputs[1].plane, image);
  call.value = view(plan, step.inputs[2].tensor, step.inputs[2].plane, image);
  call.output = view(plan, step.output, 0, image);
  call.rows = rows(step.height);
  call.keys = rows(step.input_height);
  call.heads = step.heads;
  call.channels = step.channels;
  call.lane_of = step.lane_of.data();
  call.scores = scores_.floats();
  if (step.state_symbol >= 0) {
    call.past = symbols_[static_cast<std::size_t>(step.state_symbol)];
    const int64_t plane = step.state_rows * 16;
    View* const views[2] = {&call.key, &call.value};
    for (int which = 0; which < 2; ++which) {
      const View kept{state_.floats() + step.state_offset + which * step.planes * plane, plane, 16};
      for (int64_t p = 0; p < step.planes; ++p) {
        for (int64_t row = 0; row < call.rows; ++row) {
          std::copy_n(views[which]->data + p * views[which]->plane + row * views[which]->row, 16,
                      kept.data + p * plane + (call.past + row) * 16);
        }
      }
      *views[which] = kept;
    }
  }
  for (int64_t p = 0; p < step.planes; ++p) {  // lanes without a channel
    for (int64_t row = 0; row < call.rows; ++row)
      std::fill_n(call.output.data + p * call.output.plane + row * call.output.row, 16, 0.0f);
  }
  ops_.attention(call);
}

void Executor::run_step(const Plan& plan, const Step& step, const Batch& batch, int64_t image) {
  if (step.clear_halo) clear_halo(plan.tensors[static_cast<std::size_t>(step.output)], data(plan, step.output, image));
  switch (step.op) {
    case Op::kInput:
      return write_input(plan, step, batch, image);
    case Op::kConv2d:
    case Op::kLinear:
      return run_conv(plan, step, image);
    case Op::kAttention:
      return run_attention(plan, step, image);
    case Op::kMaxPool:
    case Op::kAveragePool:
    case Op::kGlobalAveragePool: {
      const PlanRange& range = step.inputs.front();
      const PoolCall call{view(plan, range.tensor, range.plane, image),
                          view(plan, step.output, step.output_plane, image),
                          rows(step.input_height),
                          step.input_width,
                          step.planes,
                          rows(step.height),
                          step.width,
                          step.kernel,
                          step.stride,
                          step.padding};
      const auto function = step.op == Op::kMaxPool       ? ops_.max_pool
                            : step.op == Op::kAveragePool ? ops_.average_pool
                                                          : ops_.global_average;
      return split(step, call.height, [&](const Part& part) { function(call, part); });
    }
    default:
      break;
  }
  PixelCall call;
  call.a = view(plan, step.inputs[0].tensor, step.inputs[0].plane, image);
  if (step.inputs.size() > 1) call.b = view(plan, step.inputs[1].tensor, step.inputs[1].plane, image);
  call.output = view(plan, step.output, step.output_plane, image);
  call.b_is_pixel = step.b_is_pixel;
  call.planes = step.planes;
  call.height = rows(step.height);
  call.width = step.width;
  const bool partial_lanes = step.op == Op::kSoftmax || step.op == Op::kConcat ||
                             step.activation == Activation::kHardSigmoid ||
                             std::any_of(step.inputs.begin(), step.inputs.end(),
                                         [](const PlanRange& range) { return range.channels % 16 != 0; });
  call.lanes = partial_lanes ? step.lanes.data() : nullptr;
  call.activation = step.activation;
  if (step.op == Op::kSoftmax) return ops_.softmax(call, {0, step.planes, 0, call.height});
  const auto function = step.op == Op::kAdd ? ops_.add : step.op == Op::kMultiply ? ops_.multiply : ops_.activate;
  split(step, call.height, [&](const Part& part) { function(call, part); });
}

bool Executor::run(const Plan& plan, const Segment& segment, const Batch& batch, int64_t image, const Check& check,
                   const Observe& observe) {
  for (std::size_t i = segment.first; i < segment.last; ++i) {
    if (check && !check()) return false;
    const Step& step = plan.steps[i];
    run_step(plan, step, batch, image);
    if (observe && step.complete) {
      const PlanTensor& tensor = plan.tensors[static_cast<std::size_t>(step.output)];
      std::vector<float> dense(static_cast<std::size_t>(tensor.blocks.channels * rows(tensor.height) * tensor.width));
      read(plan, step.output, image, dense.data());
      observe(step.node, dense);
    }
  }
  return true;
}

void Executor::read(const Plan& plan, int index, int64_t image, float* dense) const {
  const PlanTensor& tensor = plan.tensors[static_cast<std::size_t>(index)];
  const View in = view(plan, index, 0, image);
  const int64_t height = rows(tensor.height);
  for (int64_t channel = 0; channel < tensor.blocks.channels; ++channel) {
    const int64_t lane = tensor.blocks.lane_of(channel);
    const float* const from = in.data + lane / 16 * in.plane + lane % 16;
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < tensor.width; ++x) *dense++ = from[y * in.row + x * 16];
    }
  }
}

void Executor::read_answer(const Plan& plan, const Segment& segment, int64_t image, float* answer) const {
  read(plan, segment.answer.tensor, image, answer);
}

int64_t Executor::outputs(const Plan& plan, const Segment& segment) const {
  const PlanTensor& tensor = plan.tensors[static_cast<std::size_t>(segment.answer.tensor)];
  return tensor.blocks.channels * rows(tensor.height) * tensor.width;
}

int64_t Executor::input_rows(int member) const {
  for (const Step& step : model_.plan(member).steps) {
    if (step.op == Op::kInput) return rows(step.height);
  }
  fail(ErrorCode::kInternal, "a plan without an input");
}

}  // namespace limber
