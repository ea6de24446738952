// SPDX-License-Identifier: Apache-2.0
#include "tool/search/cost.h"

#include <memory>

#include "base/error.h"
#include "base/statistics.h"
#include "design/block_table.h"
#include "network/model.h"
#include "network/session.h"
#include "network/sub_network.h"
#include "platform/machine.h"
#include "tool/bench/latency.h"
#include "tool/command.h"

namespace limber::tool {

Cost search_cost(const SearchOptions& options, const Network& network) {
  if (options.objective == "macs") {
    return [](const Graph& graph, const Choice& choice) { return static_cast<double>(resolve(graph, choice).macs); };
  }
  if (options.blocks.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "--objective {} needs the times of blocks on this machine: --blocks TABLE.json, made by `limber profile "
         "--blocks`",
         options.objective);
  }
  const auto table = std::make_shared<const BlockTable>(read_block_table(options.blocks));
  const std::string isa = Model::build(network)->isa();
  for (const std::string& warning : check_block_table(*table, isa, read_machine(table->key.core), options.blocks))
    fmt::print(stderr, "limber: warning: {}\n", warning);
  if (options.objective == "energy")
    return [table](const Graph& graph, const Choice& choice) { return table->energy_modelled_mj(graph, choice); };
  return [table](const Graph& graph, const Choice& choice) { return table->latency_ms(graph, choice); };
}

std::vector<double> measured_latencies(const Network& network, const std::vector<Choice>& choices, const Images& images,
                                       int core) {
  Network all = network;
  all.family.clear();
  for (std::size_t i = 0; i < choices.size(); ++i) all.family.push_back({std::to_string(i), choices[i], {}, {}});
  const auto model = Model::build(std::move(all));
  SessionOptions settings;
  settings.cores = {core};
  Session session(model, settings);
  session.expect_images(images.height, images.width);
  const auto image =
      std::span(images.pixels).first(static_cast<std::size_t>(images.height * images.width * images.channels));
  std::vector<int> members;
  for (int m = 0; m < model->members(); ++m) members.push_back(m);
  std::vector<float> answers(static_cast<std::size_t>(model->outputs(0)));
  const Contender limber{"limber", [&](int member) {
                           session.select(member);
                           session.infer({1, image, {}, images.height, images.width}, answers);
                         }};
  const Comparison times = compare({limber}, members, 1, false);
  std::vector<double> result;
  for (const Latency& latency : times.hot.front()) result.push_back(median(latency.ms.values()));
  return result;
}

}  // namespace limber::tool
