// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.h"

#include <ATen/Context.h>
#include <malloc.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/half.h"
#include "formats/model_file.h"
#include "network/check.h"
#include "train/batches.h"
#include "train/interpreter.h"

namespace limber::train {
namespace {

using torch::Tensor;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// libtorch allocates and frees the same large blocks for every batch; without this each one is mapped and cleared anew.
void set_up_torch(int threads) {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 2147483647);
  mallopt(M_TOP_PAD, 256 << 20);
  at::set_num_threads(threads);
  at::globalContext().setFlushDenormal(true);
}

Tensor to_batch(const Recipe& recipe, const Images& images, const int64_t* indices, int64_t n, Random* random,
                Tensor& labels) {
  Tensor x = torch::empty({n, images.height, images.width, images.channels});
  labels = torch::empty({n}, torch::kLong);
  fill_batch(recipe, images, indices, n, random, x.data_ptr<float>(), labels.data_ptr<int64_t>());
  return x.permute({0, 3, 1, 2});  // channels last in memory
}

Tensor channels_last(Tensor w) {
  return w.dim() == 4 ? w.contiguous(at::MemoryFormat::ChannelsLast) : w.contiguous();
}

// A stored tensor as fp32.
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

struct Scores {
  int64_t own = 0, sum = 0;
};

Scores count_right(const Recipe& recipe, const Graph& graph, const Step& step, Tensors& weights, const Images& images,
                   bool bf16) {
  torch::NoGradGuard guard;
  const Tensors no_leaves;
  Interpreter net(graph, step, weights, no_leaves, false, bf16);
  Scores scores;
  std::vector<int64_t> indices(250);
  for (int64_t start = 0; start < images.count; start += 250) {
    const int64_t n = std::min<int64_t>(250, images.count - start);
    for (int64_t i = 0; i < n; ++i) indices[static_cast<std::size_t>(i)] = start + i;
    Tensor labels;
    net.start(to_batch(recipe, images, indices.data(), n, nullptr, labels));
    const Tensor own = net.own();
    const Tensor before = net.frozen();
    scores.own += own.argmax(1).eq(labels).sum().item<int64_t>();
    scores.sum += (before.defined() ? own + before : own).argmax(1).eq(labels).sum().item<int64_t>();
  }
  return scores;
}

class Trainer {
 public:
  Trainer(const Recipe& recipe, const Graph& graph, const TrainingData& data, const TrainOptions& options)
      : recipe_(recipe), graph_(graph), data_(data), options_(options), bf16_(recipe.precision == Precision::kBf16) {
    for (const RecipeMember& member : recipe.members) choices_.push_back(parse_choice(graph.space, member.choice));
    steps_ = plan_steps(graph, choices_);
    check_data();
    shapes_ = tensor_shapes(graph, steps_);
    if (!recipe.start.empty()) {
      start_ = read_model(recipe.start);
      note(fmt::format("new groups start from {} where it has a tensor of the same name", recipe.start));
    }
    for (const auto& [name, shape] : shapes_) weights_[name] = channels_last(torch::zeros(shape));
    for (const Node& node : graph.nodes) {
      if (node.norm && weights_.count(node.norm->weight) != 0) {
        weights_[node.norm->weight].fill_(1);
        weights_[node.norm->variance].fill_(1);
      }
    }
  }

  TrainResult run() {
    set_up_torch(options_.threads);
    resume();
    TrainResult result;
    while (state_.step < static_cast<int64_t>(steps_.size())) {
      if (!train_step()) {
        save();
        result.records = state_.records;
        return result;
      }
    }
    result.finished = true;
    result.records = state_.records;
    result.network = finish();
    return result;
  }

 private:
  struct Leaf {
    std::string name;
    Tensor value, momentum;
    std::vector<Range> columns;  // of a partly trained weight; empty: all of it
  };

  void note(const std::string& text) const {
    if (options_.note) options_.note(text);
  }

