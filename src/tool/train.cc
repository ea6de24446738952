// SPDX-License-Identifier: Apache-2.0
#include "tool/train.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "formats/data_set.h"
#include "formats/graph_json.h"
#include "formats/model_file.h"
#include "platform/clock.h"
#include "train/trainer.h"

namespace limber::tool {
namespace {

volatile std::sig_atomic_t stop_asked = 0;

struct Options {
  std::string recipe, data, output, checkpoint, rendezvous;
  std::string device = "cpu";
  int threads = 1;
  int64_t nodes = 1, rank = 0, seed = -1;
  bool no_model = false, restart = false, json = false;
};

void show_progress(const train::Progress& progress) {
  static auto last = std::chrono::steady_clock::time_point();
  const auto now = std::chrono::steady_clock::now();
  if (now - last < std::chrono::milliseconds(200)) return;
  last = now;
  constexpr int kWidth = 24;
  const int filled = static_cast<int>(kWidth * (progress.batch + 1) / progress.batches);
  fmt::print(stderr, "\r{:>6} ({}/{}) epoch {:>3}/{} [{}{}] loss {:.3f}  rate {:.4f}  {:.0f} images/s \033[K",
             progress.member, progress.step + 1, progress.steps, progress.epoch + 1, progress.epochs,
             std::string(static_cast<std::size_t>(filled), '#'),
             std::string(static_cast<std::size_t>(kWidth - filled), '.'), progress.loss, progress.learning_rate,
             progress.images_per_second);
}

void warn_when_blas_is_slow() {
  const double speed = train::measure_blas();
  if (speed > 30) return;
  fmt::print(stderr,
             "warning: libtorch's matrix product runs at {:.1f} GFLOP/s only, linear layers will be slow. Install "
             "libopenblas0; "
             "on a processor newer than your OpenBLAS set OPENBLAS_CORETYPE=SKYLAKEX.\n",
             speed);
}

void print_json(const train::TrainResult& result, const Options& options) {
  nlohmann::json members = nlohmann::json::array();
  for (const Member& member : result.network.family) {
    nlohmann::json one = {{"name", member.name}};
    for (const Accuracy& accuracy : member.accuracies) one[accuracy.split] = accuracy.top1;
    members.push_back(one);
  }
  fmt::print("{}\n",
             nlohmann::json({{"model", options.output}, {"epochs", result.records.size()}, {"members", members}})
                 .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string epoch_line(const train::EpochRecord& record) {
  std::string accuracies = fmt::format("validation {:.2f} % (new groups alone {:.2f} %)", 100 * record.validation,
                                       100 * record.validation_own);
  if (!record.members.empty()) {
    accuracies = "validation";
    for (const auto& [member, top1] : record.members)
      accuracies += fmt::format("{} {} {:.2f} %", accuracies == "validation" ? "" : ",", member, 100 * top1);
  }
  return fmt::format("{:>6} epoch {:>3}: loss {:.3f}, {}, {:.0f} s", record.member, record.epoch + 1, record.loss,
                     accuracies, record.seconds);
}

void run_training(Options options) {
  if (options.nodes > 1 && options.rendezvous.empty())
    throw CLI::ValidationError("--rendezvous", "--nodes needs --rendezvous HOST:PORT, the address of rank 0");
  train::Recipe recipe = train::read_recipe(options.recipe);
  if (!options.data.empty()) recipe.data = options.data;
  if (options.seed >= 0) {
    recipe.seed = options.seed;
    recipe.text += fmt::format("\n# --seed {}\n", options.seed);  // a checkpoint belongs to one seed, a record tells it
  }
  if (options.output.empty()) options.output = recipe.name + ".safetensors";
  if (options.checkpoint.empty()) options.checkpoint = options.output + ".checkpoint";
  const Graph graph = read_graph(recipe.network);
  train::TrainingData data;
  data.train = read_data_set(recipe.data, "train");
  data.validation = read_data_set(recipe.data, "validation");
  data.test = [&recipe] { return read_data_set(recipe.data, "test"); };
  warn_when_blas_is_slow();

  const bool bar = isatty(STDERR_FILENO) != 0 && !options.json;
  train::TrainOptions settings;
  settings.checkpoint = options.checkpoint;
  settings.threads = options.threads;
  settings.device = options.device;
  settings.nodes = options.nodes;
  settings.rank = options.rank;
  settings.rendezvous = options.rendezvous;
  settings.restart = options.restart;
  settings.finish = !options.no_model;
  settings.date = utc_now();
  settings.stop = [] { return stop_asked != 0; };
  if (bar) settings.progress = show_progress;
  const char* line_start = bar ? "\r\033[K" : "";
  settings.note = [&](const std::string& text) { fmt::print(stderr, "{}{}\n", line_start, text); };
  settings.epoch_done = [&](const train::EpochRecord& record) {
    fmt::print(stderr, "{}{}\n", line_start, epoch_line(record));
  };
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { stop_asked = 1; });
  const train::TrainResult result = train::train(recipe, graph, data, settings);
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);
  const bool first = options.rank == 0;
  if (!result.finished && !first) {
    fmt::print(stderr, "{}stopped; rank 0 has everything in its checkpoint\n", line_start);
    throw CLI::RuntimeError(1);
  }
  if (!first) {
    fmt::print(stderr, "{}trained; rank 0 writes the model\n", line_start);
    return;
  }
  if (!result.finished) {
    fmt::print(stderr, "{}stopped; everything is in {}. The same command goes on from there.\n", line_start,
               options.checkpoint);
    throw CLI::RuntimeError(1);
  }
  if (options.no_model) {
    fmt::print(stderr,
               "trained; no model written, no test image read. Without --no-model the same command writes it.\n");
    return;
  }
  write_model(result.network, options.output);
  if (options.json)
    print_json(result, options);
  else
    fmt::print("{} written ({} bytes); checkpoint and log stay beside it\n", options.output,
               std::filesystem::file_size(options.output));
}

}  // namespace

void add_train_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("train", "train a network as a recipe says");
  command->footer(
      "Example: limber train recipes/fashion-incremental.toml --output fashion.safetensors\n"
      "A stopped or killed training goes on when the same command is given again. On several machines, for each RANK:\n"
      "  limber train recipes/cifar10-ofa.toml --nodes 2 --rank RANK --rendezvous 192.168.0.10:29500");
  command->add_option("recipe", options->recipe, "a .toml file; recipes/ holds examples, docs/training.md the keys")
      ->required();
  command->add_option("--data", options->data, "a data set instead of the recipe's: a name or a path");
  command->add_option("--output", options->output, "the model file; default: the recipe's name, in this folder");
  command->add_option("--checkpoint", options->checkpoint, "default: the model file's name with .checkpoint");
  command->add_option("--seed", options->seed, "instead of the recipe's")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 31));
  command->add_option("--threads", options->threads, "cores to use; the result is reproducible for the same number")
      ->check(CLI::Range(1, 256));
  command->add_option("--device", options->device, "cuda: train on an NVIDIA GPU, if libtorch has CUDA")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  command->add_option("--nodes", options->nodes, "processes that train together, each with a part of every batch")
      ->check(CLI::Range(1, 4096));
  command->add_option("--rank", options->rank, "which of them this is, from 0; rank 0 writes checkpoint, log and model")
      ->check(CLI::Range(0, 4095));
  command->add_option("--rendezvous", options->rendezvous, "HOST:PORT of rank 0, where they meet");
  command->add_flag("--restart", options->restart, "start over, even if there is a checkpoint");
  command->add_flag("--no-model", options->no_model,
                    "stop after the last epoch, for trying recipes: the test images stay unread, no model is written");
  command->add_flag("--json", options->json, "print one JSON object at the end, no progress bar");
  command->callback([options] { run_training(*options); });
}

}  // namespace limber::tool
