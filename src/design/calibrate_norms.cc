// SPDX-License-Identifier: Apache-2.0
#include "design/calibrate_norms.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/thread_pool.h"
#include "design/cut_points.h"
#include "network/check.h"
#include "network/packed_weights.h"
#include "network/session.h"

namespace limber {
namespace {

constexpr int64_t kChunk = 16;  // images that one thread adds up by itself; fixed, so sums do not depend on the cores

// Count, mean and sum of squared differences of each channel; merged as Chan, Golub and LeVeque (1983) do.
struct Moments {
  double count = 0;
  std::vector<double> mean, squares;

  void merge(const Moments& other) {
    if (count == 0) {
      *this = other;
      return;
    }
    const double sum = count + other.count;
    for (std::size_t c = 0; c < mean.size(); ++c) {
      const double difference = other.mean[c] - mean[c];
      squares[c] += other.squares[c] + difference * difference * count * other.count / sum;
      mean[c] += difference * other.count / sum;
    }
    count = sum;
  }
};

Moments moments_of(std::span<const float> values, std::size_t channels) {
  const std::size_t pixels = values.size() / channels;
  Moments result{static_cast<double>(pixels), std::vector<double>(channels), std::vector<double>(channels)};
  for (std::size_t c = 0; c < channels; ++c) {
    const auto plane = values.subspan(c * pixels, pixels);
    double sum = 0, squares = 0;
    for (const float value : plane) sum += static_cast<double>(value);
    const double mean = sum / static_cast<double>(pixels);
    for (const float value : plane)
      squares += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
    result.mean[c] = mean;
    result.squares[c] = squares;
  }
  return result;
}

void put_tensor(Network* network, const std::string& name, const std::vector<float>& values) {
  auto owner = std::make_shared<const std::vector<float>>(values);
  Tensor tensor{name, DType::kF32, {static_cast<int64_t>(values.size())}, std::as_bytes(std::span(*owner)), owner};
  std::erase_if(network->tensors, [&](const Tensor& old) { return old.name == name; });
  network->tensors.push_back(std::move(tensor));
}

void put_norm(Network* network, Member* member, const NormStatistics& found) {
  const auto node = std::find_if(network->graph.nodes.begin(), network->graph.nodes.end(),
                                 [&](const Node& each) { return each.name == found.node; });
  if (node == network->graph.nodes.end() || !node->norm) {
    fail(ErrorCode::kInvalidArgument, "network '{}': statistics for '{}', which is no node with a norm", network->name,
         found.node);
  }
  Norm norm = *node->norm;
  norm.mean = member->name + "/" + found.node + ".mean";
  norm.variance = member->name + "/" + found.node + ".variance";
  put_tensor(network, norm.mean, found.mean);
  put_tensor(network, norm.variance, found.variance);
  member->norms.emplace_back(found.node, norm);
}

// Walks through the network: `inputs_` hold the values at the last cut that was computed for all images.
class Calibration {
 public:
  Calibration(const Network& network, const Choice& choice, const Images& images, const CalibrationOptions& options)
      : network_(one_member(network, choice, {})),
        images_(images),
        options_(options),
        pool_(options.cores),
        sub_(resolve(network.graph, choice)),
        cuts_(cut_points(sub_)) {}

  std::vector<NormStatistics> run() {
    std::vector<std::size_t> norms;
    for (std::size_t i = 0; i < sub_.nodes.size(); ++i) {
      if (node(i).norm) norms.push_back(i);
    }
    std::vector<NormStatistics> result;
    for (std::size_t i = 0; i < norms.size(); ++i) {
      if (options_.progress) options_.progress(static_cast<int64_t>(i), static_cast<int64_t>(norms.size()));
      advance(norms[i]);
      result.push_back(measure(norms[i]));
      put_norm(&network_, &network_.family[0], result.back());  // for the norms after it
    }
    if (options_.progress) options_.progress(static_cast<int64_t>(norms.size()), static_cast<int64_t>(norms.size()));
    return result;
  }

 private:
  const Node& node(std::size_t position) const {
    return network_.graph.nodes[static_cast<std::size_t>(sub_.nodes[position].node)];
  }
  int64_t floats(std::size_t position) const {
    const SubNode& part = sub_.nodes[position];
    return part.channels * part.height.constant * part.width;
  }

  // Remembers what comes out of the latest cut before `target`, if that fits.
  void advance(std::size_t target) {
    std::size_t best = from_;
    for (const std::size_t cut : cuts_) {
      const int64_t both = (floats(cut) + (from_ > 0 ? floats(from_) : 0)) * 4;
      if (cut > from_ && cut < target && both <= options_.memory / images_.count) best = cut;
    }
    if (best == from_) return;
    const int64_t size = floats(best);
    std::vector<float> values(static_cast<std::size_t>(images_.count * size));
    run_all(best, false, [&](int64_t image, std::span<const float> answer) {
      std::copy(answer.begin(), answer.end(), values.begin() + image * size);
    });
    values_ = std::move(values);
    from_ = best;
  }

