// SPDX-License-Identifier: Apache-2.0
// What a few tools of the system print, as if it were a file. Layer: platform.
#pragma once
#include "platform/linux/fs.h"

namespace limber {

constexpr std::string_view kToolRoot = "/command/";

bool is_tool_path(std::string_view path);
bool tool_exists(const std::string& path);
// Runs it, for a second at most (ETIMEDOUT, and it is killed). ENOENT: not installed, or not in the closed list. EIO:
// it failed. No shell is involved.
FsText tool_output(const std::string& path);

// The same of any program, the first of the words its path.
FsText run_tool(std::vector<std::string> words);

}  // namespace limber
