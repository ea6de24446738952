// SPDX-License-Identifier: Apache-2.0
#include "network/executor.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "kernels/planes.h"
#include "network/fetch_ahead.h"

namespace limber {
namespace {

// Below this much work (multiply-accumulates or values) a step is not worth waking other threads for.
constexpr int64_t kSerialWork = 20000;
// Items are handed out in this many portions a thread, so that a thread that is held up does not hold up the others for
// long.
constexpr int64_t kShares = 4;
std::vector<float> pixel_table(const Model& model) {
  const Preprocessing& preprocessing = model.network().preprocessing;
  if (!preprocessing.mean.empty()) return kernels::preprocessing_table(preprocessing.mean, preprocessing.deviation);
  const std::vector<float> mean(static_cast<std::size_t>(model.input_channels()), 0.0f), deviation(mean.size(), 1.0f);
  return kernels::preprocessing_table(mean, deviation);
}

ImageFitter image_fitter(const Model& model) {
  std::vector<ImageFitter::Size> sizes;
  for (int m = 0; m < model.members(); ++m) sizes.push_back({model.input_height(m), model.input_width(m)});
  return {model.network().preprocessing.crop, model.input_channels(), sizes};
}

kernels::Activation kernel_activation(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return kernels::Activation::kRelu;
    case Activation::kHardSwish:
      return kernels::Activation::kHardSwish;
    case Activation::kHardSigmoid:
      return kernels::Activation::kHardSigmoid;
    case Activation::kRelu6:
      return kernels::Activation::kRelu6;
    case Activation::kNone:
      break;
  }
  return kernels::Activation::kNone;
}

// What dense and depthwise convolutions have in common but the weights.
template <typename Args>
void describe_kernel(const Step& step, Args& args) {
  args.kernel_height = args.kernel_width = static_cast<int>(step.kernel);
  args.stride = static_cast<int>(step.stride);
  args.padding = static_cast<int>(step.padding);
  args.scale = step.scale;
  args.bias = step.bias;
  args.activation = kernel_activation(step.activation);
}

}  // namespace

