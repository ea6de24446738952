// SPDX-License-Identifier: Apache-2.0
// `limber calibrate norms MODEL`: statistics of its own for every member.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "design/calibrate_norms.h"
#include "design/evaluate.h"
#include "formats/model_file.h"
#include "tool/calibrate/subcommands.h"
#include "tool/measuring.h"
#include "tool/progress.h"

namespace limber::tool {
namespace {

struct Options {
  std::string model, data, output, cores;
  std::vector<std::string> members;
  int64_t images = 2000, judged = 0;
  double memory_mb = 1024;
  bool json = false;
};

// How far statistics moved: means in units of the old deviation, deviations as a ratio (above 1).
struct Change {
  double mean = 0, deviation = 1;
  bool any = false;
};

Change change_of(const std::vector<NormStatistics>& before, const std::vector<NormStatistics>& after) {
  Change change;
  change.any = before != after;
  for (std::size_t n = 0; n < before.size(); ++n) {
    for (std::size_t c = 0; c < before[n].mean.size(); ++c) {
      constexpr double kLeast = 1e-6;  // a channel that is always 0 has no deviation
      const double old = std::sqrt(std::max(static_cast<double>(before[n].variance[c]), kLeast));
      const double now = std::sqrt(std::max(static_cast<double>(after[n].variance[c]), kLeast));
      change.mean = std::max(change.mean, std::abs(static_cast<double>(after[n].mean[c] - before[n].mean[c])) / old);
      change.deviation = std::max(change.deviation, std::max(now / old, old / now));
    }
  }
  return change;
}

std::string data_of(const Options& options, const Network& network) {
  if (!options.data.empty()) return options.data;
  for (const Member& member : network.family) {
    if (!member.accuracies.empty()) return member.accuracies.front().data;
  }
  fail(ErrorCode::kInvalidArgument, "{} names no data set: give the one it was trained on with --data", options.model);
}

void calibrate(const Options& options) {
  Network network = read_model(options.model);
  const auto model = Model::build(network);
  std::string names;
  for (const std::string& name : options.members) names += name + ',';
  const std::vector<int> chosen = chosen_members(*model, names);
  const std::string data = data_of(options, network);
  const Images training = drawn_images(read_data_set(data, "train"), options.images);
  Images validation = read_data_set(data, "validation");
  if (options.judged > 0) validation = drawn_images(validation, options.judged);
  const std::vector<int> cores = options.cores.empty() ? std::vector<int>() : core_set(options.cores);
  const std::string output = options.output.empty() ? options.model : options.output;
  AtomicFile{output};  // an unwritable one is refused before anything is computed
  ProgressLine progress(!options.json);
  CalibrationOptions settings;
  settings.cores = cores;
  settings.memory = static_cast<int64_t>(options.memory_mb * 1e6);
  nlohmann::json members = nlohmann::json::array();
  std::string lines;
  for (const int m : chosen) {
    Member& member = network.family[static_cast<std::size_t>(m)];
    settings.progress = [&](int64_t done, int64_t all) { progress.show("statistics of " + member.name, done, all); };
    const auto judge = [&](const std::shared_ptr<const Model>& which, int index) {
      return count_right(which, index, validation, cores,
                         [&](int64_t done, int64_t all) { progress.show("accuracy of " + member.name, done, all); });
    };
    const auto before = stored_norms(network, member),
               after = calibrate_norms(network, member.choice, training, settings);
    if (after.empty())
      fail(ErrorCode::kInvalidArgument, "{}: member '{}' has no normalisation", options.model, member.name);
    const Change change = change_of(before, after);
    const RightAnswers old = judge(model, m);
    ModelOptions building;
    building.use_cache = false;  // the file itself will be packed when it is used
    const RightAnswers now =
        change.any ? judge(Model::build(one_member(network, member.choice, after), building), 0) : old;
    if (change.any) {
      store_norms(&network, static_cast<std::size_t>(m), after);
      // What is stored was found with the statistics that are replaced.
      member.accuracies = {{now.top1(), data, "validation", validation.hash, now.images}};
    }
    lines += fmt::format("{:>12}  {:>5}  {:>10.3f}  {:>10.3f}  {:>8.2f}  {:>8.2f}\n", member.name, after.size(),
                         change.mean, change.deviation, 100 * old.top1(), 100 * now.top1());
    members.push_back({{"name", member.name},
                       {"norms", after.size()},
                       {"changed", change.any},
                       {"largest_mean_shift", change.mean},
                       {"largest_deviation_ratio", change.deviation},
                       {"top1_before", old.top1()},
                       {"top1", now.top1()}});
  }
  progress.clear();
  write_model(network, output);
  if (options.json) {
    fmt::print("{}\n", nlohmann::json({{"model", options.model},
                                       {"output", output},
                                       {"data", training.name},
                                       {"images", training.count},
                                       {"split", "validation"},
                                       {"samples", validation.count},
                                       {"members", members}})
                           .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print("{}: statistics over {} training images of {}, accuracy on {} validation images\n\n", options.model,
             training.count, training.name, validation.count);
  fmt::print("{:>12}  {:>5}  {:>10}  {:>10}  {:>8}  {:>8}\n", "member", "norms", "mean moved", "deviation", "before %",
             "after %");
  fmt::print("{}\n{}: written\n", lines, output);
}

}  // namespace

void add_calibrate_norms(CLI::App& calibrate_command) {
  auto options = std::make_shared<Options>();
  CLI::App* norms = calibrate_command.add_subcommand("norms", "normalisation statistics of its own for every member");
  norms->footer(
      "Means and variances are estimated anew over training images, layer after layer, and stored in the model file "
      "with\n"
      "the accuracy that each member then has on the validation images. Shown: the farthest that a channel's mean "
      "moved\n"
      "(in deviations), the largest factor between a deviation and the one before. A member's earlier accuracies no "
      "longer\n"
      "hold and are dropped; measure the test split once, when the model is done: limber eval MODEL --store\n"
      "Example: limber calibrate norms models/shapes-incremental.safetensors --data shapes --output "
      "calibrated.safetensors");
  norms->add_option("model", options->model, "a model file")->required();
  norms->add_option("--data", options->data, "the data set it was trained on; default: the one named in the model");
  norms->add_option("--images", options->images, "training images to use")->check(CLI::Range(1, 1 << 24));
  norms->add_option("--judge", options->judged, "validation images to use; 0: all")->check(CLI::Range(0, 1 << 24));
  norms->add_option("--member,--members", options->members, "only these members; default: all")->delimiter(',');
  norms->add_option("--output,-o", options->output, "the file to write; default: the model itself is replaced");
  norms->add_option("--cores", options->cores, "logical CPUs to use, e.g. 0,1; default: this thread");
  norms->add_option("--memory", options->memory_mb, "megabytes for values between layers; less means more computing")
      ->check(CLI::Range(0.0, 1e6));
  norms->add_flag("--json", options->json, "print one JSON object");
  norms->callback([options] { calibrate(*options); });
}

}  // namespace limber::tool
