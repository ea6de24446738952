// SPDX-License-Identifier: Apache-2.0
// `limber models get|list`: checkpoints that others publish, downloaded and imported.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "formats/published_model.h"
#include "tool/command.h"
#include "tool/download_progress.h"
#include "tool/import_torch.h"
#include "tool/weight_format.h"

namespace limber::tool {
namespace {

struct Options {
  std::string name, sha256, url;
  TorchImport import;
};

void get(Options options) {
  PublishedModel model = published_model(options.name);
  if (!options.url.empty()) model.file.url = options.url;
  if (options.import.output.empty()) options.import.output = model.name + ".safetensors";
  AtomicFile{options.import.output};  // an unwritable one is refused before anything is downloaded
  bool recorded = false;
  options.import.checkpoint =
      download_model(model, cache_directory("models"), options.sha256, &recorded, download_progress());
  clear_progress();
  if (recorded) {
    fmt::print(stderr,
               "limber: warning: its authors publish no checksum for {}; its SHA-256 is recorded now and checked from "
               "now on. To demand one: --sha256\n",
               model.file.url);
  }
  options.import.source = model.file.url;
  options.import.architecture = model.architecture;
  options.import.mapping = model.mapping;
  import_torch(options.import);
}

void list(bool json) {
  nlohmann::ordered_json models = nlohmann::ordered_json::array();
  for (const PublishedModel& model : published_models()) {
    const std::string path = cache_directory("models") + "/" + model.name + "/" + model.file.name;
    std::error_code unreadable;  // then it is not here
    const bool here = std::filesystem::exists(path, unreadable);
    models.push_back({{"name", model.name},
                      {"architecture", model.architecture},
                      {"url", model.file.url},
                      {"checksum_published", !model.file.checksum.empty()},
                      {"downloaded", here}});
    if (!json) fmt::print("{:<14} {}\n{:<14} {}\n", model.name, model.what, "", here ? path : model.file.url);
  }
  if (json)
    fmt::print(
        "{}\n",
        nlohmann::ordered_json({{"models", models}}).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

void add_models_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("models", "networks that others publish: get, list");
  command->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* getter = command->add_subcommand("get", "download a published checkpoint, verified, and import it");
  getter->footer("Example: limber models get ofa-mbv3-w1.0 --output ofa.safetensors");
  getter->add_option("name", options->name, "one of `limber models list`")->required();
  getter
      ->add_option("--choice", options->import.members,
                   "a member, [NAME:]CHOICE, e.g. small:d=2,e=3,k=3,r=160; may be given again; default: the smallest "
                   "and the largest")
      ->allow_extra_args(false);
  add_weight_format(*getter, options->import.weights);
  getter->add_option("--output,-o", options->import.output, "the model file to write; default: NAME.safetensors");
  getter->add_option("--sha256", options->sha256, "the checksum that the download must have");
  getter->add_option("--url", options->url, "download from here instead, e.g. from a mirror or file:///a/copy");
  getter->add_flag("--json", options->import.json, "print one JSON object");
  getter->callback([options] { get(*options); });
  auto json = std::make_shared<bool>(false);
  CLI::App* lister = command->add_subcommand("list", "what can be got, and from where");
  lister->footer("Example: limber models list");
  lister->add_flag("--json", *json, "print one JSON object");
  lister->callback([json] { list(*json); });
}

}  // namespace limber::tool
