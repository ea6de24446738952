// SPDX-License-Identifier: Apache-2.0
#include "tool/profile_blocks.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "design/measure_blocks.h"
#include "formats/graph_json.h"
#include "formats/model_file.h"
#include "formats/shipped_file.h"
#include "kernels/isa.h"
#include "network/random_weights.h"
#include "platform/machine.h"
#include "tool/measuring.h"
#include "tool/progress.h"

namespace limber::tool {
namespace {

void print_summary(const BlockTable& table) {
  const BlockTableKey& key = table.key;
  fmt::print("{} on {} ({} CPUs), core {}, kernels {}, {}; measured {}\n\n", key.network,
             key.cpu_model.empty() ? "an unknown CPU" : key.cpu_model, key.logical_cpus, key.core, key.isa,
             key.precision, key.date);
  double least = 1e300, most = 0;
  int64_t samples = INT64_MAX;
  std::size_t unreliable = 0;
  for (const auto& [shape, time] : table.blocks) {
    least = std::min(least, time.median_ms);
    most = std::max(most, time.median_ms);
    samples = std::min(samples, time.samples);
    unreliable += time.unreliable;
  }
  fmt::print("{} blocks, {:.4f} to {:.4f} ms, at least {} samples each; {:.4f} ms for what is no block's\n",
             table.blocks.size(), least, most, samples, table.overhead_ms);
  if (table.check) {
    fmt::print("checked on {} other sub-networks: predictions are {:.1f} % off on average, {:.1f} % at worst\n",
               table.check->sub_networks, 100 * table.check->mean_error, 100 * table.check->worst_error);
  }
  if (table.energy) {
    fmt::print("power: {:.2f} W ({}); energies are modelled as power times time\n", table.energy->watts,
               table.energy->sensor);
  } else {
    fmt::print("power: no sensor could be read; --objective energy needs one\n");
  }
  if (unreliable > 0) {
    fmt::print(
        stderr,
        "limber: warning: {} of {} blocks are marked unreliable: their times spread by more than a fifth, or something "
        "else ran on the core nearly always; measure on a quiet core, or longer\n",
        unreliable, table.blocks.size());
  }
}

}  // namespace

void profile_blocks(const ProfileBlocks& options) {
  const std::vector<int> cores = core_set(options.core);
  if (cores.size() != 1) fail(ErrorCode::kInvalidArgument, "--blocks times one core; give one with --cores");
  if (!options.check.empty()) {
    const BlockTable table = read_block_table(options.check);
    const auto warnings =
        check_block_table(table, kernels::isa_name(kernels::best_isa()), read_machine(table.key.core), options.check);
    for (const std::string& warning : warnings) fmt::print(stderr, "limber: warning: {}\n", warning);
    if (options.json) {
      fmt::print("{}", print_block_table(table));
      return;
    }
    print_summary(table);
    fmt::print("\n{} belongs to this machine\n", options.check);
    return;
  }
  if (options.model.empty() == options.architecture.empty())
    fail(ErrorCode::kInvalidArgument, "--blocks needs either a model file or --architecture");
  const Network network = options.architecture.empty()
                              ? read_model(options.model)
                              : with_random_weights(read_graph(find_shipped_file("networks", options.architecture)));
  ProgressLine progress(!options.json);
  MeasureBlocksOptions settings;
  settings.core = cores.front();
  settings.seconds = options.seconds;
  settings.checks = options.checks;
  settings.progress = [&](const std::string& phase, int64_t done, int64_t all) { progress.show(phase, done, all); };
  const BlockTable table = measure_blocks(network, settings);
  progress.clear();
  if (!options.output.empty()) write_block_table(table, options.output);
  if (options.json) {
    fmt::print("{}", print_block_table(table));
    return;
  }
  print_summary(table);
  if (!options.output.empty()) fmt::print("\n{}: written\n", options.output);
}

}  // namespace limber::tool
