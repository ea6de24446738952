// SPDX-License-Identifier: Apache-2.0
#include "tool/measuring.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <random>

#include "base/cpu_list.h"
#include "base/error.h"
#include "kernels/resize.h"
#include "platform/machine.h"

namespace limber::tool {

void check_channels(const Model& model, int member, const Images& images) {
  if (images.channels == model.input_channels(member)) return;
  fail(ErrorCode::kInvalidArgument, "{}: images of {} channels, but member '{}' reads {}", images.name, images.channels,
       model.member(member).name, model.input_channels(member));
}

std::vector<uint8_t> measuring_pixels(const Model& model, int member, int64_t count, const Images* images) {
  const int64_t height = model.input_height(member), width = model.input_width(member);
  const int64_t size = height * width * model.input_channels(member);
  std::vector<uint8_t> pixels(static_cast<std::size_t>(count * size));
  if (images == nullptr) {
    std::mt19937 random(1);
    for (uint8_t& value : pixels) value = static_cast<uint8_t>(random());
    return pixels;
  }
  check_channels(model, member, *images);
  kernels::Resizer resizer;
  resizer.prepare({images->height, height, 0, height}, {images->width, width, 0, width}, images->channels);
  const int64_t stored = images->height * images->width * images->channels;
  for (int64_t i = 0; i < count; ++i)
    resizer.run(images->pixels.data() + i % images->count * stored, pixels.data() + i * size);
  return pixels;
}

std::vector<int> core_set(const std::string& text) {
  const std::vector<int> allowed = allowed_cpus();
  if (text.empty()) return {allowed.front()};
  const std::vector<int> cores = parse_cpu_list(text);
  for (const int core : cores) {
    if (std::find(allowed.begin(), allowed.end(), core) == allowed.end())
      fail(ErrorCode::kInvalidArgument, "CPU {} cannot be used; this process may run on '{}'", core,
           print_cpu_list(allowed));
  }
  return cores;
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    if (comma > from) parts.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return parts;
}

std::vector<int> chosen_members(const Model& model, const std::string& text) {
  std::vector<int> members;
  for (const std::string& name : split_list(text)) members.push_back(model.find_member(name));
  if (members.empty()) {
    for (int member = 0; member < model.members(); ++member) members.push_back(member);
  }
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  return members;
}

std::optional<Accuracy> stored_accuracy(const Model& model, int member, const std::string& data_hash) {
  const std::vector<Accuracy>& all = model.member(member).accuracies;
  const auto find = [&](auto&& wanted) -> std::optional<Accuracy> {
    const auto found = std::find_if(all.begin(), all.end(), wanted);
    return found == all.end() ? std::nullopt : std::optional(*found);
  };
  if (!data_hash.empty()) return find([&](const Accuracy& a) { return a.data_hash == data_hash; });
  if (const auto test = find([](const Accuracy& a) { return a.split == "test"; })) return test;
  return find([](const Accuracy&) { return true; });
}

void warn_of_disturbance(const std::vector<std::string>& what) {
  if (what.empty()) return;
  fmt::print(
      stderr,
      "limber: warning: nearly always something else ran on the core, whose time is in these figures: {}; measure "
      "on a quiet core\n",
      fmt::join(what, ", "));
}

}  // namespace limber::tool
