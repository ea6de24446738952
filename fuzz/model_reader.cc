// SPDX-License-Identifier: Apache-2.0
#include "model_reader.h"

#include <memory>
#include <vector>

#include "base/error.h"
#include "formats/model_file.h"
#include "network/model.h"
#include "network/session.h"

using namespace limber;

namespace {

constexpr int64_t kMemory = 1 << 22, kMacs = 1 << 18;  // instrumented reference kernels: some 10 ms

void build_and_run(Network network) {
  ModelOptions options;
  options.use_cache = false;
  const auto model = Model::build(std::move(network), options);
  if (model->memory().arena > kMemory) return;
  Session session(model);
  std::vector<float> answers(static_cast<std::size_t>(model->outputs()));
  std::vector<float> planes(
      static_cast<std::size_t>(model->input_channels() * model->input_height() * model->input_width()), 0.5f);
  for (int member = 0; member < model->members(); ++member) {
    if (model->macs(member) > kMacs) continue;
    session.select(member);
    Batch batch;
    batch.images = 1;
    batch.planes = planes;
    try {
      session.infer(batch, answers);
    } catch (const Error& error) {
      // A member may want images of another size than the largest.
      if (error.code() != ErrorCode::kInvalidArgument) throw;
    }
  }
}

}  // namespace

bool read_model_bytes(std::span<const std::byte> bytes) {
  const auto copy =
      std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());  // exact bounds for the sanitizer
  try {
    parse_model(*copy, copy, "fuzz");
  } catch (const Error&) {
  }
  try {
    Network network = parse_model(*copy, copy, "fuzz", Checksums::kIgnore);
    if (network.tensors.size() < 64 && network.family.size() < 8 && network.graph.nodes.size() < 64) {
      build_and_run(std::move(network));
    }
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) throw;
    return false;
  }
}