  void check_data() const {
    const SubNode& input = steps_.front().network.nodes.front();
    const SubNode& answer = steps_.front().network.of(steps_.front().answer);
    for (const Images* images : {&data_.train, &data_.validation}) {
      if (images->channels != input.channels || images->height != input.height.constant ||
          images->width != input.width) {
        fail(ErrorCode::kInvalidArgument,
             "{}: data set '{}' has images of {}x{}x{} (channels, height, width); network '{}' takes {}x{}x{}",
             recipe_.path, images->name, images->channels, images->height, images->width, graph_.name, input.channels,
             input.height.constant, input.width);
      }
      if (static_cast<int64_t>(images->classes.size()) != answer.channels) {
        fail(ErrorCode::kInvalidArgument, "{}: data set '{}' has {} classes; network '{}' answers with {}",
             recipe_.path, images->name, images->classes.size(), graph_.name, answer.channels);
      }
    }
    if (static_cast<int64_t>(recipe_.mean.size()) != input.channels)
      fail(ErrorCode::kBadFile, "{}: data.mean has {} values for {} channels", recipe_.path, recipe_.mean.size(),
           input.channels);
    if (data_.train.count < recipe_.batch)
      fail(ErrorCode::kBadFile, "{}: training.batch is {}, but there are only {} training images", recipe_.path,
           recipe_.batch, data_.train.count);
  }

  const Step& step() const { return steps_[static_cast<std::size_t>(state_.step)]; }

  // New leaves for this step, initialised from the recipe's seed: He for convolutions, 1/sqrt(inputs) for linear
  // layers.
  void make_leaves() {
    leaves_.clear();
    torch::manual_seed(static_cast<uint64_t>(recipe_.seed) * 1000 + static_cast<uint64_t>(state_.step));
    const auto add = [&](const std::string& name, Tensor value, std::vector<Range> columns) {
      for (const Leaf& leaf : leaves_) {
        if (leaf.name == name) return;  // a tied tensor
      }
      value = channels_last(value).requires_grad_();
      leaves_.push_back({name, value, torch::zeros_like(value), std::move(columns)});
    };
    for (const SubNode& sub : step().network.nodes) {
      const Node& node = graph_.nodes[static_cast<std::size_t>(sub.node)];
      const bool answer = sub.node == step().answer;
      if (!answer && !step().fresh[static_cast<std::size_t>(sub.node)]) continue;
      if (node.op != Op::kConv2d && node.op != Op::kLinear) continue;
      std::vector<int64_t> shape = shapes_.at(node.weight);
      if (answer) {
        shape[1] = 0;
        for (const Range& range : step().new_ranges) shape[1] += range.count;
      }
      Tensor w = torch::randn(shape);
      if (node.op == Op::kConv2d)
        w.mul_(std::sqrt(2.0 / static_cast<double>(shape[0] * shape[2] * shape[3])));
      else
        w.mul_(std::sqrt(1.0 / static_cast<double>(shape[1])));
      if (recipe_.join > 0 && state_.step > 0 && node.op == Op::kConv2d && sub.groups == 1 && !node.depthwise) {
        Tensor own = torch::zeros_like(w);  // what reads earlier groups starts at zero
        for (const Range& range : Interpreter::ranges_alone(step(), sub))
          own.narrow(1, range.weight_from, range.count).copy_(w.narrow(1, range.weight_from, range.count));
        w = own;
      }
      start_from_model(sub, node, answer, w);
      add(node.weight, w, answer ? step().new_ranges : std::vector<Range>{});
      const bool fresh = step().fresh[static_cast<std::size_t>(sub.node)];
      if (!node.bias.empty() && fresh) add(node.bias, weights_.at(node.bias).clone(), {});
      if (node.norm && fresh) {
        add(node.norm->weight, weights_.at(node.norm->weight).clone(), {});
        add(node.norm->bias, weights_.at(node.norm->bias).clone(), {});
      }
    }
  }

