// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/layers.h"

#include "base/statistics.h"
#include "kernels/isa.h"
#include "kernels/peak.h"
#include "network/plan.h"
#include "platform/clock.h"
#include "platform/samples.h"

namespace limber::tool {
namespace {

constexpr int kLeastRounds = 15, kTimed = 3;  // inferences of a round, after one that is not timed
constexpr double kPeakMs = 2;

// Times of one member's layers, collected over the rounds. A node may take several steps (one for each block that it
// writes): their times are added up.
struct Collected {
  std::vector<std::size_t> layer_of;  // step -> layer
  std::vector<Samples> layer_ms;
  Samples whole_ms;
  MemberLayers result;
};

Collected prepare(const Model& model, int member) {
  Collected collected;
  collected.result.member = member;
  std::vector<int> nodes;
  for (const Step& step : model.plan(member).steps) {
    if (nodes.empty() || nodes.back() != step.node) {
      const Node& node = model.network().graph.nodes[static_cast<std::size_t>(step.node)];
      nodes.push_back(step.node);
      collected.result.layers.push_back({node.name, op_name(node.op), 0, 0, 0, 0});
    }
    collected.layer_of.push_back(nodes.size() - 1);
    collected.result.layers.back().macs += step.macs;
  }
  collected.layer_ms.resize(nodes.size());
  return collected;
}

double gflops_of(int64_t macs, double us) {
  return us > 0 ? 2e-3 * static_cast<double>(macs) / us : 0;
}

}  // namespace

LayerTimes time_layers(const std::shared_ptr<const Model>& model, const std::vector<int>& cores,
                       const std::vector<int>& members, double seconds) {
  std::vector<int64_t> moments;  // of each step's begin, and of the end
  std::size_t steps = 0;
  for (int member = 0; member < model->members(); ++member) steps = std::max(steps, model->plan(member).steps.size());
  moments.resize(steps + 1);
  Subject watched(model, cores, [&](std::size_t step) { moments[step] = now_ns(); });
  Subject plain(model, cores);
  const kernels::Isa isa = kernels::find_isa(model->isa());

  std::vector<Collected> all;
  for (const int member : members) all.push_back(prepare(*model, member));
  std::vector<double> peaks;
  const int64_t begin = now_ns();
  while (peaks.size() < kLeastRounds || static_cast<double>(now_ns() - begin) < seconds * 1e9) {
    peaks.push_back(kernels::peak_gflops(isa, kPeakMs) * static_cast<double>(cores.size()));
    for (Collected& one : all) {
      for (int timed = -1; timed < kTimed; ++timed) {
        const Stopwatch watch;
        watched.run(one.result.member);
        const bool calm = watch.stop().calm;
        if (timed < 0) continue;
        for (std::size_t step = 0; step < one.layer_of.size();) {
          const std::size_t first = step, layer = one.layer_of[step];
          while (step < one.layer_of.size() && one.layer_of[step] == layer) ++step;
          one.layer_ms[layer].add({static_cast<double>(moments[step] - moments[first]) * 1e-6, calm});
        }
      }
      for (int timed = -1; timed < kTimed; ++timed) {
        const Stopwatch watch;
        plain.run(one.result.member);
        const Timed time = watch.stop();
        if (timed >= 0) one.whole_ms.add(time);
      }
    }
  }

  LayerTimes times;
  times.peak_gflops = median(peaks);
  for (Collected& one : all) {
    MemberLayers& result = one.result;
    for (std::size_t i = 0; i < result.layers.size(); ++i) {
      LayerTime& layer = result.layers[i];
      layer.median_us = 1e3 * median(one.layer_ms[i].values());
      layer.gflops = gflops_of(layer.macs, layer.median_us);
      layer.share = layer.gflops / times.peak_gflops;
      result.sum_us += layer.median_us;
    }
    result.whole_us = 1e3 * median(one.whole_ms.values());
    result.gflops = gflops_of(model->macs(result.member), result.whole_us);
    result.share = result.gflops / times.peak_gflops;
    times.members.push_back(std::move(result));
  }
  return times;
}

}  // namespace limber::tool
