// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/mapped_file.h"

namespace limber::train {
namespace {

using nlohmann::json;

json to_json(const EpochRecord& record) {
  return {{"step", record.step},
          {"epoch", record.epoch},
          {"member", record.member},
          {"loss", record.loss},
          {"learning_rate", record.learning_rate},
          {"validation_own", record.validation_own},
          {"validation", record.validation},
          {"scale", record.scale},
          {"seconds", record.seconds}};
}

EpochRecord record_from(const json& from) {
  EpochRecord record;
  record.step = from.at("step");
  record.epoch = from.at("epoch");
  record.member = from.at("member");
  record.loss = from.at("loss");
  record.learning_rate = from.at("learning_rate");
  record.validation_own = from.at("validation_own");
  record.validation = from.at("validation");
  record.scale = from.at("scale");
  record.seconds = from.at("seconds");
  return record;
}

Values tensor_from(const json& entry, std::span<const std::byte> data) {
  Values tensor;
  tensor.shape = entry.at("shape").get<std::vector<int64_t>>();
  const auto offsets = entry.at("data_offsets").get<std::vector<uint64_t>>();
  uint64_t count = 1;
  for (const int64_t extent : tensor.shape) {
    if (extent < 1 || extent > (int64_t{1} << 32) || count > (uint64_t{1} << 33))
      throw std::runtime_error("an absurd shape");
    count *= static_cast<uint64_t>(extent);
  }
  if (entry.at("dtype") != "F32" || offsets.size() != 2 || offsets[1] > data.size() || offsets[0] > offsets[1] ||
      offsets[1] - offsets[0] != count * sizeof(float)) {
    throw std::runtime_error("a tensor that does not fit its bytes");
  }
  tensor.values.resize(count);
  std::memcpy(tensor.values.data(), data.data() + offsets[0], count * sizeof(float));
  return tensor;
}

}  // namespace

void write_checkpoint(const Checkpoint& checkpoint, const std::string& path) {
  json state = {{"step", checkpoint.step},           {"epoch", checkpoint.epoch},     {"batch", checkpoint.batch},
                {"loss_sum", checkpoint.loss_sum},   {"seconds", checkpoint.seconds}, {"best", checkpoint.best},
                {"data_hash", checkpoint.data_hash}, {"recipe", checkpoint.recipe},   {"records", json::array()}};
  for (const EpochRecord& record : checkpoint.records) state["records"].push_back(to_json(record));
  json header;
  header["__metadata__"] = {{"format", "limber-checkpoint-1"}, {"state", state.dump()}};
  uint64_t offset = 0;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    const uint64_t end = offset + tensor.values.size() * sizeof(float);
    header[name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t length = text.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(text);
  for (const auto& [name, tensor] : checkpoint.tensors) file.write(std::as_bytes(std::span(tensor.values)));
  file.commit();
}

Checkpoint read_checkpoint(const std::string& path) {
  const MappedFile file(path);
  Checkpoint checkpoint;
  try {
    const std::span<const std::byte> bytes = file.bytes();
    uint64_t length = 0;
    if (bytes.size() < sizeof length) throw std::runtime_error("it is too short");
    std::memcpy(&length, bytes.data(), sizeof length);
    if (length > bytes.size() - sizeof length) throw std::runtime_error("it is truncated");
    const char* text = reinterpret_cast<const char*>(bytes.data()) + sizeof length;
    const json header = json::parse(text, text + length);
    const json& metadata = header.at("__metadata__");
    if (metadata.at("format") != "limber-checkpoint-1") throw std::runtime_error("it is not a checkpoint");
    const json state = json::parse(metadata.at("state").get<std::string>());
    checkpoint.recipe = state.at("recipe");
    checkpoint.data_hash = state.at("data_hash");
    checkpoint.step = state.at("step");
    checkpoint.epoch = state.at("epoch");
    checkpoint.batch = state.at("batch");
    checkpoint.loss_sum = state.at("loss_sum");
    checkpoint.seconds = state.at("seconds");
    checkpoint.best = state.at("best");
    for (const json& record : state.at("records")) checkpoint.records.push_back(record_from(record));
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") continue;
      checkpoint.tensors[name] = tensor_from(entry, bytes.subspan(sizeof length + length));
    }
  } catch (const std::exception& error) {
    fail(ErrorCode::kBadFile, "{}: damaged checkpoint: {}; delete it, or train with --restart", path, error.what());
  }
  return checkpoint;
}

}  // namespace limber::train
