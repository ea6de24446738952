// SPDX-License-Identifier: Apache-2.0
// `limber bench MODEL`: what the members cost here, alone and against peers on the same graph.
#include <algorithm>
#include <memory>
#include <optional>

#include "base/atomic_file.h"
#include "platform/clock.h"
#include "tool/bench/report.h"
#include "tool/command.h"
#include "tool/measuring.h"
#include "tool/model_source.h"

namespace limber::tool {
namespace {

struct Options {
  ModelSource source;
  std::string cores, members, peers = "onnxruntime,onednn,torch", output;
  double seconds = 10;
  bool json = false, brief = false;
};

BenchReport measure(const Options& options) {
  BenchReport report;
  report.path = options.source.name();
  report.date = utc_now();
  report.cores = core_set(options.cores);
  report.machine = read_machine(report.cores.front());
  const std::vector<std::string> peers =
      options.peers == "none" ? std::vector<std::string>{} : split_list(options.peers);
  if (resident_memory().anonymous > 0)
    report.memory = measure_memory([&] { return options.source.load(); });  // first: it forks
  report.model = Model::build(options.source.load());
  report.members = chosen_members(*report.model, options.members);

  Subject subject(report.model, report.cores);
  report.peers = find_peers(peers, subject, report.members);
  std::vector<Contender> contenders = {{"limber", [&](int member) { subject.run(member); }}};
  for (const Peer& peer : report.peers.found) contenders.push_back(peer.contender);
  report.latency = compare(contenders, report.members, 0.5 * options.seconds, report.cores.size() > 1);
  report.layers = time_layers(report.model, report.cores, report.members, 0.3 * options.seconds);
  report.switching = measure_switch(subject, report.members, 0.2 * options.seconds);
  return report;
}

void bench(const Options& options) {
  options.source.require();        // here, since load() is first called in another process
  std::optional<AtomicFile> file;  // opened first: nobody waits for figures that cannot be written
  if (!options.output.empty()) file.emplace(options.output);
  const BenchReport report = measure(options);
  std::vector<std::string> unreliable;
  for (std::size_t m = 0; m < report.members.size(); ++m) {
    if (report.latency.hot[0][m].ms.unreliable()) unreliable.push_back(report.model->member(report.members[m]).name);
  }
  warn_of_disturbance(unreliable);
  const std::string json = print_json(report);
  if (file) {
    file->write(json);
    file->commit();
  }
  fmt::print("{}", options.json ? json : print_tables(report, !options.brief));
}

}  // namespace

void add_bench_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("bench", "latency of each member, alone and against peers on the same graph");
  command->footer(
      "Layers against the core's measured peak, latency beside peers, cost of a switch, memory. Whatever is compared\n"
      "is measured in turns; figures are medians. Peers: onnxruntime, onednn and torch, where they were found when\n"
      "Limber was built.\n"
      "Examples: limber bench models/cifar10-incremental.safetensors --cores 0 --output bench.json\n"
      "          limber bench --architecture ofa-mobilenetv3-w1.0 --choice d=4,e=6,k=7 --resolution 224");
  add_model_source(*command, options->source);
  command->add_option("--core,--cores", options->cores, "logical CPUs to use, e.g. 0 or 0,1; default: the first one");
  command->add_option("--member,--members", options->members, "only these members, e.g. 25%,100%");
  command->add_option("--peers", options->peers, "onnxruntime, onednn, torch, several with commas, or none");
  command->add_option("--seconds", options->seconds, "time for all measurements together, some rounds at least")
      ->check(CLI::Range(0.0, 3600.0));
  command->add_option("--output,-o", options->output, "write the JSON object to this file, too");
  command->add_flag("--brief", options->brief, "no tables of layers");
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options] { bench(*options); });
}

}  // namespace limber::tool
