// SPDX-License-Identifier: Apache-2.0
#include "design/search/choice_space.h"

#include <algorithm>

#include "base/error.h"
#include "network/sub_network.h"

namespace limber {
namespace {

constexpr int kTries = 1000;

bool contains(const std::vector<int64_t>& values, int64_t value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::vector<bool> needed_nodes(const SubNetwork& network) {
  std::vector<bool> needed;
  needed.reserve(network.position.size());
  for (const int position : network.position) needed.push_back(position >= 0);
  return needed;
}

}  // namespace

ChoiceSpace::ChoiceSpace(Graph graph) : graph_(std::move(graph)) {
  for (const Dimension& dimension : graph_.space.dimensions) values_.push_back(dimension.choices);
  for (const Node& node : graph_.nodes) {
    Uses uses;
    const auto add = [&uses](const Extent& extent) {
      uses.by.insert(uses.by.end(), extent.by.begin(), extent.by.end());
    };
    for (const Extent* extent :
         {&node.channels, &node.channels_from, &node.kernel, &node.height, &node.width, &node.groups})
      add(*extent);
    for (const Input& input : node.inputs) {
      for (const Extent* extent : {&input.from, &input.count, &input.weight_from}) add(*extent);
    }
    for (const Presence& presence : node.when) {
      if (presence.dimension >= 0) uses.when.push_back(presence.dimension);
    }
    std::sort(uses.by.begin(), uses.by.end());
    uses.by.erase(std::unique(uses.by.begin(), uses.by.end()), uses.by.end());
    simple_ = simple_ && std::all_of(uses.when.begin(), uses.when.end(),
                                     [&uses](int dimension) { return dimension == uses.when.front(); });
    uses_.push_back(std::move(uses));
  }
}

void ChoiceSpace::restrict_to(const std::string& dimension, const std::vector<int64_t>& values) {
  const auto& dimensions = graph_.space.dimensions;
  const auto found = std::find_if(dimensions.begin(), dimensions.end(),
                                  [&](const Dimension& candidate) { return candidate.name == dimension; });
  if (found == dimensions.end())
    fail(ErrorCode::kInvalidArgument, "graph '{}' has no dimension '{}' to restrict", graph_.name, dimension);
  if (values.empty()) fail(ErrorCode::kInvalidArgument, "dimension '{}': no value is left to choose", dimension);
  Choice any;
  for (const Dimension& each : dimensions) any.push_back(each.choices.front());
  const auto index = static_cast<std::size_t>(found - dimensions.begin());
  for (const int64_t value : values) {
    any[index] = value;
    check_choice(graph_.space, any);  // names the legal ones
  }
  values_[index] = values;
  std::sort(values_[index].begin(), values_[index].end());
  values_[index].erase(std::unique(values_[index].begin(), values_[index].end()), values_[index].end());
}

double ChoiceSpace::size() const {
  double size = 1;
  for (const auto& values : values_) size *= static_cast<double>(values.size());
  return size;
}

bool ChoiceSpace::holds(const Presence& presence, const Choice& choice) const {
  return presence.dimension < 0 || contains(presence.choices, choice[static_cast<std::size_t>(presence.dimension)]);
}

std::vector<bool> ChoiceSpace::live(const std::vector<bool>& needed, const Choice& choice) const {
  std::vector<bool> live(choice.size(), false);
  for (std::size_t n = 0; n < uses_.size(); ++n) {
    if (needed[n]) {
      for (const int dimension : uses_[n].by) live[static_cast<std::size_t>(dimension)] = true;
    }
    // A condition matters when the others of its node hold: only then does this dimension decide.
    for (const int dimension : uses_[n].when) {
      const auto& when = graph_.nodes[n].when;
      const bool others = std::all_of(when.begin(), when.end(), [&](const Presence& presence) {
        return presence.dimension == dimension || holds(presence, choice);
      });
      if (others) live[static_cast<std::size_t>(dimension)] = true;
    }
  }
  return live;
}

std::vector<bool> ChoiceSpace::live(const Choice& choice) const {
  return live(needed_nodes(resolve(graph_, choice)), choice);
}

std::optional<Choice> ChoiceSpace::canonical(const Choice& choice) const {
  if (choice.size() != values_.size()) return std::nullopt;
  for (std::size_t d = 0; d < choice.size(); ++d) {
    if (!contains(values_[d], choice[d])) return std::nullopt;
  }
  Choice result = choice;
  try {
    std::vector<bool> alive = live(choice);
    for (std::size_t d = 0; d < result.size(); ++d) {
      if (alive[d] || result[d] == values_[d].front()) continue;
      result[d] = values_[d].front();
      // With conditions on two dimensions neither may decide alone, yet both together do: look again after each step.
      if (!simple_) alive = live(result);
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidArgument) throw;
    return std::nullopt;
  }
  return result;
}

template <typename Draw>
Choice ChoiceSpace::drawn(const Choice* otherwise, Draw&& draw) const {
  for (int i = 0; i < kTries; ++i) {
    if (auto choice = canonical(draw())) return *std::move(choice);
  }
  if (otherwise != nullptr) return *otherwise;
  fail(ErrorCode::kInvalidArgument,
       "graph '{}': {} choices in a row are illegal (for one, {}): leave the values out that never fit together",
       graph_.name, kTries, to_string(graph_.space, draw()));
}

Choice ChoiceSpace::sample(Random& random) const {
  return drawn(nullptr, [&] {
    Choice choice;
    for (const auto& values : values_) choice.push_back(random.pick(values));
    return choice;
  });
}

Choice ChoiceSpace::sample_spread(Random& random) const {
  return drawn(nullptr, [&] {
    const double lean = 2 * random.uniform() - 1;
    Choice choice;
    for (const auto& values : values_) {
      const bool extreme = random.chance(lean < 0 ? -lean : lean);
      choice.push_back(!extreme ? random.pick(values) : lean < 0 ? values.front() : values.back());
    }
    return choice;
  });
}

std::optional<Choice> ChoiceSpace::smallest() const {
  Choice choice;
  for (const auto& values : values_) choice.push_back(values.front());
  return canonical(choice);
}

std::optional<Choice> ChoiceSpace::largest() const {
  Choice choice;
  for (const auto& values : values_) choice.push_back(values.back());
  return canonical(choice);
}

Choice ChoiceSpace::mutate(const Choice& choice, double probability, Random& random) const {
  const std::vector<bool> before = live(choice);
  return drawn(&choice, [&] {
    Choice changed = choice;
    for (std::size_t d = 0; d < changed.size(); ++d) {
      // A value that does not matter yet says nothing: drawn, in case it will.
      if (!before[d] || random.chance(probability)) changed[d] = random.pick(values_[d]);
    }
    return changed;
  });
}

Choice ChoiceSpace::cross(const Choice& a, const Choice& b, Random& random) const {
  const std::vector<bool> in_a = live(a), in_b = live(b);
  return drawn(&a, [&] {
    Choice child;
    for (std::size_t d = 0; d < a.size(); ++d) {
      const bool from_b = in_a[d] == in_b[d] ? random.chance(0.5) : in_b[d];
      child.push_back(from_b ? b[d] : a[d]);
    }
    return child;
  });
}

int ChoiceSpace::distance(const Choice& a, const Choice& b) {
  int different = 0;
  for (std::size_t d = 0; d < a.size() && d < b.size(); ++d) different += a[d] != b[d];
  return different;
}

}  // namespace limber
