// SPDX-License-Identifier: Apache-2.0
// `limber import onnx FILE...`.
#include "tool/import_onnx.h"

#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tool/weight_format.h"
#ifdef LIMBER_HAS_ONNX
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>

#include "formats/model_file.h"
#include "formats/onnx_import.h"
#include "network/model.h"
#endif

namespace limber::tool {
namespace {

struct Options {
  std::vector<std::string> files;
  std::string output, name, weights, labels, mean, deviation, shape;
  double crop = 0;
  bool json = false;
};

#ifdef LIMBER_HAS_ONNX

// "0.5,0.4,0.3", or the word imagenet.
std::vector<float> numbers(const std::string& option, const std::string& text, const std::vector<float>& imagenet,
                           bool positive) {
  if (text == "imagenet") return imagenet;
  std::vector<float> values;
  for (const std::string& part : CLI::detail::split(text, ',')) {
    float value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    const bool good = error == std::errc() && end == part.data() + part.size() && std::isfinite(value);
    if (!good || (positive && value <= 0)) {
      fail(ErrorCode::kInvalidArgument, "{}: '{}'; legal: {} separated by commas, one for each channel, or imagenet",
           option, part, positive ? "numbers above 0" : "numbers");
    }
    values.push_back(value);
  }
  return values;
}

std::vector<int64_t> extents(const std::string& text) {
  std::vector<int64_t> values;
  for (const std::string& part : CLI::detail::split(text, ',')) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size())
      fail(ErrorCode::kInvalidArgument, "--shape: '{}'; legal: channels,height,width", text);
    values.push_back(value);
  }
  return values;
}

// One a line; the end of the last line may be missing.
std::vector<std::string> read_labels(const std::string& path, int64_t wanted) {
  std::ifstream file(path);
  if (!file) fail(ErrorCode::kNotFound, "{}: no such file, or not readable", path);
  std::vector<std::string> labels;
  for (std::string line; std::getline(file, line) && labels.size() <= static_cast<std::size_t>(wanted);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    labels.push_back(line);
  }
  if (labels.size() != static_cast<std::size_t>(wanted)) {
    fail(ErrorCode::kBadFile, "{}: {}{} lines; the model has {} classes, one label a line", path,
         labels.size() > static_cast<std::size_t>(wanted) ? "more than " : "",
         std::min<std::size_t>(labels.size(), static_cast<std::size_t>(wanted)), wanted);
  }
  return labels;
}

void import_files(const Options& options) {
  OnnxImport result = import_onnx(
      options.files, {options.name, options.shape.empty() ? std::vector<int64_t>() : extents(options.shape)});
  apply_weight_format(options.weights, &result.network);
  Preprocessing& preprocessing = result.network.preprocessing;
  const std::size_t channels = preprocessing.mean.size();
  const bool own = !options.mean.empty() || !options.deviation.empty();
  if (!options.mean.empty()) preprocessing.mean = numbers("--mean", options.mean, {0.485f, 0.456f, 0.406f}, false);
  if (!options.deviation.empty())
    preprocessing.deviation = numbers("--deviation", options.deviation, {0.229f, 0.224f, 0.225f}, true);
  if (preprocessing.mean.size() != channels || preprocessing.deviation.size() != channels) {
    fail(ErrorCode::kInvalidArgument, "{} means and {} deviations; the image has {} channels",
         preprocessing.mean.size(), preprocessing.deviation.size(), channels);
  }
  preprocessing.crop = options.crop;
  const bool plain = std::all_of(preprocessing.mean.begin(), preprocessing.mean.end(), [](float m) { return m == 0; });
  if (!own && plain) result.notes.push_back("pixels are given as 0..1; --mean and --deviation say otherwise");
  ModelOptions build;
  build.use_cache = false;
  const auto model = Model::build(result.network, build);  // so that a file that is written also runs
  if (!options.labels.empty()) result.network.labels = read_labels(options.labels, model->outputs(0));
  write_model(result.network, options.output);
  nlohmann::ordered_json members = nlohmann::ordered_json::array();
  for (int m = 0; m < model->members(); ++m) {
    members.push_back({{"name", model->member(m).name},
                       {"macs", model->macs(m)},
                       {"input", {model->input_channels(m), model->input_height(m), model->input_width(m)}}});
  }
  if (options.json) {
    const nlohmann::ordered_json report = {
        {"model", options.output}, {"name", result.network.name}, {"members", members}, {"notes", result.notes}};
    fmt::print("{}\n", report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  for (const std::string& note : result.notes) fmt::print("note: {}\n", note);
  for (int m = 0; m < model->members(); ++m) {
    fmt::print("{:<24} {:>10.3f} MMAC   {} x {} x {} in, {} out\n", model->member(m).name,
               static_cast<double>(model->macs(m)) * 1e-6, model->input_channels(m), model->input_height(m),
               model->input_width(m), model->outputs(m));
  }
  fmt::print("{}: written\n", options.output);
}
#else
void import_files(const Options&) {
  fail(ErrorCode::kUnsupported,
       "this limber was built without ONNX: install libonnx-dev and configure with -DLIMBER_ONNX=ON");
}
#endif

}  // namespace

void add_import_onnx(CLI::App& import_command) {
  auto options = std::make_shared<Options>();
  CLI::App* onnx = import_command.add_subcommand("onnx", "ONNX files as a family; several share nothing");
  onnx->footer(
      "Several files become the members of one family, so that one session switches between them.\n"
      "Example: limber import onnx small.onnx large.onnx --mean imagenet --deviation imagenet --output "
      "both.safetensors");
  onnx->add_option("files", options->files, "ONNX files with one image as input and one output")->required();
  onnx->add_option("--output,-o", options->output, "the model file to write")->required();
  add_weight_format(*onnx, options->weights);
  onnx->add_option("--name", options->name, "of the network; default: of the first file");
  onnx->add_option("--shape", options->shape, "channels,height,width of the image where a file leaves them open");
  onnx->add_option("--mean", options->mean, "of pixels in 0..1, one for each channel, or imagenet; default 0");
  onnx->add_option("--deviation", options->deviation, "the same for the deviation; default 1");
  onnx->add_option("--crop", options->crop, "images of another size: 0.875 for ImageNet's protocol; default: resized")
      ->check(CLI::Range(0.1, 1.0));
  onnx->add_option("--labels", options->labels, "a text file, one class a line");
  onnx->add_flag("--json", options->json, "print one JSON object");
  onnx->callback([options] { import_files(*options); });
}

}  // namespace limber::tool
