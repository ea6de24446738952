// SPDX-License-Identifier: Apache-2.0
// `limber run` from model and source to tables, trace and picture. Layer: tool.
#pragma once
#include "tool/run/options.h"

namespace limber::tool {

// Pins the calling thread. Everything that can be refused is refused before the first frame. Interrupted (Ctrl-C) it
// reports what was measured until then.
void run_job(const RunOptions& options);

}  // namespace limber::tool
