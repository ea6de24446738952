// SPDX-License-Identifier: Apache-2.0
#include "train/recipe.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>

#include "base/error.h"
#include "formats/toml_reader.h"

namespace limber::train {
namespace {

void read_data(TomlReader reader, Recipe& recipe) {
  recipe.data = reader.text("name");
  recipe.mean = reader.numbers("mean", 0, 1);
  recipe.deviation = reader.numbers("deviation", 1e-3, 10);
  reader.boolean("flip", recipe.flip);
  reader.integer("shift", recipe.shift, 0, 64);
  reader.integer("cutout", recipe.cutout, 0, 256);
  reader.done();
}

const std::vector<std::pair<std::string, Schedule>> kSchedules = {{"linear", Schedule::kLinear},
                                                                  {"cosine", Schedule::kCosine}};

// What only channel groups have: see recipe.h.
void read_steps(TomlReader& reader, Recipe& recipe) {
  const int64_t least = recipe.start.empty() ? 1 : 0;
  const toml::node& epochs = reader.need("epochs", "an integer, or a list with one per member");
  if (epochs.is_array()) {
    for (const toml::node& node : *epochs.as_array())
      recipe.epochs.push_back(reader.one_integer(node, "epochs", least, 10000));
  } else {
    recipe.epochs.push_back(reader.one_integer(epochs, "epochs", least, 10000));
  }
  reader.word("loss", recipe.loss,
              {{"own", Loss::kOwn}, {"sum", Loss::kSum}, {"mean", Loss::kMean}, {"mixed", Loss::kMixed}});
  reader.number("join", recipe.join, 0, 1);
  reader.word("begin", recipe.begin, {{"random", Begin::kRandom}, {"previous", Begin::kPrevious}});
  reader.word("scale", recipe.scale, {{"one", Scale::kOne}, {"fitted", Scale::kFitted}});
  reader.word("keep", recipe.keep, {{"last", Keep::kLast}, {"best", Keep::kBest}});
}

void read_training(TomlReader reader, Recipe& recipe, bool super_network) {
  if (super_network)
    reader.integer("calibration", recipe.calibration, 16, 1 << 20);
  else
    read_steps(reader, recipe);
  reader.integer("batch", recipe.batch, 2, 65536);
  reader.number("learning_rate", recipe.learning_rate, 1e-9, 100);
  reader.number("warm_up", recipe.warm_up, 0, 0.99);
  reader.word("schedule", recipe.schedule, kSchedules);
  reader.number("momentum", recipe.momentum, 0, 0.9999);
  reader.number("weight_decay", recipe.weight_decay, 0, 1);
  reader.word("optimizer", recipe.optimizer, {{"sgd", Optimizer::kSgd}, {"muon", Optimizer::kMuon}});
  reader.number("muon_rate", recipe.muon_rate, 1e-6, 1000);
  reader.number("muon_momentum", recipe.muon_momentum, 0, 0.9999);
  reader.number("label_smoothing", recipe.label_smoothing, 0, 0.9);
  reader.word("precision", recipe.precision, {{"bf16", Precision::kBf16}, {"fp32", Precision::kFp32}});
  reader.integer("seed", recipe.seed, 0, int64_t{1} << 31);
  reader.done();
}

RecipePhase read_phase(TomlReader reader, const toml::node& node, const Recipe& recipe) {
  RecipePhase phase;
  phase.line = node.source().begin.line;
  phase.name = std::to_string(recipe.phases.size() + 1);
  phase.learning_rate = recipe.learning_rate;
  phase.warm_up = recipe.warm_up;
  phase.schedule = recipe.schedule;
  if (reader.has("name")) phase.name = reader.text("name");
  phase.epochs = reader.one_integer(reader.need("epochs", "an integer"), "epochs", 1, 10000);
  reader.number("learning_rate", phase.learning_rate, 1e-9, 100);
  reader.number("warm_up", phase.warm_up, 0, 0.99);
  reader.word("schedule", phase.schedule, kSchedules);
  reader.word("sample", phase.sample,
              {{"largest", Sample::kLargest}, {"sandwich", Sample::kSandwich}, {"random", Sample::kRandom}});
  reader.integer("subnets", phase.subnets, 1, 64);
  reader.word("teacher", phase.teacher,
              {{"none", Teacher::kNone}, {"largest", Teacher::kLargest}, {"previous", Teacher::kPrevious}});
  reader.number("hard", phase.hard, 0, 1);
  reader.boolean("sort", phase.sort);
  if (reader.has("space")) phase.space = reader.text("space");
  reader.done();
  if (phase.sample == Sample::kSandwich && phase.subnets < 2)
    reader.refuse(*reader.find("subnets"), "subnets", "2 or more with sample = \"sandwich\": largest and smallest");
  return phase;
}

// All of them in one message: an empty file is told the whole form.
void check_top_keys(const toml::table& root, const std::string& path) {
  std::string missing;
  for (const char* key : {"name", "network", "data", "training", "member"}) {
    if (!root.contains(key)) missing += (missing.empty() ? "" : ", ") + std::string(key);
  }
  if (missing.empty()) return;
  fail(
      ErrorCode::kBadFile,
      "{}: {}{} missing; a recipe has name, network, [data] with name, mean and deviation, [training] with epochs (or "
      "a "
      "[[phase]] with epochs for each phase of a super-network), and a [[member]] with name and choice for each member "
      "(docs/training.md, docs/training-super-networks.md; recipes/ has examples)",
      path, root.empty() ? "this recipe is empty: " : "",
      missing + (missing.find(',') == missing.npos ? " is" : " are"));
}

Recipe check_sizes(Recipe recipe) {
  if (recipe.mean.size() != recipe.deviation.size())
    fail(ErrorCode::kBadFile, "{}: data.mean has {} values and data.deviation {}; give one per channel", recipe.path,
         recipe.mean.size(), recipe.deviation.size());
  return recipe;
}

}  // namespace

Recipe parse_recipe(const std::string& text, const std::string& path) {
  Recipe recipe;
  recipe.path = path;
  recipe.text = text;
  toml::table root;
  try {
    root = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    fail(ErrorCode::kBadFile, "{}:{}: not TOML: {}", path, error.source().begin.line, error.description());
  }
  check_top_keys(root, path);
  TomlReader reader(root, path, "");
  recipe.name = reader.text("name");
  recipe.network = reader.text("network");
  if (reader.has("start")) recipe.start = reader.text("start");
  for (std::string* file : {&recipe.network, &recipe.start}) {
    if (file->empty() || std::filesystem::path(*file).is_absolute()) continue;
    *file = (std::filesystem::path(path).parent_path() / *file).lexically_normal().string();
  }
  read_data(TomlReader(reader.table("data"), path, "data."), recipe);
  const bool super_network = reader.has("phase");
  read_training(TomlReader(reader.table("training"), path, "training."), recipe, super_network);
  if (super_network) {
    for (const toml::node& node : reader.array("phase", "one [[phase]] section or more")) {
      if (!node.is_table()) reader.refuse(node, "phase", "a [[phase]] section");
      recipe.phases.push_back(read_phase(TomlReader(*node.as_table(), path, "phase."), node, recipe));
    }
  }
  for (const toml::node& node : reader.array("member", "one [[member]] section or more")) {
    if (!node.is_table()) reader.refuse(node, "member", "a [[member]] section");
    TomlReader member(*node.as_table(), path, "member.");
    const std::string name = member.text("name");  // a design space without dimensions needs no choice
    recipe.members.push_back({name, super_network && !member.has("choice") ? "" : member.text("choice")});
    member.done();
  }
  reader.done();
  if (super_network) return check_sizes(std::move(recipe));
  if (recipe.epochs.size() == 1) recipe.epochs.resize(recipe.members.size(), recipe.epochs[0]);
  if (recipe.epochs.size() != recipe.members.size())
    fail(ErrorCode::kBadFile, "{}: training.epochs has {} values for {} members; give one value, or one per member",
         path, recipe.epochs.size(), recipe.members.size());
  return check_sizes(std::move(recipe));
}

Recipe read_recipe(const std::string& path) {
  std::error_code error;
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path, error))
    fail(ErrorCode::kNotFound, "{}: cannot read this recipe; recipes/ holds those that ship", path);
  return parse_recipe({std::istreambuf_iterator<char>(file), {}}, path);
}

double learning_rate_at(double peak, double warm_up, Schedule schedule, double done) {
  if (done < warm_up) return peak * (0.05 + 0.95 * done / warm_up);
  const double fallen = (done - warm_up) / (1 - warm_up);
  const double share = schedule == Schedule::kCosine ? 0.5 * (1 + std::cos(std::numbers::pi * fallen)) : 1 - fallen;
  return peak * std::max(share, 1e-4);
}

}  // namespace limber::train
