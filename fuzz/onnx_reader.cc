// SPDX-License-Identifier: Apache-2.0
#include "onnx_reader.h"

#include <vector>

#include "base/error.h"
#include "formats/onnx_import.h"
#include "network/model.h"
#include "network/session.h"
#include "network/sub_network.h"

using namespace limber;

namespace {

constexpr int64_t kMemory = 1 << 22, kMacs = 1 << 18;  // instrumented reference kernels: some 10 ms

void build_and_run(Network network) {
  if (resolve(network.graph, network.family[0].choice).macs > kMacs) return;
  ModelOptions options;
  options.use_cache = false;
  const auto model = Model::build(std::move(network), options);
  if (model->memory().arena > kMemory) return;
  Session session(model);
  std::vector<float> answers(static_cast<std::size_t>(model->outputs()));
  const std::vector<float> planes(
      static_cast<std::size_t>(model->input_channels() * model->input_height() * model->input_width()), 0.5f);
  Batch batch;
  batch.images = 1;
  batch.planes = planes;
  session.infer(batch, answers);
}

}  // namespace

bool read_onnx_bytes(std::span<const std::byte> bytes) {
  const std::vector<std::byte> copy(bytes.begin(), bytes.end());  // exact bounds for the sanitizer
  OnnxImport result;
  try {
    result = import_onnx(copy, "fuzz", {"", {}});
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) throw;
    return false;
  }
  try {
    build_and_run(std::move(result.network));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;  // softmax over sliced channels, say
  }
  return true;
}
