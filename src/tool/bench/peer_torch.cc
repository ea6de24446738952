// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/peer_torch.h"

#include <ATen/Parallel.h>
#include <fmt/core.h>
#include <torch/script.h>
#include <torch/version.h>

#include "base/error.h"
#include "tool/bench/openmp_threads.h"
#include "tool/bench/torch_script.h"

namespace limber::tool {

namespace {

// libtorch 1.13 warns in every run of an optimised module that it resizes buffers of its own; writing that takes time.
struct Silent : c10::WarningHandler {
  void process(const c10::SourceLocation&, const std::string&, const bool) override {}
} silent;

}  // namespace

struct TorchPeer::Impl {
  torch::jit::Module module;
  std::vector<torch::jit::IValue> arguments;
  torch::Tensor image, answer;
  bool channels_last = false;
  int threads = 1;
  std::string version = TORCH_VERSION, settings;

  void run() {
    const c10::InferenceMode guard;
    const c10::Warning::WarningHandlerGuard silence(&silent);
    at::set_num_threads(threads);
    arguments.assign(1, channels_last ? image.contiguous(at::MemoryFormat::ChannelsLast) : image);
    answer = module.forward(arguments).toTensor().contiguous();
  }
};

namespace {

torch::Tensor tensor_of(const std::vector<float>& values, const std::vector<int64_t>& shape, bool channels_last) {
  const torch::Tensor tensor = torch::tensor(values).reshape(shape);
  return channels_last && shape.size() == 4 ? tensor.contiguous(at::MemoryFormat::ChannelsLast) : tensor;
}

torch::jit::Module make_module(const TorchScript& script, bool channels_last) {
  torch::jit::Module module("member");
  for (const TorchScript::Weights& weights : script.weights) {
    const FoldedConv& conv = weights.conv;
    module.register_parameter(
        weights.name + "_weight",
        tensor_of(conv.weight, {conv.outputs, conv.inputs, conv.kernel, conv.kernel}, channels_last), false);
    module.register_parameter(weights.name + "_bias", tensor_of(conv.bias, {conv.outputs}, false), false);
  }
  module.define(script.text);
  module.eval();
  return module;
}

}  // namespace

TorchPeer::TorchPeer(const Network& network, const Member& member, TorchForm form, const std::vector<int>& cores)
    : impl_(std::make_unique<Impl>()) {
  const TorchScript script = torch_script(network, member);
  impl_->channels_last = form == TorchForm::kFrozen;
  impl_->threads = static_cast<int>(cores.size());
  impl_->settings = fmt::format("{} OpenMP thread{}, TorchScript, norms folded, inference mode", cores.size(),
                                cores.size() > 1 ? "s" : "");
  impl_->image = torch::zeros(script.input);
  at::set_num_threads(impl_->threads);
  place_openmp_threads(cores);
  try {
    torch::jit::Module frozen = torch::jit::freeze(make_module(script, impl_->channels_last));
    impl_->module = form == TorchForm::kOptimised ? torch::jit::optimize_for_inference(frozen) : frozen;
    for (int i = 0; i < 3; ++i) impl_->run();  // TorchScript specialises in its first runs
  } catch (const std::exception& error) {
    fail(ErrorCode::kUnsupported, "libtorch {}: {}", impl_->version, error.what());
  }
}

TorchPeer::~TorchPeer() = default;

std::span<float> TorchPeer::input() {
  return {impl_->image.data_ptr<float>(), static_cast<std::size_t>(impl_->image.numel())};
}
std::span<const float> TorchPeer::output() {
  return {impl_->answer.data_ptr<float>(), static_cast<std::size_t>(impl_->answer.numel())};
}
void TorchPeer::run() {
  impl_->run();
}
const std::string& TorchPeer::version() const {
  return impl_->version;
}
const std::string& TorchPeer::settings() const {
  return impl_->settings;
}

}  // namespace limber::tool