  // Puts what recipe.start has for this node into `w` (the new columns of the whole weight) and into the node's other
  // tensors.
  void start_from_model(const SubNode& sub, const Node& node, bool answer, Tensor& w) {
    const limber::Tensor* stored = start_ && !resumed_ ? find_tensor(*start_, node.weight) : nullptr;
    if (stored == nullptr) return;
    const Tensor have = to_torch(*stored);
    int64_t narrow = 0;
    for (const Range& range : Interpreter::ranges_alone(step(), sub)) narrow += range.count;
    if (answer && have.sizes().vec() == shapes_.at(node.weight)) {
      int64_t from = 0;
      for (const Range& range : step().new_ranges) {
        w.narrow(1, from, range.count).copy_(have.narrow(1, range.weight_from, range.count));
        from += range.count;
      }
    } else if (!answer && have.sizes() == w.sizes()) {
      w.copy_(have);
    } else if (!answer && have.dim() == w.dim() && have.size(0) == w.size(0) && have.size(1) == narrow &&
               have.dim() == 4 && have.size(2) == w.size(2) && have.size(3) == w.size(3)) {
      w.zero_();  // the start has only the node's own group: what reads earlier groups starts at zero
      int64_t from = 0;
      for (const Range& range : Interpreter::ranges_alone(step(), sub)) {
        w.narrow(1, range.weight_from, range.count).copy_(have.narrow(1, from, range.count));
        from += range.count;
      }
    } else {
      fail(ErrorCode::kBadFile, "{}: tensor '{}' has another shape than network '{}' needs; give another `start` in {}",
           recipe_.start, node.weight, graph_.name, recipe_.path);
    }
    if (!step().fresh[static_cast<std::size_t>(sub.node)]) return;
    std::vector<std::string> others;
    if (!node.bias.empty()) others.push_back(node.bias);
    if (node.norm)
      others.insert(others.end(), {node.norm->weight, node.norm->bias, node.norm->mean, node.norm->variance});
    for (const std::string& name : others) {
      const limber::Tensor* other = find_tensor(*start_, name);
      if (other != nullptr && other->shape == shapes_.at(name)) weights_.at(name).copy_(to_torch(*other));
    }
  }

  // Visits every column range of a leaf: (columns of the whole tensor, columns of the leaf).
  template <typename Function>
  void for_columns(const Leaf& leaf, Function function) {
    int64_t from = 0;
    for (const Range& range : leaf.columns) {
      function(weights_.at(leaf.name).narrow(1, range.weight_from, range.count),
               leaf.value.narrow(1, from, range.count));
      from += range.count;
    }
  }

  void leaves_to_weights() {
    torch::NoGradGuard guard;
    for (Leaf& leaf : leaves_) {
      if (leaf.columns.empty())
        weights_.at(leaf.name).copy_(leaf.value);
      else
        for_columns(leaf, [](Tensor whole, Tensor part) { whole.copy_(part); });
    }
  }

  void weights_to_leaves() {
    torch::NoGradGuard guard;
    for (Leaf& leaf : leaves_) {
      if (leaf.columns.empty())
        leaf.value.copy_(weights_.at(leaf.name));
      else
        for_columns(leaf, [](Tensor whole, Tensor part) { part.copy_(whole); });
    }
  }

  // False when stopped. Begins or goes on wherever state_ says.
  bool train_step() {
    make_leaves();
    if (resumed_) {
      weights_to_leaves();
      for (Leaf& leaf : leaves_) leaf.momentum.copy_(momenta_.at(leaf.name));
      resumed_ = false;
    } else {
      leaves_to_weights();
    }
    const int64_t epochs = recipe_.epochs[static_cast<std::size_t>(state_.step)];
    while (state_.epoch < epochs) {
      if (!train_epoch(epochs)) return false;
    }
    if (recipe_.keep == Keep::kBest) {
      for (const auto& [name, tensor] : best_) weights_.at(name).copy_(tensor);
      best_.clear();
    }
    leaves_.clear();
    ++state_.step;
    state_.epoch = 0;
    state_.best = -1;
    save();
    return true;
  }

