// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "base/cpu_list.h"
#include "base/statistics.h"
#include "network/half_weights.h"
#include "tool/bench/report.h"

namespace limber::tool {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

std::string name_of(const BenchReport& report, std::size_t m) {
  return report.model->member(report.members[m]).name;
}

std::string print_ratio(double ratio) {
  return std::isnan(ratio) ? "disturbed" : fmt::format("{:.2f} x", ratio);
}

void append_layers(std::string& text, const BenchReport& report) {
  for (std::size_t m = 0; m < report.members.size(); ++m) {
    const MemberLayers& member = report.layers.members[m];
    text += fmt::format("\nlayers of {:<15} {:<20} {:>8} {:>10} {:>6} {:>8} {:>6}\n", name_of(report, m), "", "MMAC",
                        "us", "time", "GFLOP/s", "peak");
    for (const LayerTime& layer : member.layers) {
      const double part = 100 * layer.median_us / member.sum_us;
      text += fmt::format("  {:<22} {:<20} ", layer.node, layer.op);
      text += layer.macs == 0 ? fmt::format("{:>8} {:>10.2f} {:>5.1f}%\n", "-", layer.median_us, part)
                              : fmt::format("{:>8.3f} {:>10.2f} {:>5.1f}% {:>8.1f} {:>5.1f}%\n",
                                            static_cast<double>(layer.macs) * 1e-6, layer.median_us, part, layer.gflops,
                                            100 * layer.share);
    }
    text += fmt::format("  {:<43} {:>8.3f} {:>10.2f} {:>6} {:>8.1f} {:>5.1f}%\n", "whole, no clock read inside",
                        static_cast<double>(report.model->macs(member.member)) * 1e-6, member.whole_us, "",
                        member.gflops, 100 * member.share);
  }
}

void append_latency(std::string& text, const BenchReport& report, const Latencies& latencies, const char* title) {
  text += fmt::format("\n{}\n{:<10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8} {:>8}", title, "ms", "median", "+-", "min",
                      "p95", "p99", "samples", "left out");
  for (const Peer& peer : report.peers.found)
    text += fmt::format("  | {:>11} {:>9} {:>10}", peer.contender.name, "p99", "/ limber");
  text += "\n";
  for (std::size_t m = 0; m < report.members.size(); ++m) {
    const std::vector<double> ms = latencies[0][m].ms.values();
    text += fmt::format("{:<10} {:>9.4f} {:>9.4f} {:>9.4f} {:>9.4f} {:>9.4f} {:>8} {:>8}", name_of(report, m),
                        median(ms), median_deviation(ms), quantile(ms, 0), quantile(ms, 0.95), quantile(ms, 0.99),
                        ms.size(), latencies[0][m].ms.left_out());
    for (std::size_t p = 0; p < report.peers.found.size(); ++p) {
      const Latency& peer = latencies[p + 1][m];
      text += fmt::format("  | {:>11.4f} {:>9.4f} {:>10}", median(peer.ms.values()), quantile(peer.ms.values(), 0.99),
                          print_ratio(paired_ratio(peer, latencies[0][m])));
    }
    text += "\n";
  }
}

void append_peers(std::string& text, const BenchReport& report) {
  for (const Peer& peer : report.peers.found) {
    text += fmt::format("{} {}: {}; graphs as exported:", peer.contender.name, peer.version, peer.settings);
    for (std::size_t m = 0; m < report.members.size(); ++m)
      text += fmt::format(" {} {}{}", name_of(report, m), peer.forms[m], m + 1 < report.members.size() ? "," : "");
    text += fmt::format("; answers differ by at most {:.1e} of the largest\n", quantile(peer.difference, 1));
  }
  for (const auto& [name, reason] : report.peers.missing) text += fmt::format("{}: {}\n", name, reason);
}

void append_switching(std::string& text, const BenchReport& report) {
  const SwitchCost& cost = report.switching;
  if (report.members.size() > 1) {
    text += fmt::format("\ntime of {} / time of {}: {}\n", name_of(report, report.members.size() - 1),
                        name_of(report, 0), print_ratio(time_ratio(report)));
  }
  text += fmt::format("a switch: {:.1f} ns, {} allocations; an inference: {} allocations\n", cost.select_ns,
                      cost.allocations_per_switch, cost.allocations_per_inference);
  if (report.members.size() < 2) return;
  text += "first inference after a switch / hot median:";
  for (std::size_t m = 0; m < report.members.size(); ++m)
    text += fmt::format(" {} {:.3f}{}", name_of(report, m), cost.first_ratio[m],
                        m + 1 < report.members.size() ? "," : "\n");
}

void append_memory(std::string& text, const BenchReport& report) {
  const Memory own = report.model->memory();
  const auto all = static_cast<double>(own.weights + own.per_member + own.arena);
  const auto alone = static_cast<double>(own.largest_alone);
  text += fmt::format("\n{:<22} {:>16} {:>14} {:>24} {:>8}\n", "memory, MiB", "all members", "largest alone",
                      fmt::format("{} models, one each", report.model->members()), "all / alone");
  text += fmt::format("{:<22} {:>16.3f} {:>14.3f} {:>24} {:>8.3f} x\n", "as Limber counts it", all / kMiB, alone / kMiB,
                      "-", all / alone);
  if (!report.memory) {
    text += "measured: this system does not tell resident memory\n";
    return;
  }
  const auto row = [&](const char* name, int64_t ResidentMemory::*bytes) {
    const auto mib = [&](const ResidentMemory& memory) { return static_cast<double>(memory.*bytes) / kMiB; };
    text += fmt::format("{:<22} {:>16.3f} {:>14.3f} {:>24.3f} {:>8.3f} x\n", name, mib(report.memory->family),
                        mib(report.memory->largest_alone), mib(report.memory->separate),
                        mib(report.memory->family) / mib(report.memory->largest_alone));
  };
  row("measured, own", &ResidentMemory::anonymous);
  row("measured, with files", &ResidentMemory::all);
}

}  // namespace

double time_ratio(const BenchReport& report) {
  return paired_ratio(report.latency.hot[0].back(), report.latency.hot[0].front());
}

std::string print_tables(const BenchReport& report, bool layers) {
  const Network& network = report.model->network();
  std::string text = fmt::format(
      "{}, weights {:.16} stored as {}, on {} ({} CPUs), cores {}, kernels {}, computed in f32; measured {} by limber "
      "{}\n"
      "peak: {:.1f} GFLOP/s of multiply-adds on registers\n",
      network.name, network.hash.empty() ? "random" : network.hash, weight_formats(network),
      report.machine.cpu_model.empty() ? "an unknown CPU" : report.machine.cpu_model, report.machine.logical_cpus,
      print_cpu_list(report.cores), report.model->isa(), report.date, LIMBER_VERSION, report.layers.peak_gflops);
  if (layers) append_layers(text, report);
  append_latency(text, report, report.latency.hot, "one image, the same member again and again");
  append_latency(text, report, report.latency.round_robin, "one image, members in turns: each follows another");
  append_peers(text, report);
  append_switching(text, report);
  append_memory(text, report);
  return text;
}

}  // namespace limber::tool
