// SPDX-License-Identifier: Apache-2.0
// The safetensors format: 8 bytes length, a JSON header, the tensors' bytes. Nothing in a file is trusted: length,
// names, dtypes, shapes and offsets are checked, offsets must cover the data exactly. Layer: formats.
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "network/network.h"

namespace limber {

struct SafeTensors {
  std::map<std::string, std::string> metadata;  // "__metadata__"
  std::vector<Tensor> tensors;                  // as the header lists them
};

// The tensors point into `bytes`, kept alive by `owner`; one whose bytes are misaligned for its dtype is copied. Fails
// with kBadFile; `where` opens the message.
SafeTensors parse_safetensors(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                              const std::string& where);
SafeTensors read_safetensors(const std::string& path);

// Whole or not at all. Tensors are stored with the widest elements first, then by name, so that all are aligned.
void write_safetensors(const SafeTensors& content, const std::string& path);

}  // namespace limber
