// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "tool/command.h"
#ifdef LIMBER_HAS_TRAINING
#include "tool/train.h"
#else
namespace limber::tool {
namespace {
// Named when called, so that nobody wonders where the command is.
void add_train_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("train", "train a network as a recipe says (not in this build)");
  command->allow_extras();
  command->callback([] {
    fail(ErrorCode::kUnsupported,
         "this limber was built without training: install libtorch-dev and configure with -DLIMBER_TRAIN=ON");
  });
}
}  // namespace
}  // namespace limber::tool
#endif

int main(int argc, char** argv) {
  CLI::App app("Limber runs one neural network at many speeds.", "limber");
  app.set_version_flag("--version", "limber " LIMBER_VERSION);
  app.require_subcommand(1);
  limber::tool::add_bench_command(app);
  limber::tool::add_calibrate_command(app);
  limber::tool::add_data_command(app);
  limber::tool::add_doctor_command(app);
  limber::tool::add_eval_command(app);
  limber::tool::add_export_command(app);
  limber::tool::add_import_command(app);
  limber::tool::add_info_command(app);
  limber::tool::add_models_command(app);
  limber::tool::add_profile_command(app);
  limber::tool::add_run_command(app);
  limber::tool::add_search_command(app);
  limber::tool::add_simulate_command(app);
  limber::tool::add_top_command(app);
  limber::tool::add_train_command(app);
  try {
    app.parse(argc, argv);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      limber::fail(limber::ErrorCode::kIo, "standard output: cannot be written: {}", std::strerror(errno));
    return 0;
  } catch (const CLI::RuntimeError& error) {
    return error.get_exit_code();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const limber::Error& error) {
    fmt::print(stderr, "limber: error: {}\n", error.what());
  } catch (const std::exception& error) {
    fmt::print(stderr, "limber: error: {}\n", error.what());
  }
  return 1;
}
