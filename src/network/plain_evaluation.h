// SPDX-License-Identifier: Apache-2.0
// The oracle of the tests: a sub-network evaluated with plain loops in double precision on dense
// [channels][height][width] values. It shares the resolver with the product, but no layout, packing, folding, plan or
// kernel. Layer: network (tests only).
#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "network/check.h"
#include "network/network.h"
#include "network/sub_network.h"

namespace limber::toy {

struct Dense {
  int64_t channels = 0, height = 0, width = 0;
  std::vector<double> values;
  Dense() = default;
  Dense(int64_t c, int64_t h, int64_t w)
      : channels(c), height(h), width(w), values(static_cast<std::size_t>(c * h * w)) {}
  double& at(int64_t c, int64_t y, int64_t x) { return values[static_cast<std::size_t>((c * height + y) * width + x)]; }
  double get(int64_t c, int64_t y, int64_t x) const {
    if (y < 0 || x < 0 || y >= height || x >= width) return 0;
    return values[static_cast<std::size_t>((c * height + y) * width + x)];
  }
};

class PlainEvaluation {
 public:
  explicit PlainEvaluation(const Network& network) : network_(network) {}

  std::map<std::string, int64_t> symbols;
  std::map<std::string, std::vector<Dense>> state;  // node -> keys and values of the rows so far
  std::map<std::string, Dense> outputs;             // of the last run

  // answer: -1 or the node to answer with.
  std::vector<double> run(const Member& member, const std::vector<float>& input, int answer = -1) {
    const SubNetwork sub = resolve(network_.graph, member.choice, answer);
    outputs.clear();
    for (const SubNode& part : sub.nodes) outputs[node(part.node).name] = evaluate(member, part, input);
    return outputs[node(sub.answer().node).name].values;
  }

 private:
  const Node& node(int index) const { return network_.graph.nodes[static_cast<std::size_t>(index)]; }
  std::vector<double> values(const std::string& name) const {
    const Tensor& tensor = *find_tensor(network_, name);
    std::vector<float> floats(tensor.bytes.size() / 4);
    std::memcpy(floats.data(), tensor.bytes.data(), tensor.bytes.size());
    return {floats.begin(), floats.end()};
  }
  int64_t rows(const Resolved& height) const {
    return height.symbol < 0
               ? height.constant
               : height.at(symbols.at(network_.graph.symbols[static_cast<std::size_t>(height.symbol)].name));
  }
  static double activate(Activation activation, double x) {
    const double six = std::min(std::max(x + 3, 0.0), 6.0) / 6;
    if (activation == Activation::kRelu) return std::max(x, 0.0);
    if (activation == Activation::kRelu6) return std::clamp(x, 0.0, 6.0);
    if (activation == Activation::kHardSigmoid) return six;
    return activation == Activation::kHardSwish ? x * six : x;
  }

  std::vector<double> kernel_weights(const Node& n, int64_t kernel) const {
    const Tensor& tensor = *find_tensor(network_, n.weight);
    std::vector<double> weights = values(n.weight);
    int64_t size = tensor.shape.size() == 4 ? tensor.shape[2] : 1;
    while (size != kernel) {
      // Largest step that still leads to the wanted kernel: the toys have one chain.
      const auto step = std::find_if(n.transforms.begin(), n.transforms.end(),
                                     [&](const KernelTransform& t) { return t.from == size; });
      const std::vector<double> matrix = values(step->matrix);
      const int64_t to = step->to, border = (size - to) / 2;
      std::vector<double> result;
      for (std::size_t k = 0; k < weights.size(); k += static_cast<std::size_t>(size * size)) {
        for (int64_t i = 0; i < to * to; ++i) {
          double sum = 0;
          for (int64_t j = 0; j < to * to; ++j) {
            sum += matrix[static_cast<std::size_t>(i * to * to + j)] *
                   weights[k + static_cast<std::size_t>((j / to + border) * size + j % to + border)];
          }
          result.push_back(sum);
        }
      }
      weights = result;
      size = to;
    }
    return weights;
  }

