// SPDX-License-Identifier: Apache-2.0
// `limber import ofa|torch CHECKPOINT`, `limber import onnx FILE...`.
#include "tool/command.h"
#include "tool/import_onnx.h"
#include "tool/import_torch.h"
#include "tool/weight_format.h"

namespace limber::tool {
namespace {

std::shared_ptr<TorchImport> add_torch_options(CLI::App* command) {
  auto options = std::make_shared<TorchImport>();
  command->add_option("checkpoint", options->checkpoint, "what torch.save wrote; nothing in it is run")->required();
  command->add_option("--architecture", options->architecture, "a graph: a name of networks/, or a file")->required();
  command->add_option("--entry", options->entry, "the dictionary of tensors in the file, e.g. model/state_dict");
  command
      ->add_option("--choice", options->members,
                   "a member, [NAME:]CHOICE, e.g. small:d=2,e=3,k=3,r=160; may be given again; default: the smallest "
                   "and the largest")
      ->allow_extra_args(false);
  add_weight_format(*command, options->weights);
  command->add_option("--output,-o", options->output, "the model file to write")->required();
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options] { import_torch(*options); });
  return options;
}

}  // namespace

void add_import_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("import", "a network from another framework");
  command->require_subcommand(1);
  CLI::App* ofa = command->add_subcommand("ofa", "a once-for-all super-network as its authors publish it");
  ofa->footer(
      "Reads the key names of all versions of once-for-all. docs/importing.md says what follows.\n"
      "Example: limber import ofa ofa_mbv3_d234_e346_k357_w1.0 --architecture ofa-mobilenetv3-w1.0 --output "
      "ofa.safetensors");
  add_torch_options(ofa)->mapping = "ofa";
  CLI::App* torch = command->add_subcommand("torch", "any PyTorch checkpoint");
  const std::shared_ptr<TorchImport> options = add_torch_options(torch);
  torch->add_option("--mapping", options->mapping,
                    "how its names become the graph's: a name of mappings/, or a file; default: they are the same");
  torch->footer(
      "docs/importing.md describes mappings.\n"
      "Example: limber import torch resnet50.pth --architecture resnet50 --mapping torchvision --output "
      "resnet50.safetensors");
  add_import_onnx(*command);
}

}  // namespace limber::tool