  bool train_epoch(int64_t epochs) {
    const auto seed = static_cast<uint64_t>(recipe_.seed);
    const auto step_number = static_cast<uint64_t>(state_.step), epoch = static_cast<uint64_t>(state_.epoch);
    const std::vector<int64_t> order = shuffled(data_.train.count, mix(seed, step_number, epoch, ~uint64_t{0}));
    const int64_t batches = data_.train.count / recipe_.batch;
    double started = now();
    const int64_t first = state_.batch;
    double rate = 0;
    for (; state_.batch < batches; ++state_.batch) {
      if (options_.stop && options_.stop()) {
        state_.seconds += now() - started;
        leaves_to_weights();
        return false;
      }
      const double done =
          static_cast<double>(state_.epoch * batches + state_.batch) / static_cast<double>(epochs * batches);
      rate = learning_rate_at(recipe_, done);
      Random random(mix(seed, step_number, epoch, static_cast<uint64_t>(state_.batch)));
      const bool alone = state_.step > 0 && done < recipe_.join;
      state_.loss_sum +=
          train_batch(&order[static_cast<std::size_t>(state_.batch * recipe_.batch)], random, rate, alone);
      if (options_.progress) {
        const auto made = static_cast<double>(state_.batch - first + 1);
        options_.progress({recipe_.members[static_cast<std::size_t>(state_.step)].name, state_.step,
                           static_cast<int64_t>(steps_.size()), state_.epoch, epochs, state_.batch, batches,
                           state_.loss_sum / static_cast<double>(state_.batch + 1), rate,
                           made * static_cast<double>(recipe_.batch) / (now() - started)});
      }
    }
    leaves_to_weights();
    const Scores scores = count_right(recipe_, graph_, step(), weights_, data_.validation, bf16_);
    EpochRecord record;
    record.step = state_.step;
    record.epoch = state_.epoch;
    record.member = recipe_.members[static_cast<std::size_t>(state_.step)].name;
    record.loss = state_.loss_sum / static_cast<double>(batches);
    record.learning_rate = rate;
    record.validation_own = static_cast<double>(scores.own) / static_cast<double>(data_.validation.count);
    record.validation = static_cast<double>(scores.sum) / static_cast<double>(data_.validation.count);
    record.seconds = state_.seconds + now() - started;
    state_.records.push_back(record);
    if (recipe_.keep == Keep::kBest && record.validation > state_.best) {
      state_.best = record.validation;
      best_.clear();
      for (const std::string& name : trained_names()) best_[name] = weights_.at(name).clone();
    }
    ++state_.epoch;
    state_.batch = 0;
    state_.loss_sum = state_.seconds = 0;
    save();
    if (options_.epoch_done) options_.epoch_done(record);
    return true;
  }

  // Names of the tensors that this step changes (the answer's weight as a whole: its other columns stay what they are).
  std::vector<std::string> trained_names() const {
    std::vector<std::string> names;
    for (const Leaf& leaf : leaves_) names.push_back(leaf.name);
    for (const SubNode& sub : step().network.nodes) {
      const Node& node = graph_.nodes[static_cast<std::size_t>(sub.node)];
      if (!step().fresh[static_cast<std::size_t>(sub.node)] || !node.norm) continue;
      names.push_back(node.norm->mean);
      names.push_back(node.norm->variance);
    }
    return names;
  }

  double train_batch(const int64_t* indices, Random& random, double rate, bool alone) {
    Tensor labels;
    const Tensor x = to_batch(recipe_, data_.train, indices, recipe_.batch, &random, labels);
    Tensors leaves;
    for (const Leaf& leaf : leaves_) leaves[leaf.name] = leaf.value;
    Interpreter net(graph_, step(), weights_, leaves, true, bf16_, alone);
    net.start(x);
    const auto entropy = [&](const Tensor& logits) {
      return torch::nn::functional::cross_entropy(
          logits, labels, torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(recipe_.label_smoothing));
    };
    const Tensor own = net.own();
    const Tensor before = recipe_.loss == Loss::kOwn || alone ? Tensor() : net.frozen();
    const double share = recipe_.loss == Loss::kSum ? 1.0 : 1.0 / static_cast<double>(state_.step + 1);
    Tensor loss = before.defined() ? entropy((own + before) * share) : entropy(own);
    if (before.defined() && recipe_.loss == Loss::kMixed) loss = (loss + entropy(own)) * 0.5;
    loss.backward();
    update(rate);
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
      fail(ErrorCode::kInvalidArgument,
           "{}: the loss is not finite any more (member {}, epoch {}, batch {}); lower training.learning_rate (now {})",
           recipe_.path, recipe_.members[static_cast<std::size_t>(state_.step)].name, state_.epoch + 1, state_.batch,
           recipe_.learning_rate);
    }
    return value;
  }

