// SPDX-License-Identifier: Apache-2.0
// `limber search`: the sub-networks of least cost and most accuracy. docs/searching.md is the guide.
#include <unistd.h>

#include <chrono>
#include <memory>

#include "base/error.h"
#include "tool/command.h"
#include "tool/search/options.h"

namespace limber::tool {
namespace {

void check(const SearchOptions& options) {
  const auto refuse = [](const char* what) { throw CLI::ValidationError(what); };
  if (options.model.empty() == options.table.empty()) refuse("give either a model, or --architecture and --table");
  if (!options.model.empty() && options.output.empty()) refuse("--output is required: the model file with the family");
  if (!options.model.empty() && (!options.architecture.empty() || options.compare || options.seeds > 1))
    refuse("--architecture, --compare and --seeds go with --table");
  if (!options.table.empty() && options.architecture.empty())
    refuse("--architecture is required with --table, e.g. ofa-mobilenetv3-w1.2");
  if (!options.table.empty() && (!options.output.empty() || !options.blocks.empty() || !options.state.empty() ||
                                 options.measure || options.objective == "energy"))
    refuse("--output, --blocks, --state, --measure and energy go with a model: a published table has no weights");
}

}  // namespace

void show_search_progress(const std::string& phase, int64_t done, int64_t all) {
  if (isatty(STDERR_FILENO) == 0 || all <= 0) return;
  static auto last = std::chrono::steady_clock::time_point();
  const auto now = std::chrono::steady_clock::now();
  if (done < all && now - last < std::chrono::milliseconds(100)) return;
  last = now;
  constexpr int64_t kWidth = 24;
  const auto filled = static_cast<std::size_t>(kWidth * done / all);
  fmt::print(stderr, "\r{} [{}{}] {}/{} \033[K", phase, std::string(filled, '#'),
             std::string(static_cast<std::size_t>(kWidth) - filled, '.'), done, all);
}

void clear_search_progress() {
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\033[K");
}

void add_search_command(CLI::App& app) {
  auto options = std::make_shared<SearchOptions>();
  CLI::App* command = app.add_subcommand("search", "find the family of a super-network");
  command->footer(
      "Example: limber search super.safetensors --objective macs --data cifar10 --output family.safetensors\n"
      "         limber search --architecture ofa-mobilenetv3-w1.2 --table jetson-gpu --seeds 5\n"
      "A search that was stopped or killed goes on when the same command is given again.");
  command->add_option("model", options->model, "a model file: the super-network");
  command->add_option("--objective", options->objective, "cost to keep low; accuracy is the other objective")
      ->check(CLI::IsMember({"macs", "latency", "energy"}))
      ->capture_default_str();
  command->add_option("--blocks", options->blocks, "block table of this machine, for latency and energy");
  command->add_option("--architecture", options->architecture, "with --table: a graph, a name of networks/ or a file");
  command->add_option("--table", options->table, "a published latency table, with its published accuracy predictor")
      ->check(CLI::IsMember({"jetson-gpu", "jetson-cpu"}));
  command->add_option("--data", options->data,
                      "a data set's name or path; with --table the folder of the published data "
                      "(default: $LIMBER_DATA/jetson-xavier-nx)");
  command->add_option("--output", options->output, "the model file to write");
  command->add_option("--algorithm", options->search.algorithm, "how to search")
      ->check(CLI::IsMember(search_algorithms()))
      ->capture_default_str();
  command->add_option("--budget", options->search.budget, "predictions to spend")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command->add_option("--seed", options->search.seed, "of everything that is drawn")->capture_default_str();
  command->add_option("--seeds", options->seeds, "with --table: so many seeds from --seed on, median and range")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_flag("--compare", options->compare, "with --table: all algorithms, each on the whole budget");
  command->add_option("--members", options->members, "at least so many members, where so many are found")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--samples", options->samples, "sub-networks evaluated to train the predictor")
      ->check(CLI::Range(16, 100'000))
      ->capture_default_str();
  command->add_option("--images", options->images, "validation images that judge these, of all classes")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command->add_option("--calibration", options->calibration, "training images for statistics, of all classes")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command
      ->add_option(
          "--predictor", options->predictor,
          "once-for-all's published accuracy predictor (.safetensors) instead of one trained from samples, for "
          "OFA-MobileNetV3")
      ->excludes("--samples", "--table");
  command->add_option("--state", options->state, "file of what was evaluated; default: OUTPUT.search");
  command->add_option("--cores", options->cores, "logical CPUs to use, e.g. 0,1; default: the first");
  command->add_flag("--measure", options->measure, "measure the members' latency on this machine too");
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options] {
    check(*options);
    if (options->model.empty())
      search_published(*options);
    else
      search_model(*options);
  });
}

}  // namespace limber::tool
