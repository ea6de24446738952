// SPDX-License-Identifier: Apache-2.0
// Finds the architectures and mappings that ship with Limber by their names. Layer: formats.
#pragma once
#include <string>

namespace limber {

// ("networks", "ofa-resnet50") -> ".../networks/ofa-resnet50.json". A name with a '/' or that ends in .json is a path
// and returned as it is. Looked for beside the running program (PROGRAM/../share/limber), where Limber was installed,
// and in the source tree that it was built from. Fails with kNotFound listing the names that there are.
std::string find_shipped_file(const std::string& kind, const std::string& name_or_path,
                              const std::string& extension = ".json");

}  // namespace limber
