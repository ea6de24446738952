// SPDX-License-Identifier: Apache-2.0
// What torch.save wrote: one pickle, and beside it the storages that its tensors are views of. Layer: formats; used by
// checkpoint.cc alone.
//
// Two containers are read: the zip archive of PyTorch 1.6 and later (NAME/data.pkl, NAME/data/0, NAME/data/1, ...,
// stored without compression), and the file of pickles before that (magic number, protocol, system, the object, the
// storages' keys, then each storage as a count and its elements). The tar archive of 2016 is named and refused.
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "formats/pickle.h"

namespace limber {

enum class Element { kF64, kF32, kF16, kBf16, kInteger };

struct TorchStorage {
  Element element = Element::kF32;
  int64_t element_size = 0, count = 0;
  std::span<const std::byte> bytes;  // count * element_size, little-endian, of any alignment
};

struct TorchRecords {
  Pickle pickle;
  std::map<std::string, TorchStorage, std::less<>> storages;
  std::shared_ptr<const void> owner;  // keeps the bytes alive that pickle and storages point to
};

// Memory: no more than the file's own size again, and what pickle.h says. Fails with kBadFile or kUnsupported.
TorchRecords parse_torch_records(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                 const std::string& where);

// The key in TorchRecords::storages of a tensor's storage. Fails on anything else.
std::string_view storage_key(const Pickle& pickle, PickleRef ref, const std::string& where);

}  // namespace limber
