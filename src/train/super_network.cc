// SPDX-License-Identifier: Apache-2.0
#include "train/super_network.h"

#include <algorithm>

#include "base/error.h"
#include "design/calibrate_norms.h"
#include "design/evaluate.h"
#include "network/check.h"
#include "network/model.h"
#include "train/finished_model.h"
#include "train/sampler.h"
#include "train/sorting.h"

namespace limber::train {
namespace {

using torch::Tensor;

// Each value of each dimension once, beside the largest ones: together they use every tensor to its full extent.
std::vector<Step> covering_steps(const Graph& graph) {
  std::vector<Step> steps;
  const Choice all = largest_choice(graph.space);
  steps.push_back(sub_network_step(graph, all));
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const int64_t value : graph.space.dimensions[i].choices) {
      Choice one = all;
      one[i] = value;
      steps.push_back(sub_network_step(graph, one));
    }
  }
  return steps;
}

// What this sub-network sees: the batch, or the batch made smaller as sessions make it.
Tensor resized(const Tensor& x, const Step& step) {
  const SubNode& input = step.network.nodes.front();
  if (x.size(2) == input.height.constant && x.size(3) == input.width) return x;
  return at::_upsample_bilinear2d_aa(x, {input.height.constant, input.width}, false)
      .contiguous(at::MemoryFormat::ChannelsLast);
}

// One update's images, resized once for each resolution.
class Resolutions {
 public:
  explicit Resolutions(const Tensor& x) : x_(x) {}
  const Tensor& of(const Step& step) {
    const SubNode& input = step.network.nodes.front();
    Tensor& known = known_[{input.height.constant, input.width}];
    if (!known.defined()) known = resized(x_, step);
    return known;
  }

 private:
  Tensor x_;
  std::map<std::pair<int64_t, int64_t>, Tensor> known_;
};

Tensor cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing) {
  return torch::nn::functional::cross_entropy(
      logits, labels, torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(smoothing));
}

Tensor distillation(const Tensor& logits, const Tensor& soft) {
  return -(soft * torch::log_softmax(logits, 1)).sum(1).mean();
}

Tensors with(Tensors weights, const MemberStatistics& statistics) {
  for (const auto& [name, tensor] : statistics) weights[name] = tensor;
  return weights;
}

// The norms of a sub-network: node and width.
std::vector<std::pair<const Node*, int64_t>> norms_of(const Graph& graph, const Step& step) {
  std::vector<std::pair<const Node*, int64_t>> norms;
  for (const SubNode& sub : step.network.nodes) {
    const Node& node = graph.nodes[static_cast<std::size_t>(sub.node)];
    if (node.norm) norms.push_back({&node, sub.channels});
  }
  return norms;
}

}  // namespace

MemberStatistics measure_statistics(const Recipe& recipe, const Graph& graph, const Choice& choice,
                                    const Tensors& weights, const Images& images, int64_t count, bool bf16) {
  torch::NoGradGuard guard;
  const Step step = sub_network_step(graph, choice);
  MemberStatistics statistics;
  for (const auto& [node, channels] : norms_of(graph, step)) {
    statistics[node->norm->mean] = torch::zeros({channels}, device_of(weights));
    statistics[node->norm->variance] = torch::ones({channels}, device_of(weights));
  }
  Tensors view = with(weights, statistics);
  const Tensors no_leaves;
  Interpreter net(graph, step, view, no_leaves, Statistics::kMeasured, bf16);
  const std::vector<int64_t> order = shuffled(images.count, mix(static_cast<uint64_t>(recipe.seed), 0, 0, 0));
  constexpr int64_t kBatch = 128;
  const int64_t batches = std::max<int64_t>(1, std::min(count, images.count) / kBatch);
  for (int64_t i = 0; i < batches; ++i) {
    Tensor labels;
    const Tensor x = to_batch(recipe, images, &order[static_cast<std::size_t>(i * kBatch)],
                              std::min<int64_t>(kBatch, images.count), nullptr, device_of(weights), labels);
    net.start(resized(x, step));
    net.measured = i;
    net.own();
  }
  return statistics;
}

double accuracy_with(const Recipe& recipe, const Graph& graph, const Choice& choice, const Tensors& weights,
                     const MemberStatistics& statistics, const Images& images, bool bf16) {
  torch::NoGradGuard guard;
  const Step step = sub_network_step(graph, choice);
  Tensors view = with(weights, statistics);
  const Tensors no_leaves;
  Interpreter net(graph, step, view, no_leaves, Statistics::kStored, bf16);
  int64_t right = 0;
  std::vector<int64_t> indices(250);
  for (int64_t start = 0; start < images.count; start += 250) {
    const int64_t n = std::min<int64_t>(250, images.count - start);
    for (int64_t i = 0; i < n; ++i) indices[static_cast<std::size_t>(i)] = start + i;
    Tensor labels;
    net.start(resized(to_batch(recipe, images, indices.data(), n, nullptr, device_of(weights), labels), step));
    right += net.own().argmax(1).eq(labels).sum().item<int64_t>();
  }
  return static_cast<double>(right) / static_cast<double>(images.count);
}

