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

class TorchPeer : public PeerSession {
 public:
  TorchPeer(const Network& network, const Member& member, TorchForm form, const std::vector<int>& cores)
      : channels_last_(form == TorchForm::kFrozen), threads_(static_cast<int>(cores.size())) {
    const TorchScript script = torch_script(network, member);
    settings_ = fmt::format("{} OpenMP thread{}, TorchScript, norms folded, inference mode", cores.size(),
                            cores.size() > 1 ? "s" : "");
    image_ = torch::zeros(script.input);
    at::set_num_threads(threads_);
    place_openmp_threads(cores);
    try {
      torch::jit::Module frozen = torch::jit::freeze(make_module(script, channels_last_));
      module_ = form == TorchForm::kOptimised ? torch::jit::optimize_for_inference(frozen) : frozen;
      for (int i = 0; i < 3; ++i) TorchPeer::run();  // TorchScript specialises in its first runs
    } catch (const std::exception& error) {
      fail(ErrorCode::kUnsupported, "libtorch {}: {}", version_, error.what());
    }
  }

  std::span<float> input() override { return {image_.data_ptr<float>(), static_cast<std::size_t>(image_.numel())}; }
  std::span<const float> output() override {
    return {answer_.data_ptr<float>(), static_cast<std::size_t>(answer_.numel())};
  }
  void run() override {
    const c10::InferenceMode guard;
    const c10::Warning::WarningHandlerGuard silence(&silent);
    at::set_num_threads(threads_);
    arguments_.assign(1, channels_last_ ? image_.contiguous(at::MemoryFormat::ChannelsLast) : image_);
    answer_ = module_.forward(arguments_).toTensor().contiguous();
  }
  const std::string& version() const override { return version_; }
  const std::string& settings() const override { return settings_; }

 private:
  bool channels_last_;
  int threads_;
  torch::jit::Module module_;
  std::vector<torch::jit::IValue> arguments_;
  torch::Tensor image_, answer_;
  std::string version_ = TORCH_VERSION, settings_;
};

}  // namespace

std::unique_ptr<PeerSession> make_torch_peer(const Network& network, const Member& member, TorchForm form,
                                             const std::vector<int>& cores) {
  return std::make_unique<TorchPeer>(network, member, form, cores);
}

}  // namespace limber::tool
