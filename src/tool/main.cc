// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <cstdio>
#include <filesystem>
#include <new>

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

// Names and texts of files may be in it: nothing that steers a terminal gets through. fmt would throw where standard
// error cannot be written either.
int say(std::string error) {
  for (char& c : error)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f) c = '?';
  std::fprintf(stderr, "limber: error: %s\n", error.c_str());
  return 1;
}

int run(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::RuntimeError& error) {
    return error.get_exit_code();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::filesystem::filesystem_error& error) {
    return say(fmt::format("{}: {}", error.path1().string(), error.code().message()));
  } catch (const std::bad_alloc&) {
    return say("there is not enough memory for this");
  } catch (const std::exception& error) {
    return say(error.what());
  }
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