SuperNetworkLearner::SuperNetworkLearner(const Recipe& recipe, const Graph& graph, const TrainingData& data,
                                         const TrainOptions& options, const Network* start, Processes* processes)
    : recipe_(recipe),
      graph_(graph),
      data_(data),
      options_(options),
      processes_(processes),
      bf16_(recipe.precision == Precision::kBf16) {
  for (const RecipePhase& phase : recipe.phases)
    spaces_.push_back(restricted(graph.space, phase.space, fmt::format("{}:{}: phase.space", recipe.path, phase.line)));
  for (const RecipeMember& member : recipe.members) choices_.push_back(parse_choice(graph.space, member.choice));
  if (processes != nullptr && recipe.batch % processes->size() != 0)
    fail(ErrorCode::kInvalidArgument, "{}: training.batch is {}, which {} processes cannot share equally", recipe.path,
         recipe.batch, processes->size());
  check_data(recipe, graph, sub_network_step(graph, largest_choice(graph.space)), data, true);
  make_weights(start);
}

void SuperNetworkLearner::make_weights(const Network* start) {
  torch::NoGradGuard guard;
  weights_ = blank_weights(graph_, tensor_shapes(graph_, covering_steps(graph_)));
  torch::manual_seed(static_cast<uint64_t>(recipe_.seed) * 1000);
  for (const Node& node : graph_.nodes) {
    if (node.op != Op::kConv2d && node.op != Op::kLinear) continue;
    Tensor& weight = weights_.at(node.weight);
    weight.copy_(random_weight(weight.sizes().vec(), node));
    for (const KernelTransform& transform : node.transforms)
      weights_.at(transform.matrix).copy_(torch::eye(transform.to * transform.to));
  }
  for (auto& [name, tensor] : weights_) {
    const limber::Tensor* stored = start != nullptr ? find_tensor(*start, name) : nullptr;
    if (stored == nullptr) continue;
    if (stored->shape != tensor.sizes().vec())
      fail(ErrorCode::kBadFile, "{}: tensor '{}' has another shape than network '{}' needs; give another `start` in {}",
           recipe_.start, name, graph_.name, recipe_.path);
    tensor.copy_(to_torch(*stored));
  }
  move_to(device_named(options_.device), weights_);
}

void SuperNetworkLearner::make_leaves() {
  leaves_.clear();
  const auto add = [&](const std::string& name, bool decay, bool scale_free = false) {
    for (const Leaf& leaf : leaves_) {
      if (leaf.name == name) return;  // a tied tensor
    }
    leaves_.push_back(make_leaf(name, weights_.at(name).detach(), decay, scale_free));
  };
  for (const Node& node : graph_.nodes) {
    if (node.op != Op::kConv2d && node.op != Op::kLinear) continue;
    add(node.weight, true, scale_free(node));
    if (!node.bias.empty()) add(node.bias, false);
    if (node.norm) {
      add(node.norm->weight, false);
      add(node.norm->bias, false);
    }
    for (const KernelTransform& transform : node.transforms) add(transform.matrix, false);
  }
}

double SuperNetworkLearner::learning_rate(int64_t phase, double done) const {
  const RecipePhase& recipe = phase_at(phase);
  return learning_rate_at(recipe.learning_rate, recipe.warm_up, recipe.schedule, done);
}

void SuperNetworkLearner::begin(int64_t phase) {
  phase_ = phase;
  if (phase_at(phase).sort) {
    const int64_t sorted = sort_channels(graph_, weights_);
    if (options_.note)
      options_.note(fmt::format("phase {}: {} sets of channels sorted by importance", phase_name(phase), sorted));
  }
  make_leaves();
  teacher_.clear();
  if (phase_at(phase).teacher != Teacher::kPrevious) return;
  for (const auto& [name, tensor] : weights_) teacher_[name] = tensor.clone();
}

void SuperNetworkLearner::restore(int64_t phase, const Tensors& state) {
  restore_weights(state, weights_, recipe_);
  phase_ = phase;
  leaves_.clear();
  teacher_.clear();
  for (const auto& [name, tensor] : state) {
    if (name.starts_with("teacher/")) teacher_[name.substr(8)] = tensor.to(device_of(weights_));
  }
  if (std::none_of(state.begin(), state.end(), [](const auto& one) { return one.first.starts_with("momentum/"); }))
    return;
  make_leaves();
  torch::NoGradGuard guard;
  for (Leaf& leaf : leaves_) {
    const auto momentum = state.find("momentum/" + leaf.name);
    if (momentum == state.end() || momentum->second.sizes() != leaf.value.sizes())
      fail(ErrorCode::kBadFile, "the momentum of '{}' is missing", leaf.name);
    leaf.momentum.copy_(momentum->second);
  }
}