  // SGD with Nesterov momentum; weight decay on weights, not on normalisation and biases.
  void update(double rate) {
    torch::NoGradGuard guard;
    for (Leaf& leaf : leaves_) {
      Tensor gradient = leaf.value.grad();
      if (leaf.value.dim() > 1 && recipe_.weight_decay > 0) gradient.add_(leaf.value, recipe_.weight_decay);
      leaf.momentum.mul_(recipe_.momentum).add_(gradient);
      leaf.value.add_(gradient.add_(leaf.momentum, recipe_.momentum), -rate);
      leaf.value.mutable_grad().reset();
    }
  }

  static Values values_of(const Tensor& tensor) {
    const Tensor plain = tensor.detach().contiguous();
    Values values;
    values.shape = plain.sizes().vec();
    values.values.assign(plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel());
    return values;
  }

  static Tensor tensor_of(const Values& values) {
    return channels_last(torch::tensor(values.values).reshape(values.shape));
  }

  void save() {
    if (options_.checkpoint.empty()) return;
    state_.recipe = recipe_.text;
    state_.data_hash = data_.train.hash;
    state_.tensors.clear();
    for (const auto& [name, tensor] : weights_) state_.tensors[name] = values_of(tensor);
    for (const Leaf& leaf : leaves_) state_.tensors["momentum/" + leaf.name] = values_of(leaf.momentum);
    for (const auto& [name, tensor] : best_) state_.tensors["best/" + name] = values_of(tensor);
    write_checkpoint(state_, options_.checkpoint);
    std::string log;
    for (const EpochRecord& record : state_.records) {
      log += nlohmann::json({{"member", record.member},
                             {"epoch", record.epoch + 1},
                             {"loss", record.loss},
                             {"learning_rate", record.learning_rate},
                             {"validation_own", record.validation_own},
                             {"validation", record.validation},
                             {"seconds", record.seconds}})
                 .dump() +
             "\n";
    }
    AtomicFile file(options_.checkpoint + ".jsonl");
    file.write(log);
    file.commit();
  }

  void resume() {
    if (options_.checkpoint.empty() || options_.restart || !std::filesystem::exists(options_.checkpoint)) return;
    state_ = read_checkpoint(options_.checkpoint);
    if (state_.recipe != recipe_.text || state_.data_hash != data_.train.hash) {
      fail(ErrorCode::kInvalidArgument,
           "{}: this checkpoint was made with another {}; put it back, or start over with --restart",
           options_.checkpoint, state_.recipe != recipe_.text ? "recipe" : "data set");
    }
    for (const auto& [name, values] : state_.tensors) {
      if (name.starts_with("momentum/"))
        momenta_[name.substr(9)] = tensor_of(values);
      else if (name.starts_with("best/"))
        best_[name.substr(5)] = tensor_of(values);
      else if (weights_.count(name) == 0 || shapes_.at(name) != values.shape)
        fail(ErrorCode::kBadFile, "{}: tensor '{}' does not belong to network '{}'; start over with --restart",
             options_.checkpoint, name, graph_.name);
      else
        weights_.at(name).copy_(tensor_of(values));
    }
    if (state_.step < static_cast<int64_t>(steps_.size())) {
      resumed_ = !momenta_.empty();
      note(fmt::format("resuming {} at member {}, epoch {}, batch {}", options_.checkpoint,
                       recipe_.members[static_cast<std::size_t>(state_.step)].name, state_.epoch + 1, state_.batch));
    } else {
      note(fmt::format("{}: all epochs are done, only the model file is written", options_.checkpoint));
    }
  }

  limber::Tensor stored(const std::string& name, Tensor& weight) {
    limber::Tensor tensor;
    tensor.name = name;
    tensor.shape = shapes_.at(name);
    const Tensor plain = weight.contiguous();
    const float* values = plain.data_ptr<float>();
    const auto count = static_cast<std::size_t>(plain.numel());
    const bool half = plain.dim() > 1;
    auto bytes = std::make_shared<std::vector<std::byte>>(count * (half ? 2 : 4));
    if (half) {
      Tensor rounded = torch::empty_like(plain);
      for (std::size_t i = 0; i < count; ++i) {
        const uint16_t bits = float_to_half(values[i]);
        std::memcpy(bytes->data() + 2 * i, &bits, 2);
        rounded.data_ptr<float>()[i] = half_to_float(bits);
      }
      weight.copy_(rounded);  // what is measured from here on is what the file holds
    } else {
      std::memcpy(bytes->data(), values, count * 4);
    }
    tensor.dtype = half ? DType::kF16 : DType::kF32;
    tensor.bytes = *bytes;
    tensor.owner = bytes;
    return tensor;
  }

