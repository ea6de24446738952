// SPDX-License-Identifier: Apache-2.0
// A PyTorch checkpoint's tensors, read without running anything in it. Layer: formats.
//
// Where they are: a dictionary from names to tensors. If the file's own dictionary has no tensor, the first of its
// entries 'state_dict', 'model_state_dict', 'state_dict_ema', 'model', 'net', 'network', 'module' that is a dictionary
// is looked into, and so on; or the entries that the caller names.
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "network/network.h"

namespace limber {

struct Checkpoint {
  std::vector<Tensor> tensors;      // F16 as stored, float, double and bfloat16 as F32; contiguous; in the file's order
  std::vector<std::string> others;  // names of entries that are no floating-point tensors: counters, settings
  std::string entry;                // where they were: "", "state_dict", "model/state_dict"
};

// entry: the dictionary to take, "a/b" for a's b; empty: as said above. Memory: some times the file's size at most.
// Fails with kBadFile (broken), kUnsupported (code, formats that are not read), kInvalidArgument (no such entry; the
// message lists what there is), kNotFound or kIo.
Checkpoint read_checkpoint(const std::string& path, const std::string& entry = "");
Checkpoint parse_checkpoint(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                            const std::string& where, const std::string& entry = "");

}  // namespace limber
