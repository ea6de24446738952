// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <cstdio>

#include "base/error.h"
#include "server/program.h"
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

namespace {

int run(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::RuntimeError& error) {
    return error.get_exit_code();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "limber: error: %s\n", error.what());  // fmt would throw where this cannot be written either
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  limber::server::hold_standard_streams();
  CLI::App app("Limber runs one neural network at many speeds.", "limber");
  app.set_version_flag("--version", "limber " LIMBER_VERSION);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage. limber COMMAND --help shows a command's options and an example.");
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
  limber::tool::add_print_option(app);
  limber::tool::add_profile_command(app);
  limber::tool::add_run_command(app);
  limber::tool::add_search_command(app);
  limber::tool::add_simulate_command(app);
  limber::tool::add_top_command(app);
  limber::tool::add_train_command(app);
  limber::server::refuse_odd_values(app);
  return limber::server::after_output("limber", run(app, argc, argv));
}
