// SPDX-License-Identifier: Apache-2.0
// `limber train RECIPE`. Layer: tool; built with LIMBER_TRAIN only.
#pragma once

namespace CLI {
class App;
}

namespace limber::tool {

// Adds the sub-command. Its callback blocks until the training is done; errors leave as limber::Error, an interrupted
// training as CLI::RuntimeError(1) after saying how to resume.
void add_train_command(CLI::App& app);

}  // namespace limber::tool
