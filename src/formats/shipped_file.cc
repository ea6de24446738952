// SPDX-License-Identifier: Apache-2.0
#include "formats/shipped_file.h"

#include <fmt/ranges.h>

#include <filesystem>
#include <set>
#include <vector>

#include "base/error.h"

namespace limber {

namespace fs = std::filesystem;

std::string find_shipped_file(const std::string& kind, const std::string& name_or_path, const std::string& extension) {
  if (name_or_path.find('/') != std::string::npos || name_or_path.ends_with(extension)) return name_or_path;
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const std::vector<fs::path> roots = {program.parent_path() / "../share/limber", LIMBER_DATA_FOLDER,
                                       LIMBER_SOURCE_FOLDER};
  std::set<std::string> names;
  for (const fs::path& root : roots) {
    const fs::path file = root / kind / (name_or_path + extension);
    if (fs::is_regular_file(file, ignored)) return file.lexically_normal().string();
    for (const auto& entry : fs::directory_iterator(root / kind, ignored)) {
      if (entry.path().extension() == extension) names.insert(entry.path().stem().string());
    }
  }
  fail(ErrorCode::kNotFound, "no '{}' in {}/; there are {}; a file's path will do as well", name_or_path, kind,
       names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
}

}  // namespace limber
