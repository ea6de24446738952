// SPDX-License-Identifier: Apache-2.0
#include "model_reader.h"

#include <memory>
#include <vector>

#include "base/error.h"
#include "formats/model_file.h"
#include "small_run.h"

using namespace limber;

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
