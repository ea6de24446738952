// SPDX-License-Identifier: Apache-2.0
// `limber eval MODEL`: accuracy of every member, through the engine.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/cpu_list.h"
#include "base/error.h"
#include "formats/data_set.h"
#include "formats/model_file.h"
#include "network/session.h"
#include "tool/command.h"
#include "tool/measuring.h"

namespace limber::tool {
namespace {

struct Options {
  std::string model, data, split = "test", member, cores;
  bool json = false;
};

void check_images(const Model& model, int member, const Images& images) {
  check_image_size(model, member, images);
  if (static_cast<int64_t>(images.classes.size()) > model.outputs(member)) {
    fail(ErrorCode::kInvalidArgument, "{}: {} classes, but the model answers with {}", images.name,
         images.classes.size(), model.outputs(member));
  }
}

double top1(Session& session, int member, const Images& images) {
  check_images(session.model(), member, images);
  session.select(member);
  const int64_t outputs = session.model().outputs(member);
  std::vector<float> answers(static_cast<size_t>(images.count * outputs));
  session.infer({.images = images.count, .pixels = images.pixels, .planes = {}}, answers);
  int64_t right = 0;
  for (int64_t i = 0; i < images.count; ++i) {
    const auto answer = answers.begin() + i * outputs;
    right += std::max_element(answer, answer + outputs) - answer == images.labels[static_cast<size_t>(i)];
  }
  return static_cast<double>(right) / static_cast<double>(images.count);
}

void evaluate(const Options& options) {
  const auto model = Model::build(read_model(options.model));
  std::string data = options.data;
  for (const Accuracy& accuracy : model->member(0).accuracies) {
    if (data.empty() && accuracy.split == options.split) data = accuracy.data;
  }
  if (data.empty()) {
    fail(ErrorCode::kInvalidArgument, "{} names no data set for split '{}': give one with --data", options.model,
         options.split);
  }
  const int only = options.member.empty() ? -1 : model->find_member(options.member);
  const Images images = read_data_set(data, options.split);
  SessionOptions settings;
  if (!options.cores.empty()) settings.cores = parse_cpu_list(options.cores);
  Session session(model, settings);
  nlohmann::json members = nlohmann::json::array();
  if (!options.json) fmt::print("{}, {} of {}, {} images\n", options.model, options.split, images.name, images.count);
  for (int m = 0; m < model->members(); ++m) {
    if (only >= 0 && m != only) continue;
    const double measured = top1(session, m, images);
    nlohmann::json stored;
    for (const Accuracy& accuracy : model->member(m).accuracies) {
      if (accuracy.split == options.split && accuracy.data_hash == images.hash) stored = accuracy.top1;
    }
    members.push_back({{"name", model->member(m).name}, {"top1", measured}, {"stored", stored}});
    if (options.json) continue;
    fmt::print(
        "{:>8}  top-1 {:6.2f} %   {}\n", model->member(m).name, 100 * measured,
        stored.is_null() ? "nothing stored for this data" : fmt::format("stored {:.2f} %", 100 * stored.get<double>()));
  }
  if (!options.json) return;
  fmt::print("{}\n", nlohmann::json({{"model", options.model},
                                     {"data", images.name},
                                     {"split", options.split},
                                     {"samples", images.count},
                                     {"members", members}})
                         .dump());
}

}  // namespace

void add_eval_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("eval", "accuracy of every member, or of one, on a data set");
  command->footer("Example: limber eval models/fashion-incremental.safetensors --data fashion-mnist");
  command->add_option("model", options->model, "a model file")->required();
  command->add_option("--data", options->data, "a data set's name or path; default: the one stored in the model");
  command->add_option("--split", options->split, "which part of it")
      ->check(CLI::IsMember({"train", "validation", "test"}));
  command->add_option("--member", options->member, "only this member");
  command->add_option("--cores", options->cores, "logical CPUs to use, e.g. 0,1; default: this thread");
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options] { evaluate(*options); });
}

}  // namespace limber::tool