  Dense gather(const SubNode& part) const {  // all input channels, one after another
    const Dense& first = outputs.at(node(part.inputs[0].node).name);
    Dense all(part.input_channels(), first.height, first.width);
    int64_t at = 0;
    for (const Range& range : part.inputs) {
      const Dense& from = outputs.at(node(range.node).name);
      for (int64_t c = 0; c < range.count; ++c, ++at) {
        for (int64_t y = 0; y < all.height; ++y) {
          for (int64_t x = 0; x < all.width; ++x)
            all.at(at, y, x) = from.get(range.from + c, from.height == 1 ? 0 : y, from.width == 1 ? 0 : x);
        }
      }
    }
    return all;
  }

  Dense weighted(const Member& member, const SubNode& part, const Node& n) {
    const Dense in = gather(part);
    Dense out(part.channels, rows(part.height), part.width);
    const Tensor& tensor = *find_tensor(network_, n.weight);
    const std::vector<double> weights = kernel_weights(n, part.kernel);
    const int64_t k = part.kernel, inputs = tensor.shape[1];
    std::vector<int64_t> column;  // of each input channel in the weights
    for (const Range& range : part.inputs) {
      for (int64_t c = 0; c < range.count; ++c) column.push_back(range.weight_from + c);
    }
    const int64_t each_in = in.channels / part.groups, each_out = part.channels / part.groups;
    for (int64_t c = 0; c < out.channels; ++c) {
      for (int64_t y = 0; y < out.height; ++y) {
        for (int64_t x = 0; x < out.width; ++x) {
          double sum = 0;
          for (int64_t i = 0; i < each_in; ++i) {
            const int64_t channel = c / each_out * each_in + i;
            const int64_t col = part.groups > 1 ? i : column[static_cast<std::size_t>(channel)];
            for (int64_t t = 0; t < k * k; ++t) {
              sum += in.get(channel, y * n.stride + t / k - part.padding, x * n.stride + t % k - part.padding) *
                     weights[static_cast<std::size_t>(((c + part.channels_from) * inputs + col) * k * k + t)];
            }
          }
          out.at(c, y, x) = sum;
        }
      }
    }
    finish(member, part, n, out);
    return out;
  }

  void finish(const Member& member, const SubNode& part, const Node& n, Dense& out) {
    const Norm* norm = n.norm ? &*n.norm : nullptr;
    for (const auto& [name, own] : member.norms) {
      if (name == n.name) norm = &own;
    }
    const auto pick = [&](const std::string& name, int64_t c) {
      const std::vector<double> all = values(name);
      return all[static_cast<std::size_t>(static_cast<int64_t>(all.size()) == part.channels ? c
                                                                                            : c + part.channels_from)];
    };
    for (int64_t c = 0; c < out.channels; ++c) {
      const double bias = n.bias.empty() ? 0 : pick(n.bias, c);
      for (int64_t y = 0; y < out.height; ++y) {
        for (int64_t x = 0; x < out.width; ++x) {
          double value = out.at(c, y, x) + bias;
          if (norm != nullptr) {
            value = (value - pick(norm->mean, c)) /
                        std::sqrt(pick(norm->variance, c) + static_cast<double>(norm->epsilon)) *
                        pick(norm->weight, c) +
                    pick(norm->bias, c);
          }
          if (part.residual >= 0) value += outputs.at(node(part.residual).name).get(c, y, x);
          out.at(c, y, x) = activate(n.activation, value);
        }
      }
    }
  }

