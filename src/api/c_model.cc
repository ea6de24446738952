// SPDX-License-Identifier: Apache-2.0
// The C ABI's model. Layer: api.
#include <algorithm>
#include <string_view>

#include "api/handles.h"
#include "formats/model_file.h"
#include "manager/anytime.h"

namespace {

using limber::api::guarded;
using limber::api::require;

bool has_member(const limber_model* model, int member) {
  return model && member >= 0 && member < model->model->members();
}

limber_model* open(const char* path, const char* isa, const char* cache) {
  limber_model* result = nullptr;
  guarded([&] {
    require(path, "path");
    limber::ModelOptions options;
    if (isa) options.isa = isa;
    if (cache) {
      options.cache_directory = cache;
      options.use_cache = *cache != '\0';
    }
    auto handle = std::make_unique<limber_model>();
    handle->model = limber::Model::build(limber::read_model(path), options);
    const limber::Network& network = handle->model->network();
    for (const limber::Member& member : network.family) {
      handle->choices.push_back(limber::to_string(network.graph.space, member.choice));
    }
    handle->probabilities = network.graph.nodes.back().op == limber::Op::kSoftmax;
    result = handle.release();
  });
  return result;
}

}  // namespace

limber_model* limber_model_open(const char* path, const char* isa) {
  return open(path, isa, nullptr);
}

limber_model* limber_model_open_cached(const char* path, const char* isa, const char* cache) {
  return open(path, isa, cache);
}

void limber_model_free(limber_model* model) {
  delete model;
}

const char* limber_model_name(const limber_model* model) {
  return model ? model->model->network().name.c_str() : nullptr;
}

const char* limber_model_hash(const limber_model* model) {
  return model ? model->model->network().hash.c_str() : nullptr;
}

const char* limber_model_isa(const limber_model* model) {
  return model ? model->model->isa().c_str() : nullptr;
}

int limber_model_members(const limber_model* model) {
  return model ? model->model->members() : 0;
}

const char* limber_model_member_name(const limber_model* model, int member) {
  return has_member(model, member) ? model->model->member(member).name.c_str() : nullptr;
}

const char* limber_model_choice(const limber_model* model, int member) {
  return has_member(model, member) ? model->choices[static_cast<std::size_t>(member)].c_str() : nullptr;
}

int limber_model_find_member(const limber_model* model, const char* name) {
  int found = -1;
  guarded([&] {
    require(model, "model");
    require(name, "name");
    found = model->model->find_member(name);
  });
  return found;
}

int64_t limber_model_macs(const limber_model* model, int member) {
  return has_member(model, member) ? model->model->macs(member) : -1;
}

int limber_model_exits(const limber_model* model) {
  return model ? model->model->exits() : 0;
}

double limber_model_top1(const limber_model* model, int member, const char* split) {
  if (!has_member(model, member) || !split) return -1;
  for (const limber::Accuracy& accuracy : model->model->member(member).accuracies) {
    if (accuracy.split == split) return accuracy.top1;
  }
  return -1;
}

int64_t limber_model_memory(const limber_model* model, const char* key) {
  if (!model || !key) return -1;
  const limber::Memory memory = model->model->memory();
  const std::pair<std::string_view, int64_t> values[] = {
      {"weights", memory.weights},       {"padding", memory.padding},
      {"per_member", memory.per_member}, {"arena", memory.arena},
      {"exit_plan", memory.exit_plan},   {"exit_arena", memory.exit_arena},
      {"shared", memory.packed_shared},  {"largest_alone", memory.largest_alone},
  };
  for (const auto& [name, value] : values) {
    if (name == key) return value;
  }
  return -1;
}

int64_t limber_model_height(const limber_model* model, int member) {
  return has_member(model, member) ? model->model->input_height(member) : -1;
}

int64_t limber_model_width(const limber_model* model, int member) {
  return has_member(model, member) ? model->model->input_width(member) : -1;
}

int64_t limber_model_channels(const limber_model* model, int member) {
  return has_member(model, member) ? model->model->input_channels(member) : -1;
}

int64_t limber_model_outputs(const limber_model* model, int member) {
  return has_member(model, member) ? model->model->outputs(member) : -1;
}

limber_status limber_model_normalisation(const limber_model* model, int64_t channel, float* mean, float* deviation) {
  return guarded([&] {
    require(model, "model");
    require(mean, "mean");
    require(deviation, "deviation");
    const limber::Preprocessing& known = model->model->network().preprocessing;
    const auto count = static_cast<int64_t>(known.mean.size());
    if (channel < 0 || channel >= count) {
      limber::fail(limber::ErrorCode::kInvalidArgument,
                   "channel {}; this model normalises {} channels, numbered from 0", channel, count);
    }
    *mean = known.mean[static_cast<std::size_t>(channel)];
    *deviation = known.deviation[static_cast<std::size_t>(channel)];
  });
}

const char* limber_model_label(const limber_model* model, int64_t output) {
  if (!model) return nullptr;
  const auto& labels = model->model->network().labels;
  return output >= 0 && output < static_cast<int64_t>(labels.size()) ? labels[static_cast<std::size_t>(output)].c_str()
                                                                     : nullptr;
}

int64_t limber_model_best(const limber_model* model, const float* answer, size_t outputs, float* confidence) {
  if (confidence) *confidence = 0;
  if (!model || !answer || outputs == 0) return -1;
  if (confidence) {
    *confidence = static_cast<float>(limber::softmax_confidence({answer, outputs}, model->probabilities));
  }
  return std::max_element(answer, answer + outputs) - answer;
}
