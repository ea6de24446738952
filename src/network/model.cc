// SPDX-License-Identifier: Apache-2.0
#include "network/model.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "kernels/isa.h"
#include "network/check.h"
#include "network/half_weights.h"
#include "network/packed_weights.h"
#include "network/plan.h"
#include "network/plan_builder.h"

namespace limber {
namespace {

// An exit plan may cost this much more than the largest member (early-exit heads are extra work); beyond it the members
// have too little in common for the plan to make sense.
constexpr double kExitOverhead = 1.1;

bool weighted(const Node& node) {
  return node.op == Op::kConv2d || node.op == Op::kLinear;
}

}  // namespace

struct Model::Impl {
  // What is asked about a member once its plan is built.
  struct Facts {
    int64_t input_height = 0, input_width = 0, input_channels = 0, outputs = 0, macs = 0;
  };

  Network network;
  std::string isa;
  std::vector<Facts> facts;  // of the family
  // While the model is built:
  std::vector<SubNetwork> subs;                           // the family, then sub-networks that end at marked exits
  std::map<std::pair<int, int64_t>, std::size_t> packed;  // node and kernel -> index
  // For good:
  std::unique_ptr<PackedWeights> weights;
  std::unique_ptr<FoldedNorms> norms;
  std::vector<Plan> plans;
  std::unique_ptr<Plan> exits;
  int largest = 0;
  Memory memory;

  const Node& node(const SubNode& part) const { return network.graph.nodes[static_cast<std::size_t>(part.node)]; }
  const Facts& of(int member) const { return facts[static_cast<std::size_t>(member < 0 ? largest : member)]; }
  int64_t rows(const Resolved& height) const {
    return height.symbol < 0 ? height.constant
                             : height.at(network.graph.symbols[static_cast<std::size_t>(height.symbol)].maximum);
  }

  void resolve_family() {
    for (const Member& member : network.family) {
      subs.push_back(resolve(network.graph, member.choice));
      if (subs.back().macs > subs[static_cast<std::size_t>(largest)].macs) largest = static_cast<int>(subs.size()) - 1;
    }
    std::vector<std::pair<int, int>> marked;  // exit number, node
    for (const SubNode& part : subs[static_cast<std::size_t>(largest)].nodes) {
      if (node(part).exit > 0) marked.emplace_back(node(part).exit, part.node);
    }
    // Heads that the answer does not need are not in the sub-network: look at all nodes that are present for its
    // choice.
    const Choice choice = subs[static_cast<std::size_t>(largest)].choice;
    for (std::size_t i = 0; i < network.graph.nodes.size(); ++i) {
      const Node& candidate = network.graph.nodes[i];
      if (candidate.exit <= 0 || subs[static_cast<std::size_t>(largest)].position[i] >= 0) continue;
      const bool present = std::all_of(candidate.when.begin(), candidate.when.end(), [&](const Presence& presence) {
        return presence.dimension < 0 ||
               std::find(presence.choices.begin(), presence.choices.end(),
                         choice[static_cast<std::size_t>(presence.dimension)]) != presence.choices.end();
      });
      if (present) marked.emplace_back(candidate.exit, static_cast<int>(i));
    }
    std::sort(marked.begin(), marked.end());
    const int answer = subs[static_cast<std::size_t>(largest)].answer().node;
    for (const auto& [exit, index] : marked) {
      if (index != answer) subs.push_back(resolve(network.graph, choice, index));
    }
  }

  void pack(const BlockMap& blocks, const ModelOptions& options) {
    weights = std::make_unique<PackedWeights>(network);
    std::set<std::string> half;
    if (kernels::kernels(kernels::find_isa(isa)).half_weights) half = half_weights(network, subs);
    for (const SubNetwork& each : subs) {
      for (const SubNode& part : each.nodes) {
        if (!weighted(node(part))) continue;
        const std::string& name = node(part).weight;
        packed[{part.node, part.kernel}] =
            weights->add(node(part), part.kernel, blocks.of_weight(name), half.count(name) > 0);
      }
    }
    weights->build({options.cache_directory, options.use_cache, isa});
  }

  bool has_state() const {
    return std::any_of(network.graph.nodes.begin(), network.graph.nodes.end(),
                       [](const Node& n) { return n.state.has_value(); });
  }

  void build_exits(const BlockMap& blocks) {
    const std::size_t members = network.family.size();
    std::vector<PlanTarget> targets;
    const auto last = static_cast<std::size_t>(largest);
    if (subs.size() > members) {
      for (std::size_t i = members; i < subs.size(); ++i) targets.push_back({i, last, &subs[i]});
      targets.push_back({last, last, &subs[last]});
    } else {
      for (std::size_t i = 0; i < members; ++i) targets.push_back({i, i, &subs[i]});
    }
    if (targets.size() < 2 || has_state()) return;
    for (std::size_t i = 1; i < targets.size(); ++i) {
      if (targets[i].sub->macs <= targets[i - 1].sub->macs) return;
      if (rows(targets[i].sub->answer().height) != rows(targets[0].sub->answer().height)) return;
      if (targets[i].sub->answer().channels != targets[0].sub->answer().channels) return;
    }
    auto plan = std::make_unique<Plan>(PlanBuilder(network, blocks, *weights, *norms).build(targets, packed));
    if (static_cast<double>(plan->macs) <= kExitOverhead * static_cast<double>(subs[last].macs))
      exits = std::move(plan);
  }

