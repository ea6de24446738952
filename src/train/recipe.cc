// SPDX-License-Identifier: Apache-2.0
#include "train/recipe.h"

#include <toml++/toml.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>

#include "base/error.h"

namespace limber::train {
namespace {

// Reads one table key by key and complains about whatever is left over.
class Reader {
 public:
  Reader(const toml::table& table, std::string path, std::string section)
      : table_(table), path_(std::move(path)), section_(std::move(section)) {}

  [[noreturn]] void refuse(const toml::node& node, const std::string& key, const std::string& legal) const {
    fail(ErrorCode::kBadFile, "{}:{}: {}{}: legal is {}", path_, node.source().begin.line, section_, key, legal);
  }
  const toml::node* find(const std::string& key) {
    known_.push_back(key);
    return table_.get(key);
  }
  const toml::node& need(const std::string& key, const std::string& legal) {
    const toml::node* node = find(key);
    if (node == nullptr) fail(ErrorCode::kBadFile, "{}: {}{} is missing; give {}", path_, section_, key, legal);
    return *node;
  }
  bool has(const std::string& key) {
    known_.push_back(key);
    return table_.contains(key);
  }
  std::string text(const std::string& key) {
    const toml::node& node = need(key, "a text in quotes");
    if (!node.is_string() || node.as_string()->get().empty()) refuse(node, key, "a text in quotes");
    return node.as_string()->get();
  }
  void boolean(const std::string& key, bool& value) {
    if (const toml::node* node = find(key)) {
      if (!node->is_boolean()) refuse(*node, key, "true or false");
      value = node->as_boolean()->get();
    }
  }
  void integer(const std::string& key, int64_t& value, int64_t low, int64_t high) {
    if (const toml::node* node = find(key)) value = one_integer(*node, key, low, high);
  }
  int64_t one_integer(const toml::node& node, const std::string& key, int64_t low, int64_t high) const {
    const std::string legal = fmt::format("an integer from {} to {}", low, high);
    if (!node.is_integer()) refuse(node, key, legal);
    const int64_t value = node.as_integer()->get();
    if (value < low || value > high) refuse(node, key, fmt::format("{}, not {}", legal, value));
    return value;
  }
  void number(const std::string& key, double& value, double low, double high) {
    if (const toml::node* node = find(key)) value = one_number(*node, key, low, high);
  }
  double one_number(const toml::node& node, const std::string& key, double low, double high) const {
    const std::string legal = fmt::format("a number from {} to {}", low, high);
    if (!node.is_number()) refuse(node, key, legal);
    const double value = *node.value<double>();
    if (!(value >= low && value <= high)) refuse(node, key, fmt::format("{}, not {}", legal, value));
    return value;
  }
  const toml::array& array(const std::string& key, const std::string& legal) {
    const toml::node& node = need(key, legal);
    if (!node.is_array() || node.as_array()->empty()) refuse(node, key, legal);
    return *node.as_array();
  }
  std::vector<float> numbers(const std::string& key, double low, double high) {
    std::vector<float> values;
    for (const toml::node& node : array(key, "a list of numbers, one per channel"))
      values.push_back(static_cast<float>(one_number(node, key, low, high)));
    return values;
  }
  template <typename T>
  void word(const std::string& key, T& value, const std::vector<std::pair<std::string, T>>& legal) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    std::string list;
    for (const auto& [name, meaning] : legal) {
      if (node->is_string() && node->as_string()->get() == name) {
        value = meaning;
        return;
      }
      list += (list.empty() ? "\"" : ", \"") + name + "\"";
    }
    refuse(*node, key, "one of " + list);
  }
  const toml::table& table(const std::string& key) {
    const toml::node& node = need(key, "a section [" + key + "]");
    if (!node.is_table()) refuse(node, key, "a section [" + key + "]");
    return *node.as_table();
  }
  // Call last: whatever was not asked for is not legal here.
  void done() const {
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      std::string list;
      for (const std::string& known : known_) list += (list.empty() ? "" : ", ") + known;
      fail(ErrorCode::kBadFile, "{}:{}: {}{}: no such key; legal keys here are {}", path_, node.source().begin.line,
           section_, name, list);
    }
  }

 private:
  const toml::table& table_;
  std::string path_, section_;
  std::vector<std::string> known_;
};

void read_data(Reader reader, Recipe& recipe) {
  recipe.data = reader.text("name");
  recipe.mean = reader.numbers("mean", 0, 1);
  recipe.deviation = reader.numbers("deviation", 1e-3, 10);
  reader.boolean("flip", recipe.flip);
  reader.integer("shift", recipe.shift, 0, 64);
  reader.integer("cutout", recipe.cutout, 0, 256);
  reader.done();
}

