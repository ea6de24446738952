// SPDX-License-Identifier: Apache-2.0
// What the tests of models and sessions share. Layer: network (tests only).
#pragma once
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "network/session.h"

namespace limber::toy {

// Every node's output, [channels][height][width], by name.
using Maps = std::map<std::string, std::vector<float>>;

inline std::vector<std::string> isas() {
  std::vector<std::string> names;
  for (const kernels::Isa isa : kernels::attainable_isas()) names.emplace_back(kernels::isa_name(isa));
  return names;
}

// The calling thread alone, and every core of this machine.
inline std::vector<std::vector<int>> core_sets() {
  return {{}, available_cores()};
}

inline std::shared_ptr<const Model> build(Network network, const std::string& isa = "") {
  ModelOptions options;
  options.isa = isa;
  options.use_cache = false;
  return Model::build(std::move(network), options);
}

inline std::vector<float> random_values(int64_t count, unsigned seed = 7) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = distribution(random);
  return values;
}

inline std::vector<float> random_input(const Model& model, int member = -1) {
  return random_values(model.input_channels(member) * model.input_height(member) * model.input_width(member));
}

// One inference of one image, in a thread of its own: a session with cores moves the thread that infers, and the rest
// of the test would stay there.
inline Maps maps_of(const std::shared_ptr<const Model>& model, int member, const std::vector<int>& cores,
                    const std::vector<float>& input) {
  Maps maps;
  SessionOptions options;
  options.cores = cores;
  options.observe = [&](const std::string& node, std::span<const float> values) {
    maps[node] = {values.begin(), values.end()};
  };
  const auto infer = [&] {
    Session session(model, options);
    session.select(member);
    std::vector<float> answers(static_cast<std::size_t>(model->outputs(member)));
    session.infer({1, {}, input}, answers);
  };
  if (cores.empty()) {
    infer();
  } else {
    std::thread(infer).join();
  }
  return maps;
}

}  // namespace limber::toy
