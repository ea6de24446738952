// SPDX-License-Identifier: Apache-2.0
#include "formats/model_file.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/digest.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/graph_json.h"
#include "formats/json_fields.h"
#include "formats/safetensors.h"
#include "network/check.h"

namespace limber {
namespace {

constexpr const char* kFormat = "limber-model";
constexpr const char* kKeys[] = {"format", "version",         "name", "graph",   "family", "preprocessing",
                                 "labels", "training_record", "hash", "checksum"};

// Names and lengths are hashed too, so no two different contents give the same stream.
void hash_text(Sha256* hash, std::string_view text) {
  hash->update(std::to_string(text.size()) + ":");
  hash->update(text);
}

std::string metadata_checksum(const std::map<std::string, std::string>& metadata) {
  Sha256 hash;
  for (const auto& [key, value] : metadata) {
    if (key == "checksum") continue;
    hash_text(&hash, key);
    hash_text(&hash, value);
  }
  return hash.hex();
}

class Metadata {
 public:
  Metadata(const std::map<std::string, std::string>& values, const std::string& where)
      : values_(values), where_(where) {
    if (!values.contains("format") || values.at("format") != kFormat) {
      fail(ErrorCode::kBadFile,
           "{}: a safetensors file, but not a Limber model: its metadata lacks format '{}'; `limber train` makes one",
           where, kFormat);
    }
    if (text("version") != "1") {
      fail(ErrorCode::kBadFile, "{}: version '{}' of the model format, this build reads 1", where, text("version"));
    }
    for (const auto& [key, unused] : values) {
      if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys)) {
        fail(ErrorCode::kBadFile, "{}: unknown metadata '{}'; legal: {}", where, key, fmt::join(kKeys, ", "));
      }
    }
  }
  const std::string& text(const char* key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) fail(ErrorCode::kBadFile, "{}: its metadata lacks '{}'", where_, key);
    return found->second;
  }
  std::string place(const char* key) const { return fmt::format("{}: {}", where_, key); }
  Json json(const char* key) const { return parse_json(text(key), place(key)); }

 private:
  const std::map<std::string, std::string>& values_;
  const std::string& where_;
};

Choice parse_member_choice(const DesignSpace& space, const Json& json, const std::string& where) {
  if (!json.is_object() || json.size() != space.dimensions.size()) {
    fail(ErrorCode::kBadFile, "{}: expected an object with one value for each of the {} dimensions", where,
         space.dimensions.size());
  }
  Choice choice;
  for (const Dimension& dimension : space.dimensions) {
    if (!json.contains(dimension.name)) {
      fail(ErrorCode::kBadFile, "{}: no value for the dimension '{}'", where, dimension.name);
    }
    choice.push_back(json_integer(json[dimension.name], where));
  }
  return choice;
}

Member parse_member(const DesignSpace& space, const Json& json, const std::string& where) {
  const Fields fields(json, where, {"name", "choice", "accuracies", "norms"});
  Member member;
  member.name = fields.text("name");
  member.choice = parse_member_choice(space, fields.value("choice"), fields.at("choice"));
  if (fields.has("accuracies")) {
    for (const Json& item : fields.array("accuracies")) {
      const Fields accuracy(item, fields.at("accuracies"), {"top1", "data", "split", "data_hash", "samples"});
      member.accuracies.push_back({accuracy.number("top1"), accuracy.text("data"), accuracy.text("split"),
                                   accuracy.text("data_hash"), accuracy.integer("samples")});
      const Accuracy& found = member.accuracies.back();
      if (!(found.top1 >= 0 && found.top1 <= 1) || found.samples < 0) {
        fail(ErrorCode::kBadFile, "{}: top1 {} over {} samples; legal: 0 to 1 over 0 or more", accuracy.where(),
             found.top1, found.samples);
      }
    }
  }
  if (fields.has("norms")) {
    for (const Json& item : fields.array("norms")) {
      const Fields norm(item, fields.at("norms"), {"node", "weight", "bias", "mean", "variance", "epsilon"});
      Norm value{norm.text("weight"), norm.text("bias"), norm.text("mean"), norm.text("variance")};
      if (norm.has("epsilon")) value.epsilon = json_float(norm.value("epsilon"), norm.at("epsilon"));
      member.norms.emplace_back(norm.text("node"), value);
    }
  }
  return member;
}

