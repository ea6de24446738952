// SPDX-License-Identifier: Apache-2.0
// limber search MODEL: from a super-network to a model file with a measured family.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/cpu_list.h"
#include "base/error.h"
#include "design/family/family_search.h"
#include "design/family/stratified_images.h"
#include "design/published/accuracy_mlp.h"
#include "formats/model_file.h"
#include "network/sub_network.h"
#include "tool/command.h"
#include "tool/measuring.h"
#include "tool/run/interrupt.h"
#include "tool/search/cost.h"
#include "tool/search/options.h"

namespace limber::tool {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string data_name(const Network& network, const SearchOptions& options) {
  if (!options.data.empty()) return options.data;
  for (const Member& member : network.family) {
    if (!member.accuracies.empty()) return member.accuracies.front().data;
  }
  fail(ErrorCode::kInvalidArgument, "{} names no data set: give one with --data", options.model);
}

std::function<double(const Choice&)> published_predictor(const std::string& path, const DesignSpace& space) {
  return [mlp = PublishedAccuracyMlp(path), encoding = OfaEncoding(space)](const Choice& choice) {
    return mlp.predict(encoding.decode(choice));
  };
}

// Accuracies of every member on the images that chose it, and on the test images, which chose nothing.
void store_accuracies(Network* network, const Images& validation, const std::string& data,
                      const std::vector<int>& cores) {
  const auto model = Model::build(*network);
  const Images test = read_data_set(data, "test");
  for (const auto& [split, images] : {std::pair<std::string, const Images*>{"validation", &validation},
                                      std::pair<std::string, const Images*>{"test", &test}}) {
    for (int m = 0; m < model->members(); ++m) {
      show_search_progress("judging, " + split, m, model->members());
      Accuracy accuracy;
      accuracy.top1 = count_right(model, m, *images, cores).top1();
      accuracy.data = images->name;
      accuracy.split = split;
      accuracy.data_hash = images->hash;
      accuracy.samples = images->count;
      network->family[static_cast<std::size_t>(m)].accuracies.push_back(accuracy);
    }
  }
}

void drop_dominated(FamilyResult* result, std::vector<double>* latencies) {
  std::vector<Objectives> points;
  for (std::size_t i = 0; i < result->family.size(); ++i)
    points.push_back({(*latencies)[i], *result->front[result->family[i]].measured});
  std::vector<std::size_t> family;
  std::vector<double> kept;
  for (const std::size_t i : pareto_front(points)) {
    family.push_back(result->family[i]);
    kept.push_back((*latencies)[i]);
  }
  result->family = std::move(family);
  *latencies = std::move(kept);
}

void print_result(const SearchOptions& options, const FamilyResult& result, const std::vector<double>& latencies,
                  const Network& network) {
  const bool in_time = options.objective == "latency";
  OrderedJson front = OrderedJson::array(), members = OrderedJson::array();
  for (const FamilyProposal& point : result.front) {
    OrderedJson one = {{"choice", to_string(network.graph.space, point.choice)},
                       {"macs", resolve(network.graph, point.choice).macs},
                       {"latency_ms", in_time ? OrderedJson(point.cost) : OrderedJson(nullptr)},
                       {"predicted", point.predicted},
                       {"measured", point.measured ? OrderedJson(*point.measured) : OrderedJson(nullptr)}};
    if (options.objective == "energy") one["energy_modelled_mj"] = point.cost;
    front.push_back(one);
  }
  for (std::size_t i = 0; i < network.family.size(); ++i) {
    const Member& member = network.family[i];
    OrderedJson one = {{"name", member.name},
                       {"choice", to_string(network.graph.space, member.choice)},
                       {"macs", resolve(network.graph, member.choice).macs},
                       {"measured_ms", latencies.empty() ? OrderedJson(nullptr) : OrderedJson(latencies[i])}};
    for (const Accuracy& accuracy : member.accuracies) one[accuracy.split] = accuracy.top1;
    members.push_back(one);
    if (options.json) continue;
    fmt::print("{:>5} {:>10.3f} MMAC   validation {:6.2f} %   test {:6.2f} %", member.name,
               static_cast<double>(resolve(network.graph, member.choice).macs) * 1e-6, 100 * member.accuracies[0].top1,
               100 * member.accuracies[1].top1);
    if (in_time) fmt::print("   {:8.3f} ms in the table", result.front[result.family[i]].cost);
    if (!latencies.empty()) fmt::print("   {:8.3f} ms measured", latencies[i]);
    fmt::print("\n");
  }
  if (!options.json) {
    fmt::print("{} written: {} members\n", options.output, network.family.size());
    return;
  }
  OrderedJson json = {
      {"front", front}, {"claims", OrderedJson::array()}, {"members", members}, {"output", options.output}};
  json["predictor"] = nullptr;
  if (result.errors) {
    json["predictor"] = {{"samples", result.errors->samples},
                         {"rmse", result.errors->rmse},
                         {"kendall_tau", result.errors->kendall_tau}};
  }
  fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

void search_model(const SearchOptions& options) {
  const Network network = read_model(options.model);
  AtomicFile{options.output};  // an unwritable one is refused before anything is searched
  const std::string data = data_name(network, options);
  FamilyData images;
  images.validation = read_data_set(data, "validation");
  const Cost cost = search_cost(options, network);
  images.sampled = stratified_images(images.validation, options.images, options.search.seed);
  images.calibration = stratified_images(read_data_set(data, "train"), options.calibration, options.search.seed);
  FamilySettings settings;
  settings.search = options.search;
  settings.samples = options.samples;
  settings.members = options.members;
  settings.state = options.state.empty() ? options.output + ".search" : options.state;
  settings.evaluation.cores = core_set(options.cores);
  if (!options.predictor.empty()) settings.accuracy = published_predictor(options.predictor, network.graph.space);
  FamilyHooks hooks;
  hooks.progress = show_search_progress;
  hooks.stop = [] { return interrupted() != 0; };

  const InterruptGuard guard;
  FamilyResult result = search_family(network, images, cost, settings, hooks);
  clear_search_progress();
  if (result.stopped) {
    fmt::print(stderr, "stopped; everything evaluated is in {}. The same command goes on from there.\n",
               settings.state);
    throw CLI::RuntimeError(1);
  }
  if (result.errors && !options.json) {
    fmt::print("predictor: wrong by {:.2f} points (rms), Kendall's tau {:.2f}, on {} sub-networks it had not seen\n",
               100 * result.errors->rmse, result.errors->kendall_tau, result.errors->samples);
  }
  std::vector<Choice> choices;
  for (const std::size_t i : result.family) choices.push_back(result.front[i].choice);
  std::vector<double> latencies;
  if (options.measure) {
    latencies = measured_latencies(network, choices, images.validation, settings.evaluation.cores.front());
    if (options.objective == "latency") drop_dominated(&result, &latencies);
    choices.clear();
    for (const std::size_t i : result.family) choices.push_back(result.front[i].choice);
  }
  if (static_cast<int64_t>(choices.size()) < options.members) {
    fmt::print(stderr, "limber: only {} of {} members: more sub-networks on the measured front were not found\n",
               choices.size(), options.members);
  }
  Network family = with_family(network, choices, images.calibration, settings.evaluation, hooks);
  store_accuracies(&family, images.validation, data, settings.evaluation.cores);
  clear_search_progress();
  write_model(family, options.output);
  print_result(options, result, latencies, family);
}

}  // namespace limber::tool
