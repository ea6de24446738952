// SPDX-License-Identifier: Apache-2.0
// `limber eval MODEL`: accuracy of every member, through the engine, and whether it is what the file says.
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "design/evaluate.h"
#include "formats/model_file.h"
#include "tool/command.h"
#include "tool/measuring.h"
#include "tool/progress.h"

namespace limber::tool {
namespace {

struct Options {
  std::string model, data, split = "test", members, cores, output;
  int64_t tolerance = 0;
  bool store = false, json = false;
};

Accuracy* find_stored(Member* member, const std::string& split, const std::string& hash) {
  for (Accuracy& accuracy : member->accuracies) {
    if (accuracy.split == split && accuracy.data_hash == hash) return &accuracy;
  }
  return nullptr;
}

std::string data_of(const Options& options, const Network& network) {
  if (!options.data.empty()) return options.data;
  std::string any;
  for (const Member& member : network.family) {
    for (const Accuracy& accuracy : member.accuracies) {
      if (accuracy.split == options.split) return accuracy.data;
      if (any.empty()) any = accuracy.data;
    }
  }
  if (!any.empty()) return any;
  fail(ErrorCode::kInvalidArgument, "{} names no data set: give one with --data", options.model);
}

void evaluate(const Options& options) {
  if (!options.output.empty() && !options.store)
    fail(ErrorCode::kInvalidArgument, "--output says where --store writes to: give both");
  Network network = read_model(options.model);
  const auto model = Model::build(network);
  const std::string data = data_of(options, network);
  const std::vector<int> chosen = chosen_members(*model, options.members);
  const Images images = read_data_set(data, options.split);
  const std::vector<int> cores = options.cores.empty() ? std::vector<int>() : core_set(options.cores);
  const std::string output = options.output.empty() ? options.model : options.output;
  if (options.store) AtomicFile{output};  // an unwritable one is refused before anything is evaluated
  nlohmann::json members = nlohmann::json::array();
  std::string differing;
  if (!options.json) fmt::print("{}, {} of {}, {} images\n", options.model, options.split, images.name, images.count);
  for (const int m : chosen) {
    Member& member = network.family[static_cast<std::size_t>(m)];
    ProgressLine progress(!options.json);
    const RightAnswers found = count_right(model, m, images, cores, [&](int64_t done, int64_t all) {
      progress.show("accuracy of " + member.name, done, all);
    });
    progress.clear();
    Accuracy* const stored = find_stored(&member, options.split, images.hash);
    nlohmann::json was;
    bool differs = false;
    if (stored != nullptr) {
      was = stored->top1;
      const auto right = std::llround(stored->top1 * static_cast<double>(stored->samples));
      differs = stored->samples != found.images || std::abs(right - found.right) > options.tolerance;
      if (differs) {
        differing += fmt::format("{}'{}' has {} right answers, stored are {} of {}", differing.empty() ? "" : "; ",
                                 member.name, found.right, right, stored->samples);
      }
    }
    members.push_back(
        {{"name", member.name}, {"top1", found.top1()}, {"right", found.right}, {"stored", was}, {"differs", differs}});
    if (!options.json) {
      fmt::print("{:>8}  top-1 {:6.2f} %   {}\n", member.name, 100 * found.top1(),
                 was.is_null() ? "nothing stored for this data"
                               : fmt::format("stored {:.2f} %{}", 100 * was.get<double>(), differs ? "  DIFFERS" : ""));
    }
    if (!options.store) continue;
    const Accuracy fresh{found.top1(), data, options.split, images.hash, found.images};
    if (stored != nullptr) {
      *stored = fresh;
    } else {
      member.accuracies.push_back(fresh);
    }
  }
  if (options.store) write_model(network, output);
  if (options.json) {
    fmt::print("{}\n", nlohmann::json({{"model", options.model},
                                       {"data", images.name},
                                       {"split", options.split},
                                       {"samples", images.count},
                                       {"members", members}})
                           .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } else if (options.store) {
    fmt::print("{}: written\n", output);
  }
  if (!differing.empty() && !options.store) {
    fail(ErrorCode::kInvalidArgument,
         "{}: accuracies differ from those in the file: {}. If the file was measured with another ISA, a tie may fall "
         "the "
         "other way: --tolerance IMAGES; to replace what is stored: --store",
         options.model, differing);
  }
}

}  // namespace

void add_eval_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("eval", "accuracy of every member, or of some, on a data set");
  command->footer(
      "Fails (exit code 1) where the model file stores an accuracy for just these images and split and another one is\n"
      "found. Use the validation split while anything is still being chosen; test images are read once, when the model "
      "is\n"
      "done.\n"
      "Example: limber eval models/fashion-incremental.safetensors --data fashion-mnist\n"
      "         limber eval mine.safetensors --data cifar10 --split validation --store");
  command->add_option("model", options->model, "a model file")->required();
  command->add_option("--data", options->data, "a data set's name or path; default: the one stored in the model");
  command->add_option("--split", options->split, "which part of it")
      ->check(CLI::IsMember({"train", "validation", "test"}));
  command->add_option("--member,--members", options->members, "only these members, e.g. 25%,100%");
  command
      ->add_option("--tolerance", options->tolerance,
                   "right answers by which found and stored may differ; default: 0. Kernels of another ISA than the "
                   "one that was stored with round differently: there a tie may fall the other way")
      ->check(CLI::Range(0, 1 << 24));
  command->add_flag("--store", options->store, "write the accuracies that are found into the model file");
  command->add_option("--output,-o", options->output,
                      "with --store: the file to write; default: the model is replaced");
  command->add_option("--cores", options->cores, "logical CPUs to use, e.g. 0,1; default: this thread");
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options] { evaluate(*options); });
}

}  // namespace limber::tool
