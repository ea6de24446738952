// SPDX-License-Identifier: Apache-2.0
// `limber info MODEL`: what a model file holds, and which bytes are which.
#include <nlohmann/json.hpp>

#include "network/session.h"
#include "tool/command.h"
#include "tool/model_source.h"

namespace limber::tool {
namespace {

struct Options {
  ModelSource source;
  bool json = false;
};

void show(const Options& options) {
  const auto model = Model::build(options.source.load());
  const Network& network = model->network();
  const Memory memory = model->memory();
  nlohmann::json members = nlohmann::json::array();
  for (int m = 0; m < model->members(); ++m) {
    nlohmann::json accuracies = nlohmann::json::array();
    for (const Accuracy& accuracy : model->member(m).accuracies) {
      accuracies.push_back(
          {{"top1", accuracy.top1}, {"data", accuracy.data}, {"split", accuracy.split}, {"samples", accuracy.samples}});
    }
    members.push_back({{"name", model->member(m).name},
                       {"choice", to_string(network.graph.space, model->member(m).choice)},
                       {"macs", model->macs(m)},
                       {"accuracies", accuracies}});
  }
  if (options.json) {
    fmt::print("{}\n", nlohmann::json({{"model", options.source.name()},
                                       {"name", network.name},
                                       {"hash", network.hash},
                                       {"isa", model->isa()},
                                       {"members", members},
                                       {"memory",
                                        {{"weights_bytes", memory.weights},
                                         {"padding_bytes", memory.padding},
                                         {"packed_shared", memory.packed_shared},
                                         {"per_member_bytes", memory.per_member},
                                         {"arena_bytes", memory.arena},
                                         {"exit_arena_bytes", memory.exit_arena},
                                         {"largest_alone_bytes", memory.largest_alone}}}})
                           .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print("{}: {}, {} nodes, {} tensors, weights {:.16}\n", options.source.name(), network.name,
             network.graph.nodes.size(), network.tensors.size(), network.hash.empty() ? "random" : network.hash);
  fmt::print("input {}x{}x{}, {} answers, kernels {}, exits {}\n\n", model->input_height(), model->input_width(),
             model->input_channels(), model->outputs(), model->isa(), model->exits());
  for (int m = 0; m < model->members(); ++m) {
    fmt::print("{:>8}  {:<24} {:>8.3f} MMAC", model->member(m).name,
               to_string(network.graph.space, model->member(m).choice), static_cast<double>(model->macs(m)) * 1e-6);
    for (const Accuracy& accuracy : model->member(m).accuracies) {
      fmt::print("   {} {:.2f} % ({} of {})", accuracy.split, 100 * accuracy.top1, accuracy.samples, accuracy.data);
    }
    fmt::print("\n");
  }
  fmt::print("\nmemory, bytes: packed weights {} (padding {}, {}), per member {}, arena {}, exit arena {} an image\n",
             memory.weights, memory.padding, memory.packed_shared ? "shared between processes" : "private",
             memory.per_member, memory.arena, memory.exit_arena);
  fmt::print("all members {} against {} for the largest alone: {:.3f} x\n",
             memory.weights + memory.per_member + memory.arena, memory.largest_alone,
             static_cast<double>(memory.weights + memory.per_member + memory.arena) /
                 static_cast<double>(memory.largest_alone));
}

}  // namespace

void add_info_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("info", "what a model file holds");
  command->footer(
      "Examples: limber info models/fashion-incremental.safetensors\n"
      "          limber info --architecture ofa-mobilenetv3-w1.0 --choice d=4,e=6,k=7 --resolution 224");
  add_model_source(*command, options->source);
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options] { show(*options); });
}

}  // namespace limber::tool
