// SPDX-License-Identifier: Apache-2.0
#include "tool/import_torch.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/mapped_file.h"
#include "formats/graph_json.h"
#include "formats/model_file.h"
#include "formats/shipped_file.h"
#include "formats/torch_import.h"
#include "network/sub_network.h"
#include "tool/weight_format.h"

namespace limber::tool {
namespace {

// A super-network's statistics are those of none of its sub-networks. Where choices change nothing but the image's
// size, the stored ones serve.
bool needs_calibration(const Graph& graph) {
  const SubNetwork small = resolve(graph, smallest_choice(graph.space));
  const SubNetwork large = resolve(graph, largest_choice(graph.space));
  const bool same =
      std::equal(small.nodes.begin(), small.nodes.end(), large.nodes.begin(), large.nodes.end(),
                 [](const SubNode& a, const SubNode& b) {
                   return a.node == b.node && a.inputs == b.inputs && a.channels == b.channels && a.kernel == b.kernel;
                 });
  return !same && std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& n) { return n.norm.has_value(); });
}

}  // namespace

void import_torch(const TorchImport& options) {
  const auto file = std::make_shared<MappedFile>(options.checkpoint);
  const Checkpoint checkpoint = parse_checkpoint(file->bytes(), file, options.checkpoint, options.entry);
  const Graph graph = read_graph(find_shipped_file("networks", options.architecture));
  const NameMapping mapping =
      options.mapping.empty() ? NameMapping{} : read_name_mapping(find_shipped_file("mappings", options.mapping));
  Network network =
      import_checkpoint(checkpoint, graph, mapping, members_of(graph, options.members), options.checkpoint);
  apply_weight_format(options.weights, &network);
  nlohmann::ordered_json record = {{"imported", "PyTorch checkpoint"}, {"sha256", sha256(file->bytes())}};
  if (!options.source.empty()) record["from"] = options.source;
  if (!options.mapping.empty()) record["mapping"] = options.mapping;
  if (options.weights == "f16") record["weights"] = "rounded to f16";
  network.training_record = record.dump();
  write_model(network, options.output);

  const bool calibrate = needs_calibration(graph);
  if (options.json) {
    nlohmann::ordered_json members = nlohmann::ordered_json::array();
    for (const Member& member : network.family) {
      members.push_back({{"name", member.name},
                         {"choice", to_string(graph.space, member.choice)},
                         {"macs", resolve(graph, member.choice).macs}});
    }
    fmt::print("{}\n", nlohmann::ordered_json(
                           {{"output", options.output},
                            {"architecture", graph.name},
                            {"entry", checkpoint.entry},
                            {"tensors", network.tensors.size()},
                            {"left_out", checkpoint.tensors.size() - network.tensors.size() + checkpoint.others.size()},
                            {"members", members},
                            {"needs_calibration", calibrate}})
                           .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print("{}: {}, {} tensors{}\n", options.output, graph.name, network.tensors.size(),
             checkpoint.entry.empty() ? "" : fmt::format(" of '{}'", checkpoint.entry));
  for (const Member& member : network.family) {
    fmt::print("{:>10}  {:9.3f} MMAC  {}\n", member.name,
               static_cast<double>(resolve(graph, member.choice).macs) * 1e-6, to_string(graph.space, member.choice));
  }
  if (calibrate) {
    fmt::print(
        "The members share the super-network's normalisation statistics, which fit none of them. Next:\n"
        "  limber calibrate norms {} --data FOLDER\n",
        options.output);
  }
}

}  // namespace limber::tool
