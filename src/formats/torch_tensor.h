// SPDX-License-Identifier: Apache-2.0
// One tensor of a checkpoint: a view of a storage, made contiguous. Layer: formats; used by checkpoint.cc alone.
#pragma once
#include <cstddef>
#include <optional>
#include <string>

#include "formats/torch_records.h"
#include "network/network.h"

namespace limber {

// A call of torch's own functions that rebuild a tensor or a parameter.
bool is_torch_tensor(const Pickle& pickle, PickleRef ref);

// Bytes that may still be copied: a stride of 0 makes any number of elements out of one.
struct CopyBudget {
  std::size_t bytes = 0;
};

// Offset, shape and strides are checked against the storage. Floating-point tensors: F16 as it is, everything else as
// F32; a contiguous one points into the storage, others are copies. Empty for integers. The name is left empty. Fails
// with kBadFile or kUnsupported; `where` opens the message.
std::optional<Tensor> read_torch_tensor(const TorchRecords& records, PickleRef ref, CopyBudget* budget,
                                        const std::string& where);

}  // namespace limber
