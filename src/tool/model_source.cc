// SPDX-License-Identifier: Apache-2.0
#include "tool/model_source.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "formats/graph_json.h"
#include "formats/model_file.h"
#include "formats/shipped_file.h"
#include "network/random_weights.h"
#include "network/sub_network.h"
#include "tool/weight_format.h"

namespace limber::tool {
namespace {

// "large:d=4,e=6" -> {"large", "d=4,e=6"}; a choice without a name is its own.
Member parse_member(const DesignSpace& space, const std::string& text, int64_t resolution) {
  const std::size_t colon = text.find(':');
  Member member;
  std::string choice = colon == std::string::npos ? text : text.substr(colon + 1);
  member.name = colon == std::string::npos ? text : text.substr(0, colon);
  if (resolution > 0) choice += fmt::format("{}resolution={}", choice.empty() ? "" : ",", resolution);
  member.choice = parse_choice(space, choice);
  if (member.name.empty()) member.name = to_string(space, member.choice);
  return member;
}

std::vector<Member> family_of(const Graph& graph, const std::string& choices, int64_t resolution) {
  std::vector<Member> family;
  for (std::size_t from = 0; from < choices.size();) {
    const std::size_t end = std::min(choices.find(';', from), choices.size());
    if (end > from) family.push_back(parse_member(graph.space, choices.substr(from, end - from), resolution));
    from = end + 1;
  }
  if (family.empty()) {
    for (const auto& [name, choice] :
         {std::pair{"smallest", smallest_choice(graph.space)}, std::pair{"largest", largest_choice(graph.space)}}) {
      if (!family.empty() && family.front().choice == choice) continue;
      Member member;
      member.name = name;
      member.choice = choice;
      if (resolution > 0) {
        const auto dimension = std::ranges::find(graph.space.dimensions, "resolution", &Dimension::name);
        if (dimension == graph.space.dimensions.end())
          fail(ErrorCode::kInvalidArgument, "--resolution: {} has no dimension 'resolution'", graph.name);
        member.choice[static_cast<std::size_t>(dimension - graph.space.dimensions.begin())] = resolution;
      }
      check_choice(graph.space, member.choice);
      family.push_back(std::move(member));
    }
  }
  std::ranges::stable_sort(family, {}, [&](const Member& member) { return resolve(graph, member.choice).macs; });
  return family;
}

}  // namespace

void ModelSource::require() const {
  if (name().empty()) throw CLI::RequiredError("--architecture or model");
}

Network ModelSource::load() const {
  require();
  if (!model.empty()) return read_model(model);
  Graph graph = read_graph(find_shipped_file("networks", architecture));
  std::vector<Member> family = family_of(graph, choices, resolution);
  Network network = with_random_weights(std::move(graph), std::move(family));
  apply_weight_format(weights, &network);
  return network;
}

void add_model_source(CLI::App& command, ModelSource& source) {
  CLI::Option* model = command.add_option("model", source.model, "a model file");
  CLI::Option* architecture =
      command
          .add_option("--architecture", source.architecture,
                      "instead of a model: a graph of networks/ (its name or a path), with random weights")
          ->excludes(model);
  command
      .add_option("--choice", source.choices,
                  "the architecture's members, e.g. \"small:d=2,e=3,k=3,r=128;large:d=4,e=6,k=7,r=224\"; default: the "
                  "smallest and the largest")
      ->needs(architecture);
  add_weight_format(command, source.weights, "the random weights")->needs(architecture);
  command.add_option("--resolution", source.resolution, "of every choice")
      ->needs(architecture)
      ->check(CLI::Range(1, 16384));
}

}  // namespace limber::tool