  Dense pooled(const SubNode& part, const Node& n) {
    const Dense in = gather(part);
    Dense out(part.channels, rows(part.height), part.width);
    const bool global = n.op == Op::kGlobalAveragePool, top = n.op == Op::kMaxPool;
    for (int64_t c = 0; c < out.channels; ++c) {
      for (int64_t y = 0; y < out.height; ++y) {
        for (int64_t x = 0; x < out.width; ++x) {
          double value = top ? -1e30 : 0;
          for (int64_t iy = 0; iy < in.height; ++iy) {
            for (int64_t ix = 0; ix < in.width; ++ix) {
              const int64_t ky = iy - (y * n.stride - part.padding), kx = ix - (x * n.stride - part.padding);
              if (!global && (ky < 0 || kx < 0 || ky >= part.kernel || kx >= part.kernel)) continue;
              value = top ? std::max(value, in.get(c, iy, ix)) : value + in.get(c, iy, ix);
            }
          }
          if (!top) value /= static_cast<double>(global ? in.height * in.width : part.kernel * part.kernel);
          out.at(c, y, x) = value;
        }
      }
    }
    return out;
  }

  Dense attention(const SubNode& part, const Node& n) {
    const Dense all = gather(part);
    const int64_t channels = part.channels, size = channels / n.heads, fresh = all.height;
    Dense out(channels, fresh, 1);
    std::vector<Dense>& kept = state[n.name];
    int64_t past = 0;
    if (n.state) past = symbols.at(network_.graph.symbols[static_cast<std::size_t>(n.state->symbol)].name);
    if (kept.empty() || !n.state) kept = {Dense(channels, 64, 1), Dense(channels, 64, 1)};
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t r = 0; r < fresh; ++r) {
        kept[0].at(c, past + r, 0) = all.get(channels + c, r, 0);
        kept[1].at(c, past + r, 0) = all.get(2 * channels + c, r, 0);
      }
    }
    for (int64_t head = 0; head < n.heads; ++head) {
      for (int64_t r = 0; r < fresh; ++r) {
        const int64_t seen = n.state ? past + r + 1 : fresh;
        std::vector<double> scores;
        double sum = 0;
        for (int64_t k = 0; k < seen; ++k) {
          double score = 0;
          for (int64_t c = head * size; c < (head + 1) * size; ++c) score += all.get(c, r, 0) * kept[0].get(c, k, 0);
          scores.push_back(std::exp(score / std::sqrt(static_cast<double>(size))));
          sum += scores.back();
        }
        for (int64_t c = head * size; c < (head + 1) * size; ++c) {
          double value = 0;
          for (int64_t k = 0; k < seen; ++k) value += scores[static_cast<std::size_t>(k)] / sum * kept[1].get(c, k, 0);
          out.at(c, r, 0) = value;
        }
      }
    }
    return out;
  }

  Dense evaluate(const Member& member, const SubNode& part, const std::vector<float>& input) {
    const Node& n = node(part.node);
    if (n.op == Op::kInput) {
      Dense out(part.channels, rows(part.height), part.width);
      std::copy_n(input.begin(), out.values.size(), out.values.begin());
      return out;
    }
    if (n.op == Op::kConv2d || n.op == Op::kLinear) return weighted(member, part, n);
    if (n.op == Op::kAttention) return attention(part, n);
    if (n.op == Op::kMaxPool || n.op == Op::kAveragePool || n.op == Op::kGlobalAveragePool) return pooled(part, n);
    const Dense all = gather(part);
    const bool joins = n.op == Op::kAdd || n.op == Op::kMultiply;
    Dense out(part.channels, all.height, all.width);
    for (int64_t y = 0; y < out.height; ++y) {
      for (int64_t x = 0; x < out.width; ++x) {
        double sum = 0;
        for (int64_t c = 0; c < out.channels; ++c) {
          double value = all.get(c, y, x);
          for (int64_t i = part.channels; joins && i < all.channels; i += part.channels) {
            value = n.op == Op::kAdd ? value + all.get(c + i, y, x) : value * all.get(c + i, y, x);
          }
          out.at(c, y, x) = n.op == Op::kSoftmax ? std::exp(value) : activate(n.activation, value);
          sum += out.at(c, y, x);
        }
        for (int64_t c = 0; c < out.channels && n.op == Op::kSoftmax; ++c) out.at(c, y, x) /= sum;
      }
    }
    return out;
  }

  const Network& network_;
};

}  // namespace limber::toy