Tensors SuperNetworkLearner::state() {
  Tensors state = weights_;
  for (const Leaf& leaf : leaves_) state["momentum/" + leaf.name] = leaf.momentum;
  for (const auto& [name, tensor] : teacher_) state["teacher/" + name] = tensor;
  return state;
}

double SuperNetworkLearner::learn(const Tensor& x, const Tensor& labels, const Place& place) {
  const RecipePhase& phase = phase_at(phase_);
  Random random(mix(place.seed, 1, 0, 0));  // another stream than the augmentation's
  const DesignSpace& space = spaces_[static_cast<std::size_t>(phase_)];
  const std::vector<Choice> choices = sample(space, phase.sample, phase.subnets, random);
  const Tensors values = values_of(leaves_);
  Resolutions images(x);
  const auto answer = [&](const Choice& choice, Tensors& weights, const Tensors& leaves) {
    const Step step = sub_network_step(graph_, choice);
    Interpreter net(graph_, step, weights, leaves, Statistics::kBatch, bf16_);
    net.start(images.of(step));
    return net.own();
  };
  const Tensors no_leaves;
  Tensor soft;  // what the teacher says
  if (phase.teacher == Teacher::kPrevious) {
    torch::NoGradGuard guard;
    soft = torch::softmax(answer(largest_choice(graph_.space), teacher_, no_leaves), 1);
  } else if (phase.teacher == Teacher::kLargest && phase.sample == Sample::kRandom) {
    torch::NoGradGuard guard;
    soft = torch::softmax(answer(largest_choice(space), weights_, no_leaves), 1);
  }
  std::vector<Tensor> losses;  // read at the end: to read one is to wait for the device
  for (const Choice& choice : choices) {
    const Tensor logits = answer(choice, weights_, values);
    Tensor loss;
    if (!soft.defined()) {
      loss = cross_entropy(logits, labels, recipe_.label_smoothing);
      if (phase.teacher == Teacher::kLargest) soft = torch::softmax(logits.detach(), 1);  // the largest comes first
    } else {
      loss = distillation(logits, soft);
      if (phase.hard > 0)
        loss = loss * (1 - phase.hard) + cross_entropy(logits, labels, recipe_.label_smoothing) * phase.hard;
    }
    loss.backward();  // gradients add up over the sub-networks
    losses.push_back(loss.detach());
  }
  double loss = 0;
  for (const Tensor& one : losses) loss += one.item<double>();
  loss /= static_cast<double>(choices.size());
  if (processes_ != nullptr) processes_->average(leaves_, loss);
  update(leaves_, recipe_, place.rate);
  require_finite(loss, recipe_, "phase " + phase.name, place.epoch, place.batch, phase.learning_rate);
  return loss;
}

void SuperNetworkLearner::judge(EpochRecord& record, const std::vector<EpochRecord>&) {
  const auto judged = [&](std::size_t member) {
    const MemberStatistics statistics =
        measure_statistics(recipe_, graph_, choices_[member], weights_, data_.train, recipe_.calibration, bf16_);
    return record.members[recipe_.members[member].name] =
               accuracy_with(recipe_, graph_, choices_[member], weights_, statistics, data_.validation, bf16_);
  };
  judged(0);
  record.validation = record.validation_own = judged(choices_.size() - 1);
}

void SuperNetworkLearner::end(int64_t, EpochRecord*) {
  leaves_.clear();
  teacher_.clear();
}

// Statistics and accuracies are the engine's own, so that `limber eval` finds the accuracies that are stored.
Network SuperNetworkLearner::finish() {
  torch::NoGradGuard guard;
  leaves_.clear();
  move_to(torch::kCPU, weights_);
  const Images calibration =
      drawn_images(data_.train, recipe_.calibration, mix(static_cast<uint64_t>(recipe_.seed), 0, 0, 0));
  Network network = blank_network(recipe_, graph_, data_);
  add_tensors(network, weights_);
  // The shared statistics are the largest's, for whoever looks at a sub-network that is no member.
  for (const NormStatistics& found : calibrate_norms(network, largest_choice(graph_.space), calibration)) {
    const Norm& norm = *std::find_if(graph_.nodes.begin(), graph_.nodes.end(), [&](const Node& node) {
                          return node.name == found.node;
                        })->norm;
    for (const auto& [name, values] : {std::pair{norm.mean, &found.mean}, std::pair{norm.variance, &found.variance}}) {
      if (weights_.at(name).size(0) == static_cast<int64_t>(values->size())) weights_[name] = torch::tensor(*values);
    }
  }
  network.tensors.clear();
  add_tensors(network, weights_);
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    network.family.push_back({recipe_.members[i].name, choices_[i], {}, {}});
    store_norms(&network, i, calibrate_norms(network, choices_[i], calibration));
  }
  ModelOptions options;
  options.use_cache = false;
  const auto model = Model::build(network, options);
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    const double top1 = count_right(model, static_cast<int>(i), data_.validation).top1();
    add_accuracy(network.family[i], data_.validation, "validation", top1, options_);
  }
  return network;
}

}  // namespace limber::train
