// SPDX-License-Identifier: Apache-2.0
// `limber export onnx MODEL`.
#include "base/error.h"
#include "formats/model_file.h"
#include "tool/command.h"
#ifdef LIMBER_HAS_ONNX
#include "formats/onnx_export.h"
#endif

namespace limber::tool {
namespace {

struct Options {
  std::string model, member, output;
};

void export_member([[maybe_unused]] const Options& options) {
#ifdef LIMBER_HAS_ONNX
  const Network network = read_model(options.model);
  const std::string member = options.member.empty() ? network.family.back().name : options.member;
  write_onnx(network, member, options.output);
  fmt::print("{}: member '{}' of {}\n", options.output, member, options.model);
#else
  fail(ErrorCode::kUnsupported,
       "this limber was built without ONNX: install libonnx-dev and configure with -DLIMBER_ONNX=ON");
#endif
}

}  // namespace

void add_export_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("export", "a member in another format");
  command->require_subcommand(1);
  CLI::App* onnx = command->add_subcommand("onnx", "one member as an ONNX file");
  onnx->footer("Example: limber export onnx models/shapes-incremental.safetensors --member 50% --output half.onnx");
  onnx->add_option("model", options->model, "a model file")->required();
  onnx->add_option("--member", options->member, "default: the last, largest one");
  onnx->add_option("--output,-o", options->output, "the file to write")->required();
  onnx->callback([options] { export_member(*options); });
}

}  // namespace limber::tool
