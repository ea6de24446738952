// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/statistics.h"
#include "network/half_weights.h"
#include "tool/bench/report.h"

namespace limber::tool {
namespace {

using Json = nlohmann::json;

Json json_of(const ResidentMemory& memory) {
  return {{"resident_bytes", memory.all}, {"anonymous_bytes", memory.anonymous}};
}

// What each peer took for the m-th member: in `latencies`, which hold Limber's times first.
Json peers_of(const BenchReport& report, const Latencies& latencies, std::size_t m) {
  Json peers = Json::object();
  for (std::size_t p = 0; p < report.peers.found.size(); ++p) {
    const Peer& peer = report.peers.found[p];
    const Latency& latency = latencies[p + 1][m];
    peers[peer.contender.name] = {{"median_ms", median(latency.ms.values())},
                                  {"p99_ms", quantile(latency.ms.values(), 0.99)},
                                  {"ratio", paired_ratio(latency, latencies[0][m])},
                                  {"version", peer.version},
                                  {"settings", peer.settings},
                                  {"form", peer.forms[m]},
                                  {"largest_difference", peer.difference[m]}};
  }
  return peers;
}

Json layers_of(const MemberLayers& member) {
  Json layers = Json::array();
  for (const LayerTime& layer : member.layers) {
    layers.push_back({{"node", layer.node},
                      {"op", layer.op},
                      {"macs", layer.macs},
                      {"median_us", layer.median_us},
                      {"gflops", layer.gflops},
                      {"peak_share", layer.share}});
  }
  return layers;
}

Json memory_of(const BenchReport& report) {
  const Memory own = report.model->memory();
  Json memory = {{"weights_bytes", own.weights},
                 {"per_member_bytes", own.per_member},
                 {"arena_bytes", own.arena},
                 {"largest_alone_bytes", own.largest_alone},
                 {"measured", Json()}};
  if (report.memory) {
    memory["measured"] = {{"all_members", json_of(report.memory->family)},
                          {"largest_alone", json_of(report.memory->largest_alone)},
                          {"separate_models", json_of(report.memory->separate)}};
  }
  return memory;
}

}  // namespace

std::string print_json(const BenchReport& report) {
  Json members = Json::array(), round_robin = Json::array();
  for (std::size_t m = 0; m < report.members.size(); ++m) {
    const Samples& samples = report.latency.hot[0][m].ms;
    const std::vector<double> ms = samples.values();
    const MemberLayers& layers = report.layers.members[m];
    const std::string& name = report.model->member(report.members[m]).name;
    members.push_back({{"name", name},
                       {"macs", report.model->macs(report.members[m])},
                       {"samples", ms.size()},
                       {"left_out", samples.left_out()},
                       {"median_ms", median(ms)},
                       {"deviation_ms", median_deviation(ms)},
                       {"min_ms", quantile(ms, 0)},
                       {"p95_ms", quantile(ms, 0.95)},
                       {"p99_ms", quantile(ms, 0.99)},
                       {"gflops", layers.gflops},
                       {"peak_share", layers.share},
                       {"first_after_switch_ratio", report.switching.first_ratio[m]},
                       {"peers", peers_of(report, report.latency.hot, m)},
                       {"layers", layers_of(layers)}});
    round_robin.push_back({{"name", name},
                           {"median_ms", median(report.latency.round_robin[0][m].ms.values())},
                           {"peers", peers_of(report, report.latency.round_robin, m)}});
  }
  return Json({{"machine",
                {{"cpu_model", report.machine.cpu_model},
                 {"logical_cpus", report.machine.logical_cpus},
                 {"governor", report.machine.governor},
                 {"frequency_khz", report.machine.frequency_khz}}},
               {"limber", LIMBER_VERSION},
               {"date", report.date},
               {"model", report.path},
               {"weight_hash", report.model->network().hash},
               {"isa", report.model->isa()},
               {"cores", report.cores},
               {"threads", report.cores.size()},
               {"precision", "f32"},
               {"weights_stored", weight_formats(report.model->network())},
               {"peak_gflops", report.layers.peak_gflops},
               {"members", members},
               {"round_robin", round_robin},
               {"peers_missing", report.peers.missing},
               {"time_ratio", time_ratio(report)},
               {"switch_ns", report.switching.select_ns},
               {"allocations_per_switch", report.switching.allocations_per_switch},
               {"allocations_per_inference", report.switching.allocations_per_inference},
               {"first_after_switch_ratio", report.switching.worst_first_ratio},
               {"memory", memory_of(report)}})
             .dump(-1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace limber::tool
