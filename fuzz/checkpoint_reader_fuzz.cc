// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for PyTorch checkpoints. A zip archive's checksums stop most mutations; the file of pickles has
// none, so what the pickles say is explored there.
#include <cstdint>

#include "checkpoint_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read_checkpoint_bytes(std::as_bytes(std::span(data, size)));
  return 0;
}
