// SPDX-License-Identifier: Apache-2.0
#include "train/tensors.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/half.h"

namespace limber::train {

using torch::Tensor;

Tensor channels_last(Tensor weight) {
  return weight.dim() == 4 ? weight.contiguous(at::MemoryFormat::ChannelsLast) : weight.contiguous();
}

Tensor to_torch(const limber::Tensor& tensor) {
  Tensor values = torch::empty(tensor.shape);
  float* out = values.data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    if (tensor.dtype == DType::kF16) {
      uint16_t bits;
      std::memcpy(&bits, tensor.bytes.data() + 2 * i, 2);
      out[i] = half_to_float(bits);
    } else {
      std::memcpy(out + i, tensor.bytes.data() + 4 * i, 4);
    }
  }
  return values;
}

Values to_values(const Tensor& tensor) {
  const Tensor plain = tensor.detach().cpu().contiguous();
  Values values;
  values.shape = plain.sizes().vec();
  values.values.assign(plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel());
  return values;
}

Tensor to_torch(const Values& values) {
  return channels_last(torch::tensor(values.values).reshape(values.shape));
}

torch::Device device_named(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  if (name != "cuda") fail(ErrorCode::kInvalidArgument, "device '{}' is unknown; legal are cpu and cuda", name);
  if (!torch::cuda::is_available())
    fail(ErrorCode::kUnsupported,
         "device cuda: libtorch {} finds no NVIDIA GPU (Debian's libtorch is built without CUDA; build Limber with "
         "-DCMAKE_PREFIX_PATH=DIR of one that has it), or give cpu",
         TORCH_VERSION);
  return torch::kCUDA;
}

torch::Device device_of(const Tensors& weights) {
  return weights.begin()->second.device();
}

void move_to(torch::Device device, Tensors& weights) {
  for (auto& [name, tensor] : weights) tensor = tensor.to(device);
}

Tensor to_batch(const Recipe& recipe, const Images& images, const int64_t* indices, int64_t n, Random* random,
                torch::Device device, Tensor& labels) {
  Tensor x = torch::empty({n, images.height, images.width, images.channels});
  labels = torch::empty({n}, torch::kLong);
  fill_batch(recipe, images, indices, n, random, x.data_ptr<float>(), labels.data_ptr<int64_t>());
  labels = labels.to(device);
  return x.to(device).permute({0, 3, 1, 2});
}

namespace {

double share_right(const Tensor& logits, const Tensor& labels) {
  return static_cast<double>(logits.argmax(1).eq(labels).sum().item<int64_t>()) / static_cast<double>(labels.size(0));
}

}  // namespace

double Answers::own_accuracy() const {
  return share_right(own, labels);
}

double Answers::accuracy() const {
  return share_right(frozen.defined() ? own + frozen : own, labels);
}

Answers answer_all(const Recipe& recipe, const Graph& graph, const Step& step, Tensors& weights, const Images& images,
                   bool bf16) {
  torch::NoGradGuard guard;
  const Tensors no_leaves;
  Interpreter net(graph, step, weights, no_leaves, Statistics::kStored, bf16);
  std::vector<Tensor> own, frozen, labels;
  std::vector<int64_t> indices(250);
  for (int64_t start = 0; start < images.count; start += 250) {
    const int64_t n = std::min<int64_t>(250, images.count - start);
    for (int64_t i = 0; i < n; ++i) indices[static_cast<std::size_t>(i)] = start + i;
    Tensor right;
    net.start(to_batch(recipe, images, indices.data(), n, nullptr, device_of(weights), right));
    labels.push_back(right);
    own.push_back(net.own());
    if (const Tensor before = net.frozen(); before.defined()) frozen.push_back(before);
  }
  return {torch::cat(own), frozen.empty() ? Tensor() : torch::cat(frozen), torch::cat(labels)};
}

double best_scale(const Answers& answers) {
  if (!answers.frozen.defined()) return 1;
  torch::NoGradGuard guard;
  double best = 1, least = INFINITY;
  for (int i = -8; i <= 8; ++i) {
    const double scale = std::exp2(i / 4.0);
    const Tensor sum = answers.own * scale + answers.frozen;
    for (int j = -12; j <= 8; ++j) {
      const double loss = torch::nn::functional::cross_entropy(sum * std::exp2(j / 4.0), answers.labels).item<double>();
      if (loss < least) {
        least = loss;
        best = scale;
      }
    }
  }
  return best;
}

}  // namespace limber::train