  // What a file with only the largest member's slices would need.
  int64_t largest_alone() const {
    const SubNetwork& alone = subs[static_cast<std::size_t>(largest)];
    std::map<std::size_t, int64_t> tensors;
    int64_t folded = 0;
    for (const SubNode& part : alone.nodes) {
      if (!weighted(node(part))) continue;
      const int64_t planes = (part.channels + 15) / 16;
      const int64_t inputs = node(part).depthwise ? 1 : part.input_channels() / part.groups;
      const std::size_t index = packed.at({part.node, part.kernel});
      const int64_t bytes = planes * inputs * part.kernel * part.kernel * 16 * weights->tensor(index).value_bytes();
      int64_t& known = tensors[index];
      known = std::max(known, bytes);
      folded += planes * 128;
    }
    int64_t sum = folded;
    for (const auto& [index, bytes] : tensors) sum += bytes;
    const Plan& plan = plans[static_cast<std::size_t>(largest)];
    return sum + plan.bytes() + plan.arena * 4;
  }

  void count_memory() {
    for (std::size_t i = 0; i < weights->size(); ++i) {
      const PackedTensor& tensor = weights->tensor(i);
      if (tensor.transformed()) {
        memory.per_member += tensor.bytes();
      } else {
        memory.weights += tensor.bytes();
        memory.padding += tensor.bytes() - tensor.true_bytes();
      }
    }
    memory.packed_shared = weights->shared();
    memory.per_member += norms->bytes();
    for (const Plan& plan : plans) {
      memory.per_member += plan.bytes();
      memory.arena = std::max(memory.arena, plan.arena * 4);
    }
    if (exits) {
      memory.exit_plan = exits->bytes();
      memory.exit_arena = exits->per_image * 4;
    }
    memory.largest_alone = largest_alone();
  }

  Facts facts_of(const SubNetwork& sub) const {
    const auto input = std::find_if(sub.nodes.begin(), sub.nodes.end(),
                                    [&](const SubNode& part) { return node(part).op == Op::kInput; });
    if (input == sub.nodes.end()) fail(ErrorCode::kInternal, "a checked sub-network without an input");
    const SubNode& answer = sub.answer();
    return {rows(input->height), input->width, input->channels, answer.channels * rows(answer.height) * answer.width,
            sub.macs};
  }

  // What only building needs would cost each member more than its plan.
  void forget_drafts() {
    for (std::size_t member = 0; member < network.family.size(); ++member) facts.push_back(facts_of(subs[member]));
    subs = {};
    packed.clear();
    norms->complete();
  }
};

Model::Model() : impl_(std::make_unique<Impl>()) {}
Model::~Model() = default;

std::shared_ptr<const Model> Model::build(Network network, const ModelOptions& options) {
  check(network);
  std::shared_ptr<Model> model(new Model());
  Impl& impl = *model->impl_;
  impl.isa = kernels::isa_name(kernels::find_isa(options.isa));
  impl.network = std::move(network);
  impl.resolve_family();
  std::map<std::string, int64_t> outputs;
  for (const Tensor& tensor : impl.network.tensors) outputs[tensor.name] = tensor.shape.front();
  const BlockMap blocks(impl.network.graph, impl.subs, outputs);
  impl.pack(blocks, options);
  impl.norms = std::make_unique<FoldedNorms>(impl.network, *impl.weights);
  for (std::size_t member = 0; member < impl.network.family.size(); ++member) {
    impl.plans.push_back(PlanBuilder(impl.network, blocks, *impl.weights, *impl.norms)
                             .build({{member, member, &impl.subs[member]}}, impl.packed));
  }
  impl.build_exits(blocks);
  impl.count_memory();
  impl.forget_drafts();
  return model;
}

const Network& Model::network() const {
  return impl_->network;
}
const std::string& Model::isa() const {
  return impl_->isa;
}
int Model::members() const {
  return static_cast<int>(impl_->network.family.size());
}
int Model::largest_member() const {
  return impl_->largest;
}

const Member& Model::member(int index) const {
  if (index < 0 || index >= members())
    fail(ErrorCode::kInvalidArgument, "member {}; legal: 0 to {}", index, members() - 1);
  return impl_->network.family[static_cast<std::size_t>(index)];
}

int Model::find_member(const std::string& name) const {
  std::string legal;
  for (int index = 0; index < members(); ++index) {
    if (member(index).name == name) return index;
    legal += (legal.empty() ? "" : ", ") + member(index).name;
  }
  fail(ErrorCode::kInvalidArgument, "no member '{}'; legal: {}", name, legal);
}

int64_t Model::macs(int index) const {
  member(index);
  return impl_->of(index).macs;
}

const Plan& Model::plan(int index) const {
  member(index);
  return impl_->plans[static_cast<std::size_t>(index)];
}

const Plan* Model::exit_plan() const {
  return impl_->exits.get();
}
int Model::exits() const {
  return impl_->exits ? static_cast<int>(impl_->exits->segments.size()) : 0;
}
Memory Model::memory() const {
  return impl_->memory;
}
int64_t Model::input_height(int member) const {
  return impl_->of(member).input_height;
}
int64_t Model::input_width(int member) const {
  return impl_->of(member).input_width;
}
int64_t Model::input_channels(int member) const {
  return impl_->of(member).input_channels;
}
int64_t Model::outputs(int member) const {
  return impl_->of(member).outputs;
}

}  // namespace limber