  NormStatistics measure(std::size_t position) {
    const auto channels = static_cast<std::size_t>(sub_.nodes[position].channels);
    std::vector<Moments> chunks(static_cast<std::size_t>((images_.count + kChunk - 1) / kChunk));
    run_all(position, true, [&](int64_t image, std::span<const float> answer) {
      chunks[static_cast<std::size_t>(image / kChunk)].merge(moments_of(answer, channels));
    });
    Moments all;
    for (const Moments& chunk : chunks) all.merge(chunk);
    NormStatistics result{node(position).name, {}, {}};
    for (std::size_t c = 0; c < channels; ++c) {
      result.mean.push_back(static_cast<float>(all.mean[c]));
      result.variance.push_back(static_cast<float>(all.squares[c] / all.count));
      if (!std::isfinite(result.mean.back()) || !std::isfinite(result.variance.back())) {
        fail(
            ErrorCode::kBadFile,
            "network '{}', choice '{}': channel {} of node '{}' is not finite over these images: its weights, or those "
            "before it, are broken",
            network_.name, to_string(network_.graph.space, sub_.choice), c, node(position).name);
      }
    }
    return result;
  }

  // Calls use(image, answer of `to`) for every image, images of one chunk in order and on one thread.
  template <typename Use>
  void run_all(std::size_t to, bool raw, const Use& use) {
    ModelOptions options;
    options.isa = options_.isa;
    options.use_cache = false;
    const auto model = Model::build(part_network(network_, sub_, network_.family[0].norms, from_, to, raw), options);
    if (from_ == 0) check_images(*model);
    std::vector<Session> sessions;
    std::vector<std::vector<float>> answers;
    for (int thread = 0; thread < pool_.threads(); ++thread) {
      sessions.emplace_back(model);
      answers.emplace_back(static_cast<std::size_t>(model->outputs()));
    }
    pool_.enter();
    pool_.run((images_.count + kChunk - 1) / kChunk, [&](int64_t chunk, int thread) {
      std::vector<float>& answer = answers[static_cast<std::size_t>(thread)];
      for (int64_t image = chunk * kChunk; image < std::min((chunk + 1) * kChunk, images_.count); ++image) {
        sessions[static_cast<std::size_t>(thread)].infer(input(image), answer);
        use(image, answer);
      }
    });
  }

  Batch input(int64_t image) const {
    if (from_ == 0) {
      const int64_t size = images_.height * images_.width * images_.channels;
      return {1,
              std::span(images_.pixels).subspan(static_cast<std::size_t>(image * size), static_cast<std::size_t>(size)),
              {},
              images_.height,
              images_.width};
    }
    const int64_t size = floats(from_);
    return {1, {}, std::span(values_).subspan(static_cast<std::size_t>(image * size), static_cast<std::size_t>(size))};
  }

  void check_images(const Model& model) const {
    if (images_.channels == model.input_channels()) return;
    fail(ErrorCode::kInvalidArgument, "{}: images of {} channels, but choice '{}' reads {}", images_.name,
         images_.channels, to_string(network_.graph.space, sub_.choice), model.input_channels());
  }

  Network network_;  // with the statistics so far
  const Images& images_;
  const CalibrationOptions& options_;
  ThreadPool pool_;
  const SubNetwork sub_;
  const std::vector<std::size_t> cuts_;
  std::size_t from_ = 0;       // position of the last cut; 0: the images themselves
  std::vector<float> values_;  // [images][channels][height][width] of that cut
};

}  // namespace

std::vector<NormStatistics> calibrate_norms(const Network& network, const Choice& choice, const Images& images,
                                            const CalibrationOptions& options) {
  if (images.count < 1) fail(ErrorCode::kInvalidArgument, "{}: no images to calibrate with", images.name);
  check_sub_network(network, choice);
  return Calibration(network, choice, images, options).run();
}

std::vector<NormStatistics> stored_norms(const Network& network, const Member& member) {
  const PackedWeights tensors(network);
  std::vector<NormStatistics> result;
  for (const SubNode& part : resolve(network.graph, member.choice).nodes) {
    const Node& node = network.graph.nodes[static_cast<std::size_t>(part.node)];
    if (!node.norm) continue;
    const auto own = std::find_if(member.norms.begin(), member.norms.end(),
                                  [&](const auto& norm) { return norm.first == node.name; });
    const Norm& norm = own == member.norms.end() ? *node.norm : own->second;
    const auto slice = [&](const std::string& name) {  // the super-network's channels, or just this member's
      const std::vector<float> all = tensors.values(name);
      const bool just = static_cast<int64_t>(all.size()) == part.channels;
      const auto from = all.begin() + (just ? 0 : part.channels_from);
      return std::vector<float>(from, from + part.channels);
    };
    result.push_back({node.name, slice(norm.mean), slice(norm.variance)});
  }
  return result;
}

void store_norms(Network* network, std::size_t index, const std::vector<NormStatistics>& statistics) {
  Member& member = network->family.at(index);
  std::set<std::string> unused;
  for (const auto& [name, norm] : member.norms) unused.insert({norm.mean, norm.variance});
  member.norms.clear();
  for (const NormStatistics& found : statistics) put_norm(network, &member, found);
  const auto use = [&](const Norm& norm) {
    for (const std::string* name : {&norm.weight, &norm.bias, &norm.mean, &norm.variance}) unused.erase(*name);
  };
  for (const Node& node : network->graph.nodes) {
    if (node.norm) use(*node.norm);
  }
  for (const Member& each : network->family) {
    for (const auto& [name, norm] : each.norms) use(norm);
  }
  std::erase_if(network->tensors, [&](const Tensor& tensor) { return unused.contains(tensor.name); });
}

Network one_member(const Network& network, const Choice& choice, const std::vector<NormStatistics>& statistics) {
  Network result = network;
  result.hash.clear();
  result.family.assign(1, {"choice", choice, {}, {}});
  store_norms(&result, 0, statistics);
  return result;
}

}  // namespace limber
