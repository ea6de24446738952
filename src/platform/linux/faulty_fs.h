// SPDX-License-Identifier: Apache-2.0
// A machine in memory that refuses, rounds and vanishes as kernels do. Layer: platform (tests only).
#pragma once
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "platform/linux/tree_fs.h"

namespace limber {

class FaultyFs : public TreeFs {
 public:
  FaultyFs() = default;
  explicit FaultyFs(TreeFs tree) : TreeFs(std::move(tree)) {}
  // One of trees/: what such a board shows.
  static FaultyFs board(const std::string& name) {
    const std::string path = std::string(LIMBER_TREES) + "/" + name + ".txt";
    std::ifstream file(path);
    return FaultyFs(TreeFs::parse({std::istreambuf_iterator<char>(file), {}}, path));
  }

  std::map<std::string, int> read_errors, write_errors;  // path: errno
  // What the kernel makes of a value: changes it, or returns an errno.
  std::map<std::string, std::function<int(std::string& value)>> rules;
  std::function<void(const std::string& path)> before_write;
  std::vector<std::pair<std::string, std::string>> writes;  // accepted or not, in order

  FsText read(const std::string& path) const override {
    const auto error = read_errors.find(path);
    return error != read_errors.end() ? FsText{error->second, {}} : TreeFs::read(path);
  }

  int write(const std::string& path, std::string_view value) override {
    writes.emplace_back(path, value);
    if (before_write) before_write(path);
    if (const auto error = write_errors.find(path); error != write_errors.end()) return error->second;
    std::string made(value);
    if (const auto rule = rules.find(path); rule != rules.end())
      if (const int error = rule->second(made); error != 0) return error;
    return TreeFs::write(path, made);
  }

  // cpufreq's manners: limits rounded up to a step, a lower one above the upper one is EINVAL, a governor that is not
  // listed too.
  void act_as_cpufreq(const std::string& policy) {
    const auto number = [this, policy](const char* name) {
      return read_integer(*this, policy + "/" + name).value_or(0);
    };
    const auto round = [this, policy](std::string& value) {
      const auto wanted = parse_integer(value);
      if (!wanted) return EINVAL;
      auto steps = parse_integers(TreeFs::read(policy + "/scaling_available_frequencies").text);
      std::sort(steps.begin(), steps.end());
      const auto step = std::lower_bound(steps.begin(), steps.end(), *wanted);
      if (!steps.empty()) value = std::to_string(step == steps.end() ? steps.back() : *step);
      return 0;
    };
    rules[policy + "/scaling_min_freq"] = [=](std::string& value) {
      const int error = round(value);
      return error != 0 ? error : std::stoll(value) > number("scaling_max_freq") ? EINVAL : 0;
    };
    rules[policy + "/scaling_max_freq"] = [=](std::string& value) {
      const int error = round(value);
      return error != 0 ? error : std::stoll(value) < number("scaling_min_freq") ? EINVAL : 0;
    };
    rules[policy + "/scaling_governor"] = [this, policy](std::string& value) {
      const auto known = parse_words(TreeFs::read(policy + "/scaling_available_governors").text);
      if (std::find(known.begin(), known.end(), value) == known.end()) return EINVAL;
      return 0;
    };
  }
};

}  // namespace limber
