// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "formats/safetensors.h"

namespace limber::train {

// To JSON and back.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EpochRecord, step, epoch, member, loss, learning_rate, validation_own, validation,
                                   scale, seconds, by, members)

namespace {

using nlohmann::json;

constexpr const char* kFormat = "limber-checkpoint-1";

Values values_of(const Tensor& tensor) {
  if (tensor.dtype != DType::kF32) throw std::runtime_error("tensor '" + tensor.name + "' is not F32");
  Values values;
  values.shape = tensor.shape;
  values.values.resize(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

}  // namespace

std::string to_json_text(const EpochRecord& record) {
  json line = {{"member", record.member},
               {"epoch", record.epoch + 1},
               {"loss", record.loss},
               {"learning_rate", record.learning_rate},
               {"validation", record.validation},
               {"seconds", record.seconds},
               {"by", record.by}};
  if (record.members.empty()) {
    line["validation_own"] = record.validation_own;
    line["scale"] = record.scale;
  } else {
    line["members"] = record.members;
  }
  return line.dump();
}

void write_checkpoint(const Checkpoint& checkpoint, const std::string& path) {
  json state = {{"step", checkpoint.step},         {"epoch", checkpoint.epoch},     {"batch", checkpoint.batch},
                {"loss_sum", checkpoint.loss_sum}, {"seconds", checkpoint.seconds}, {"data_hash", checkpoint.data_hash},
                {"recipe", checkpoint.recipe},     {"records", checkpoint.records}};
  SafeTensors content;
  content.metadata = {{"format", kFormat}, {"state", state.dump()}};
  for (const auto& [name, tensor] : checkpoint.tensors) {
    Tensor& stored = content.tensors.emplace_back();
    stored.name = name;
    stored.shape = tensor.shape;
    stored.bytes = std::as_bytes(std::span(tensor.values));
  }
  write_safetensors(content, path);
}

Checkpoint read_checkpoint(const std::string& path) {
  Checkpoint checkpoint;
  try {
    const SafeTensors content = read_safetensors(path);
    const auto format = content.metadata.find("format");
    if (format == content.metadata.end() || format->second != kFormat) throw std::runtime_error("not a checkpoint");
    const json state = json::parse(content.metadata.at("state"));
    checkpoint.recipe = state.at("recipe");
    checkpoint.data_hash = state.at("data_hash");
    checkpoint.step = state.at("step");
    checkpoint.epoch = state.at("epoch");
    checkpoint.batch = state.at("batch");
    checkpoint.loss_sum = state.at("loss_sum");
    checkpoint.seconds = state.at("seconds");
    checkpoint.records = state.at("records").get<std::vector<EpochRecord>>();
    for (const Tensor& tensor : content.tensors) checkpoint.tensors[tensor.name] = values_of(tensor);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kBadFile) throw;
    fail(ErrorCode::kBadFile, "{}: a damaged checkpoint: delete it, or train with --restart", error.what());
  } catch (const std::exception& error) {
    fail(ErrorCode::kBadFile, "{}: a damaged checkpoint: {}; delete it, or train with --restart", path, error.what());
  }
  return checkpoint;
}

}  // namespace limber::train