Json to_json(const DesignSpace& space, const Member& member) {
  Json json = {{"name", member.name}, {"choice", Json::object()}};
  for (std::size_t i = 0; i < space.dimensions.size(); ++i) {
    json["choice"][space.dimensions[i].name] = member.choice.at(i);
  }
  for (const Accuracy& accuracy : member.accuracies) {
    json["accuracies"].push_back({{"top1", accuracy.top1},
                                  {"data", accuracy.data},
                                  {"split", accuracy.split},
                                  {"data_hash", accuracy.data_hash},
                                  {"samples", accuracy.samples}});
  }
  for (const auto& [node, norm] : member.norms) {
    json["norms"].push_back({{"node", node},
                             {"weight", norm.weight},
                             {"bias", norm.bias},
                             {"mean", norm.mean},
                             {"variance", norm.variance},
                             {"epsilon", norm.epsilon}});
  }
  return json;
}

void check_at(const Network& network, const std::string& where) {
  try {
    check(network);
  } catch (const Error& error) {
    fail(error.code(), "{}: {}", where, error.what());
  }
}

}  // namespace

std::string weight_hash(const std::vector<Tensor>& tensors) {
  std::vector<const Tensor*> order;
  for (const Tensor& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const Tensor* a, const Tensor* b) { return a->name < b->name; });
  Sha256 hash;
  for (const Tensor* tensor : order) {
    hash_text(&hash, tensor->name);
    hash_text(&hash, fmt::format("{}[{}]", dtype_name(tensor->dtype), fmt::join(tensor->shape, ",")));
    hash.update(tensor->bytes);
  }
  return hash.hex();
}

Network parse_model(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::string& where,
                    Checksums checksums) {
  SafeTensors content = parse_safetensors(bytes, std::move(owner), where);
  const Metadata metadata(content.metadata, where);
  Network network;
  network.tensors = std::move(content.tensors);
  network.hash = metadata.text("hash");
  if (checksums == Checksums::kVerify) {
    const std::string found = metadata_checksum(content.metadata);
    if (found != metadata.text("checksum")) {
      fail(ErrorCode::kBadFile, "{}: damaged: its description hashes to {}, it says {}; get the file again", where,
           found, metadata.text("checksum"));
    }
    const std::string weights = weight_hash(network.tensors);
    if (weights != network.hash) {
      fail(ErrorCode::kBadFile, "{}: damaged: its weights hash to {}, it says {}; get the file again", where, weights,
           network.hash);
    }
  }
  network.name = metadata.text("name");
  network.graph = parse_graph(metadata.text("graph"), metadata.place("graph"));
  const Json family = metadata.json("family");
  for (const Json& member : json_array(family, metadata.place("family"))) {
    network.family.push_back(parse_member(network.graph.space, member,
                                          fmt::format("{}[{}]", metadata.place("family"), network.family.size())));
  }
  const Json preprocessing = metadata.json("preprocessing");
  const Fields fields(preprocessing, metadata.place("preprocessing"), {"mean", "deviation", "crop"});
  network.preprocessing = {fields.numbers("mean"), fields.numbers("deviation")};
  if (fields.has("crop")) network.preprocessing.crop = fields.number("crop");
  const Json labels = metadata.json("labels");
  for (const Json& label : json_array(labels, metadata.place("labels"))) {
    network.labels.push_back(json_text(label, metadata.place("labels")));
  }
  network.training_record = metadata.text("training_record");
  check_at(network, where);
  return network;
}

Network read_model(const std::string& path) {
  const auto file = std::make_shared<MappedFile>(path);
  Network network = parse_model(file->bytes(), file, path);
  network.path = path;
  return network;
}

void write_model(const Network& network, const std::string& path) {
  check_at(network, path);
  Json family = Json::array();
  for (const Member& member : network.family) family.push_back(to_json(network.graph.space, member));
  Json preprocessing = {{"mean", network.preprocessing.mean}, {"deviation", network.preprocessing.deviation}};
  if (network.preprocessing.crop != 0) preprocessing["crop"] = network.preprocessing.crop;
  SafeTensors content;
  content.tensors = network.tensors;
  content.metadata = {{"format", kFormat},
                      {"version", "1"},
                      {"name", network.name},
                      {"graph", print_graph(network.graph)},
                      {"family", print_json(family)},
                      {"preprocessing", print_json(preprocessing)},
                      {"labels", print_json(network.labels)},
                      {"training_record", network.training_record},
                      {"hash", weight_hash(network.tensors)}};
  content.metadata["checksum"] = metadata_checksum(content.metadata);
  write_safetensors(content, path);
}

}  // namespace limber