  Network finish() {
    torch::NoGradGuard guard;
    Network network;
    network.name = recipe_.name;
    network.graph = graph_;
    network.preprocessing = {recipe_.mean, recipe_.deviation};
    network.labels = data_.train.classes;
    for (auto& [name, weight] : weights_) network.tensors.push_back(stored(name, weight));
    const Images test = data_.test();
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      Member member;
      member.name = recipe_.members[i].name;
      member.choice = choices_[i];
      for (const auto& [images, split] : {std::pair{&data_.validation, "validation"}, std::pair{&test, "test"}}) {
        const Scores scores = count_right(recipe_, graph_, steps_[i], weights_, *images, false);
        member.accuracies.push_back({static_cast<double>(scores.sum) / static_cast<double>(images->count), images->name,
                                     split, images->hash, images->count});
        note(fmt::format("{}: {:.2f} % of {} {} images of {}", member.name, 100 * member.accuracies.back().top1,
                         images->count, split, images->name));
      }
      network.family.push_back(std::move(member));
    }
    network.training_record = record_text();
    return network;
  }

  std::string record_text() const {
    nlohmann::json record = {{"recipe", recipe_.text},
                             {"seed", recipe_.seed},
                             {"date", options_.date},
                             {"libtorch", torch_version()},
                             {"data", data_.train.name},
                             {"data_hash", data_.train.hash},
                             {"training_images", data_.train.count},
                             {"steps", nlohmann::json::array()}};
    if (start_) record["start"] = {{"name", start_->name}, {"hash", start_->hash}};
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      double seconds = 0;
      for (const EpochRecord& epoch : state_.records)
        seconds += epoch.step == static_cast<int64_t>(i) ? epoch.seconds : 0;
      record["steps"].push_back(
          {{"member", recipe_.members[i].name}, {"epochs", recipe_.epochs[i]}, {"seconds", std::round(seconds)}});
    }
    return record.dump();
  }

  const Recipe& recipe_;
  const Graph& graph_;
  const TrainingData& data_;
  const TrainOptions& options_;
  bool bf16_;
  std::vector<Choice> choices_;
  std::vector<Step> steps_;
  std::map<std::string, std::vector<int64_t>> shapes_;
  Tensors weights_, momenta_, best_;
  std::vector<Leaf> leaves_;
  std::optional<Network> start_;
  Checkpoint state_;
  bool resumed_ = false;
};

}  // namespace

TrainResult train(const Recipe& recipe, const Graph& graph, const TrainingData& data, const TrainOptions& options) {
  try {
    return Trainer(recipe, graph, data, options).run();
  } catch (const c10::Error& error) {
    fail(ErrorCode::kInternal, "libtorch: {}", error.what_without_backtrace());
  }
}

std::vector<float> torch_logits(const Network& network, const Choice& choice, const Images& images) {
  torch::NoGradGuard guard;
  Tensors weights;
  for (const limber::Tensor& tensor : network.tensors) {
    weights[tensor.name] = to_torch(tensor);
  }
  const std::vector<Step> steps = plan_steps(network.graph, {choice});
  Recipe recipe;
  recipe.mean = network.preprocessing.mean;
  recipe.deviation = network.preprocessing.deviation;
  const Tensors no_leaves;
  Interpreter net(network.graph, steps[0], weights, no_leaves, false, false);
  std::vector<float> answers;
  for (int64_t i = 0; i < images.count; ++i) {
    Tensor labels;
    net.start(to_batch(recipe, images, &i, 1, nullptr, labels));
    const Tensor logits = net.own().contiguous();
    answers.insert(answers.end(), logits.data_ptr<float>(), logits.data_ptr<float>() + logits.numel());
  }
  return answers;
}

double measure_blas() {
  const Tensor a = torch::randn({512, 512});
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const double started = now();
    const Tensor b = a.mm(a);
    best = std::min(best, now() - started);
  }
  return 2.0 * 512 * 512 * 512 / best * 1e-9;
}

std::string torch_version() {
  return TORCH_VERSION;
}

}  // namespace limber::train
