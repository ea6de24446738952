// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for the model reader. Most mutations of raw bytes die in the JSON of the header, so the mutator also
// works on the parts: the header, one text of the metadata (the graph is JSON inside JSON), the data.
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "model_reader.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

std::string mutate(std::string text, size_t limit) {
  const size_t room = std::min(limit, text.size() + 64);
  const size_t size = std::min(text.size(), room);
  text.resize(room + 1);
  text.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(text.data()), size, room));
  return text;
}

// One number or one text somewhere in the value.
void mutate_leaf(nlohmann::ordered_json& json, std::minstd_rand& random) {
  std::vector<nlohmann::ordered_json*> leaves, open{&json};
  while (!open.empty()) {
    nlohmann::ordered_json* at = open.back();
    open.pop_back();
    if (!at->is_structured()) leaves.push_back(at);
    if (at->is_structured()) {
      for (auto& child : *at) open.push_back(&child);
    }
  }
  if (leaves.empty()) return;
  nlohmann::ordered_json& leaf = *leaves[random() % leaves.size()];
  static const int64_t kNumbers[] = {0,  1,  -1, 2,   3,   4,     5,       7,         8,         15,       16,
                                     17, 31, 64, 255, 256, 65535, 1 << 20, INT32_MAX, INT64_MAX, INT64_MIN};
  if (leaf.is_number()) leaf = kNumbers[random() % std::size(kNumbers)];
  if (leaf.is_string()) leaf = leaves[random() % leaves.size()]->is_string() ? *leaves[random() % leaves.size()] : leaf;
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  uint64_t length = 0;
  if (size >= 8) std::memcpy(&length, data, 8);
  if (size < 8 || length > size - 8 || random() % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::string header(reinterpret_cast<char*>(data) + 8, length);
  std::string body(reinterpret_cast<char*>(data) + 8 + length, size - 8 - length);
  const unsigned what = random() % 8;
  auto json = nlohmann::ordered_json::parse(header, nullptr, false);
  if (what == 0) {
    body = mutate(body, max_size);
  } else if (what == 1 || !json.is_object()) {
    header = mutate(header, max_size);
  } else if (what == 2) {
    mutate_leaf(json, random);
    header = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  } else if (json.contains("__metadata__") && json["__metadata__"].is_object() && !json["__metadata__"].empty()) {
    auto& metadata = json["__metadata__"];
    auto entry = std::next(metadata.begin(), static_cast<std::ptrdiff_t>(random() % metadata.size()));
    if (what > 4 && metadata.contains("graph")) entry = metadata.find("graph");
    if (entry->is_string()) {
      auto inner = nlohmann::ordered_json::parse(entry->get<std::string>(), nullptr, false);
      if (inner.is_discarded() || what == 3) {
        *entry = mutate(entry->get<std::string>(), max_size);
      } else {
        for (unsigned i = 0; i <= random() % 3; ++i) mutate_leaf(inner, random);
        *entry = inner.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
      }
    }
    header = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }
  if (8 + header.size() + body.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  length = header.size();
  std::memcpy(data, &length, 8);
  std::memcpy(data + 8, header.data(), header.size());
  std::memcpy(data + 8 + header.size(), body.data(), body.size());
  return 8 + header.size() + body.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read_model_bytes(std::as_bytes(std::span(data, size)));
  return 0;
}
