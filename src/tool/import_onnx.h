// SPDX-License-Identifier: Apache-2.0
// `limber import onnx`, declared on the `import` command. Layer: tool.
#pragma once
#include <CLI/CLI.hpp>

namespace limber::tool {

void add_import_onnx(CLI::App& import);

}  // namespace limber::tool