void read_training(Reader reader, Recipe& recipe) {
  const int64_t least = recipe.start.empty() ? 1 : 0;
  const toml::node& epochs = reader.need("epochs", "an integer, or a list with one per member");
  if (epochs.is_array()) {
    for (const toml::node& node : *epochs.as_array())
      recipe.epochs.push_back(reader.one_integer(node, "epochs", least, 10000));
  } else {
    recipe.epochs.push_back(reader.one_integer(epochs, "epochs", least, 10000));
  }
  reader.integer("batch", recipe.batch, 2, 65536);
  reader.number("learning_rate", recipe.learning_rate, 1e-9, 100);
  reader.number("warm_up", recipe.warm_up, 0, 0.99);
  reader.word("schedule", recipe.schedule, {{"linear", Schedule::kLinear}, {"cosine", Schedule::kCosine}});
  reader.number("momentum", recipe.momentum, 0, 0.9999);
  reader.number("weight_decay", recipe.weight_decay, 0, 1);
  reader.number("label_smoothing", recipe.label_smoothing, 0, 0.9);
  reader.word("loss", recipe.loss,
              {{"own", Loss::kOwn}, {"sum", Loss::kSum}, {"mean", Loss::kMean}, {"mixed", Loss::kMixed}});
  reader.number("join", recipe.join, 0, 1);
  reader.word("begin", recipe.begin, {{"random", Begin::kRandom}, {"previous", Begin::kPrevious}});
  reader.word("scale", recipe.scale, {{"one", Scale::kOne}, {"fitted", Scale::kFitted}});
  reader.word("precision", recipe.precision, {{"bf16", Precision::kBf16}, {"fp32", Precision::kFp32}});
  reader.word("keep", recipe.keep, {{"last", Keep::kLast}, {"best", Keep::kBest}});
  reader.integer("seed", recipe.seed, 0, int64_t{1} << 31);
  reader.done();
}

// All of them in one message: an empty file is told the whole form.
void check_top_keys(const toml::table& root, const std::string& path) {
  std::string missing;
  for (const char* key : {"name", "network", "data", "training", "member"}) {
    if (!root.contains(key)) missing += (missing.empty() ? "" : ", ") + std::string(key);
  }
  if (missing.empty()) return;
  fail(ErrorCode::kBadFile,
       "{}: {}{} missing; a recipe has name, network, [data] with name, mean and deviation, [training] with epochs, "
       "and a "
       "[[member]] with name and choice for each member (docs/training.md; recipes/ has examples)",
       path, root.empty() ? "this recipe is empty: " : "",
       missing + (missing.find(',') == missing.npos ? " is" : " are"));
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
  Reader reader(root, path, "");
  recipe.name = reader.text("name");
  recipe.network = reader.text("network");
  if (reader.has("start")) recipe.start = reader.text("start");
  for (std::string* file : {&recipe.network, &recipe.start}) {
    if (file->empty() || std::filesystem::path(*file).is_absolute()) continue;
    *file = (std::filesystem::path(path).parent_path() / *file).lexically_normal().string();
  }
  read_data(Reader(reader.table("data"), path, "data."), recipe);
  read_training(Reader(reader.table("training"), path, "training."), recipe);
  for (const toml::node& node : reader.array("member", "one [[member]] section or more")) {
    if (!node.is_table()) reader.refuse(node, "member", "a [[member]] section");
    Reader member(*node.as_table(), path, "member.");
    recipe.members.push_back({member.text("name"), member.text("choice")});
    member.done();
  }
  reader.done();
  if (recipe.epochs.size() == 1) recipe.epochs.resize(recipe.members.size(), recipe.epochs[0]);
  if (recipe.epochs.size() != recipe.members.size())
    fail(ErrorCode::kBadFile, "{}: training.epochs has {} values for {} members; give one value, or one per member",
         path, recipe.epochs.size(), recipe.members.size());
  if (recipe.mean.size() != recipe.deviation.size())
    fail(ErrorCode::kBadFile, "{}: data.mean has {} values and data.deviation {}; give one per channel", path,
         recipe.mean.size(), recipe.deviation.size());
  return recipe;
}

Recipe read_recipe(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(ErrorCode::kNotFound, "{}: cannot read this recipe; recipes/ holds those that ship", path);
  return parse_recipe({std::istreambuf_iterator<char>(file), {}}, path);
}

double learning_rate_at(const Recipe& recipe, double done) {
  if (done < recipe.warm_up) return recipe.learning_rate * (0.05 + 0.95 * done / recipe.warm_up);
  const double fallen = (done - recipe.warm_up) / (1 - recipe.warm_up);
  const double share =
      recipe.schedule == Schedule::kCosine ? 0.5 * (1 + std::cos(std::numbers::pi * fallen)) : 1 - fallen;
  return recipe.learning_rate * std::max(share, 1e-4);
}

}  // namespace limber::train
