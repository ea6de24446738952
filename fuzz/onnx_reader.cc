// SPDX-License-Identifier: Apache-2.0
#include "onnx_reader.h"

#include <vector>

#include "base/error.h"
#include "formats/onnx_import.h"
#include "network/sub_network.h"
#include "small_run.h"

using namespace limber;

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
    if (resolve(result.network.graph, result.network.family[0].choice).macs <= kSmallMacs)
      build_and_run(std::move(result.network));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;  // softmax over sliced channels, say
  }
  return true;
}
