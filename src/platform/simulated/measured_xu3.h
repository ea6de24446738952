// SPDX-License-Identifier: Apache-2.0
// Measured rows of an Odroid XU3's A15 rail. Layer: platform (tests only).
#pragma once
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/mapped_file.h"

namespace limber {

// mattw200/gemstone-applypower (Walker et al.), 10 workloads, 1 to 4 instances, 9 frequencies: the file's text. Fails
// with kNotFound where $LIMBER_DATA lacks it.
inline std::string measured_xu3() {
  const char* data = std::getenv("LIMBER_DATA");
  const std::string file = "odroid-xu3-powmon-subset.json";
  for (const std::string folder : {"", "../boards/validation/"}) {
    const std::string path = std::string(data == nullptr ? "." : data) + "/" + folder + file;
    if (!std::filesystem::exists(path)) continue;
    const MappedFile mapped(path);
    const auto bytes = mapped.bytes();
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  fail(ErrorCode::kNotFound, "{} is not in $LIMBER_DATA", file);
}

}  // namespace limber