Executor::Executor(const Model& model, const std::vector<const Plan*>& plans, int64_t per_image, ThreadPool& pool)
    : model_(model),
      kernels_(kernels::kernels(kernels::find_isa(model.isa()))),
      pool_(pool),
      preprocessed_(pixel_table(model)),
      images_(image_fitter(model)) {
  int64_t arena = 0, state = 0, scores = 0;
  std::size_t ranges = 0;
  for (const Plan* plan : plans) {
    arena = std::max(arena, plan->arena);
    state = std::max(state, plan->state);
    scores = std::max(scores, plan->scores);
    for (const Step& step : plan->steps) ranges = std::max(ranges, static_cast<std::size_t>(step.input_count));
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

kernels::ConstPlanes Executor::view(const Plan& plan, int tensor, int64_t plane, int64_t image) const {
  const PlanTensor& t = plan.tensors[static_cast<std::size_t>(tensor)];
  return {data(plan, tensor, image) + plane * t.plane(), t.plane(), t.row()};
}

kernels::Planes Executor::output(const Plan& plan, const Step& step, int tensor, int64_t image) const {
  const PlanTensor& t = plan.tensors[static_cast<std::size_t>(tensor)];
  return {data(plan, tensor, image) + step.output_plane * t.plane(),
          t.plane(),
          t.row(),
          static_cast<int>(rows(t)),
          static_cast<int>(t.width),
          static_cast<int>(step.channels)};
}

void Executor::clear_halo(const PlanTensor& tensor, float* first_pixel) const {
  if (tensor.halo == 0) return;
  const int64_t side = tensor.halo * tensor.lanes, row = tensor.row(), bottom = tensor.rows_maximum;
  for (int64_t plane = 0; plane < tensor.planes; ++plane) {
    float* const pixels = first_pixel + plane * tensor.plane();
    std::fill_n(pixels - tensor.lead(), tensor.halo_rows * row + side, 0.0f);
    for (int64_t y = 0; y + 1 < bottom; ++y)
      std::fill_n(pixels + y * row + tensor.width * tensor.lanes, 2 * side, 0.0f);  // right, then left
    std::fill_n(pixels + (bottom - 1) * row + tensor.width * tensor.lanes, side + tensor.halo_rows * row, 0.0f);
  }
}

// Runs a kernel, its items shared out over the pool's threads where the work is worth it. That does not change any
// value.
template <typename Args>
void Executor::call(const Plan& plan, const Step& step, const kernels::Kernel<Args>& kernel, const Args& args) {
  const int64_t items = kernel.items(args);
  const int64_t threads = pool_.threads();
  if (threads == 1 || items < 2) return kernel.run(args, 0, items);
  const PlanTensor& to = plan.tensors[static_cast<std::size_t>(step.output)];
  if (std::max(step.macs, step.channels * rows(to) * to.width) < kSerialWork) return kernel.run(args, 0, items);
  const int64_t shares = std::min(items, kShares * threads);
  pool_.run(shares,
            [&](int64_t share, int) { kernel.run(args, items * share / shares, items * (share + 1) / shares); });
}

void Executor::write_input(const Plan& plan, const Step& step, const Batch& batch, int64_t image) {
  const PlanTensor& tensor = plan.tensors[static_cast<std::size_t>(step.output)];
  const kernels::Planes out = output(plan, step, step.output, image);
  const int64_t size = out.height * tensor.width * step.channels;
  const uint8_t* pixels = nullptr;
  if (!batch.pixels.empty() && batch.height == 0) {
    pixels = batch.pixels.data() + image * size;
  } else if (!batch.pixels.empty()) {
    pixels = images_.fit(batch.pixels.data() + image * batch.height * batch.width * step.channels,
                         {batch.height, batch.width}, {out.height, tensor.width});
  }
  if (tensor.blocks->dense()) {
    if (pixels != nullptr) {
      return call(plan, step, kernels_.from_bytes, {pixels, preprocessed_.data(), out, tensor.lanes});
    }
    return call(plan, step, kernels_.from_floats, {batch.planes.data() + image * size, out, tensor.lanes});
  }
  // Some reader slices the image's channels: they lie in several blocks.
  for (int64_t plane = 0; plane < tensor.planes; ++plane) {
    for (int64_t y = 0; y < out.height; ++y)
      std::fill_n(out.data + plane * out.plane_stride + y * out.row_stride, tensor.width * 16, 0.0f);
  }
  for (int64_t channel = 0; channel < step.channels; ++channel) {
    const int64_t lane = tensor.blocks->lane_of(channel);
    float* const to = out.data + lane / 16 * out.plane_stride + lane % 16;
    for (int64_t y = 0; y < out.height; ++y) {
      for (int64_t x = 0; x < tensor.width; ++x) {
        to[y * out.row_stride + x * 16] =
            pixels == nullptr
                ? batch.planes[static_cast<std::size_t>(image * size + (channel * out.height + y) * tensor.width + x)]
                : preprocessed_[static_cast<std::size_t>(channel * 256 +
                                                         pixels[(y * tensor.width + x) * step.channels + channel])];
      }
    }
  }
}

void Executor::run_conv(const Plan& plan, const Step& step, int64_t image) {
  const std::span<const PlanRange> inputs = plan.inputs_of(step);
  kernels::Conv2dArgs args;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const PlanRange& range = inputs[i];
    ranges_[i] = {view(plan, range.tensor, range.plane, image), static_cast<int>(range.channels), range.weight_from};
  }
  args.ranges = {ranges_.data(), inputs.size()};
  if (!inputs.empty()) args.input_lanes = plan.tensors[static_cast<std::size_t>(inputs.front().tensor)].lanes;
  args.output = output(plan, step, step.output, image);
  describe_kernel(step, args);
  args.weights = step.panels();
  args.panel_stride = step.panel_stride();
  args.tap_stride = step.tap_stride;
  args.upcoming = fetch_ahead(plan, step);
  if (step.residual >= 0) args.residual = view(plan, step.residual, step.output_plane, image);
  if (step.partial_in >= 0) args.start = view(plan, step.partial_in, step.output_plane, image);
  if (step.partial_out >= 0) {  // the sums are kept for a later exit, then finished for this one
    kernels::Conv2dArgs sums = args;
    sums.finish = false;
    sums.residual = {};
    sums.output = output(plan, step, step.partial_out, image);
    call(plan, step, kernels_.conv2d, sums);
    args.start = kernels::read(sums.output);
    args.ranges = {};
  }
  call(plan, step, kernels_.conv2d, args);
}

void Executor::run_depthwise(const Plan& plan, const Step& step, int64_t image) {
  const PlanRange& range = plan.inputs_of(step).front();
  kernels::DepthwiseArgs args;
  args.input = view(plan, range.tensor, range.plane, image);
  args.output = output(plan, step, step.output, image);
  args.input_height = static_cast<int>(rows_of(plan, range.tensor));
  if (step.mean >= 0) args.mean = data(plan, step.mean, image) + step.output_plane * 16;
  args.weights = step.panels().fp32();
  describe_kernel(step, args);
  call(plan, step, kernels_.depthwise, args);
  if (step.residual < 0) return;
  call(plan, step, kernels_.add,
       {kernels::read(args.output), view(plan, step.residual, step.output_plane, image), false, args.output,
        kernel_activation(step.residual_activation)});
}

void Executor::run_attention(const Plan& plan, const Step& step, int64_t image) {
  const std::span<const PlanRange> inputs = plan.inputs_of(step);
  kernels::AttentionArgs args;
  args.queries = view(plan, inputs[0].tensor, inputs[0].plane, image);
  args.keys = view(plan, inputs[1].tensor, inputs[1].plane, image);
  args.values = view(plan, inputs[2].tensor, inputs[2].plane, image);
  args.output = output(plan, step, step.output, image);
  const PlanAttention& attention = plan.attentions[static_cast<std::size_t>(step.attention)];
  args.heads = attention.heads;
  args.key_rows = static_cast<int>(rows_of(plan, plan.inputs_of(step)[0].tensor));
  args.scratch = scores_.floats();
  if (attention.state_symbol >= 0) {
    const int64_t past = symbols_[static_cast<std::size_t>(attention.state_symbol)];
    const int64_t plane = int64_t{attention.state_rows} * 16, planes = (step.channels + 15) / 16;
    kernels::ConstPlanes* const views[2] = {&args.keys, &args.values};
    for (int which = 0; which < 2; ++which) {
      float* const kept = state_.floats() + attention.state_offset + which * planes * plane;
      for (int64_t p = 0; p < planes; ++p) {
        for (int64_t row = 0; row < args.key_rows; ++row) {
          std::copy_n(views[which]->data + p * views[which]->plane_stride + row * views[which]->row_stride, 16,
                      kept + p * plane + (past + row) * 16);
        }
      }
      *views[which] = {kept, plane, 16};
    }
    args.key_rows += static_cast<int>(past);
    args.causal = true;
  }
  call(plan, step, kernels_.attention, args);
}

void Executor::run_pool(const Plan& plan, const Step& step, int64_t image) {
  const PlanRange& range = plan.inputs_of(step).front();
  kernels::PoolArgs args;
  args.input = view(plan, range.tensor, range.plane, image);
  args.input_height = static_cast<int>(rows_of(plan, plan.inputs_of(step)[0].tensor));
  args.input_width = plan.tensors[static_cast<std::size_t>(range.tensor)].width;
  args.output = output(plan, step, step.output, image);
  args.kernel = static_cast<int>(step.kernel);
  args.stride = static_cast<int>(step.stride);
  args.padding = static_cast<int>(step.padding);
  args.count_padding = true;  // as PyTorch does unless told otherwise
  call(plan, step,
       step.op == Op::kMaxPool       ? kernels_.max_pool
       : step.op == Op::kAveragePool ? kernels_.average_pool
                                     : kernels_.global_average_pool,
       args);
}

void Executor::run_pixelwise(const Plan& plan, const Step& step, int64_t image) {
  const std::span<const PlanRange> inputs = plan.inputs_of(step);
  kernels::ElementwiseArgs args;
  args.a = view(plan, inputs[0].tensor, inputs[0].plane, image);
  if (inputs.size() > 1) args.b = view(plan, inputs[1].tensor, inputs[1].plane, image);
  args.b_is_pixel = step.b_is_pixel;
  args.output = output(plan, step, step.output, image);
  args.activation = kernel_activation(step.activation);
  const auto& kernel = step.op == Op::kAdd        ? kernels_.add
                       : step.op == Op::kMultiply ? kernels_.multiply
                       : step.op == Op::kConcat   ? kernels_.copy
                                                  : kernels_.activate;
  call(plan, step, kernel, args);
}

void Executor::run_step(const Plan& plan, const Step& step, const Batch& batch, int64_t image) {
  if (step.made) return;
  if (step.clear_halo) clear_halo(plan.tensors[static_cast<std::size_t>(step.output)], data(plan, step.output, image));
  switch (step.op) {
    case Op::kInput:
      return write_input(plan, step, batch, image);
    case Op::kConv2d:
    case Op::kLinear:
      return step.depthwise ? run_depthwise(plan, step, image) : run_conv(plan, step, image);
    case Op::kAttention:
      return run_attention(plan, step, image);
    case Op::kMaxPool:
    case Op::kAveragePool:
    case Op::kGlobalAveragePool:
      return run_pool(plan, step, image);
    case Op::kSoftmax:
      return call(plan, step, kernels_.softmax,
                  {view(plan, plan.inputs_of(step)[0].tensor, plan.inputs_of(step)[0].plane, image),
                   output(plan, step, step.output, image)});
    default:
      return run_pixelwise(plan, step, image);
  }
}

bool Executor::run(const Plan& plan, const Segment& segment, const Batch& batch, int64_t image, const Check& check,
                   const Observe& observe, const Stepped& stepped) {
  for (std::size_t i = segment.first; i < segment.last; ++i) {
    if (check && !check()) return false;
    const Step& step = plan.steps[i];
    if (stepped) stepped(i);
    run_step(plan, step, batch, image);
    if (observe && step.complete) {
      const PlanTensor& tensor = plan.tensors[static_cast<std::size_t>(step.output)];
      std::vector<float> dense(static_cast<std::size_t>(tensor.blocks->channels * rows(tensor) * tensor.width));
      read(plan, step.output, image, dense.data());
      observe(model_.network().graph.nodes[static_cast<std::size_t>(step.node)].name, dense);
    }
  }
  if (stepped) stepped(segment.last);
  return true;
}

void Executor::read(const Plan& plan, int index, int64_t image, float* dense) const {
  const PlanTensor& tensor = plan.tensors[static_cast<std::size_t>(index)];
  const kernels::ConstPlanes in = view(plan, index, 0, image);
  const int64_t height = rows(tensor);
  for (int64_t channel = 0; channel < tensor.blocks->channels; ++channel) {
    const int64_t lane = tensor.blocks->lane_of(channel);
    const float* const from = in.data + lane / 16 * in.plane_stride + lane % 16;
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < tensor.width; ++x) *dense++ = from[y * in.row_stride + x * tensor.lanes];
    }
  }
}

void Executor::read_answer(const Plan& plan, const Segment& segment, int64_t image, float* answer) const {
  read(plan, segment.answer.tensor, image, answer);
}

int64_t Executor::outputs(const Plan& plan, const Segment& segment) const {
  const PlanTensor& tensor = plan.tensors[static_cast<std::size_t>(segment.answer.tensor)];
  return tensor.blocks->channels * rows(tensor) * tensor.width;
}

int64_t Executor::input_rows(int member) const {
  for (const Step& step : model_.plan(member).steps) {
    if (step.op == Op::kInput) return rows_of(model_.plan(member), step.output);
  }
  fail(ErrorCode::kInternal, "a plan without an input");
}

}  // namespace limber
