// SPDX-License-Identifier: Apache-2.0
#include "design/sample_file.h"

#include <algorithm>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/json_fields.h"

namespace limber {

SampleFile::SampleFile(std::string path, const Graph& graph, std::string weights, std::string calibration,
                       std::string judged)
    : path_(std::move(path)),
      weights_(std::move(weights)),
      calibration_(std::move(calibration)),
      judged_(std::move(judged)),
      graph_(graph) {
  if (!std::filesystem::exists(path_)) return;
  const MappedFile file(path_);
  const auto bytes = file.bytes();
  text_.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::size_t line = 0;
  for (std::size_t from = 0; from < text_.size(); ++line) {
    const std::size_t end = std::min(text_.find('\n', from), text_.size());
    const std::string where = fmt::format("{}: line {}", path_, line + 1);
    const Json json = parse_json(std::string_view(text_).substr(from, end - from), where);
    from = end + 1;
    const Fields fields(json, where, {"weights", "calibration", "judged", "choice", "macs", "right", "images"});
    const bool same = fields.text("weights") == weights_ && fields.text("calibration") == calibration_ &&
                      fields.text("judged") == judged_;
    if (!same) continue;
    AccuracySample sample;
    try {
      sample.choice = parse_choice(graph_.space, fields.text("choice"));
    } catch (const Error& error) {
      fail(ErrorCode::kBadFile, "{}: {}", where, error.what());
    }
    sample.macs = fields.integer("macs");
    sample.right = fields.integer("right");
    sample.images = fields.integer("images");
    if (sample.macs < 0 || sample.images < 1 || sample.right < 0 || sample.right > sample.images) {
      fail(ErrorCode::kBadFile, "{}: {} right of {} images, {} multiply-accumulates; legal: 0 to all of 1 or more",
           where, sample.right, sample.images, sample.macs);
    }
    samples_.push_back(std::move(sample));
  }
  if (!text_.empty() && text_.back() != '\n') text_ += '\n';
}

const AccuracySample* SampleFile::find(const Choice& choice) const {
  const auto found = std::find_if(samples_.begin(), samples_.end(),
                                  [&](const AccuracySample& sample) { return sample.choice == choice; });
  return found == samples_.end() ? nullptr : &*found;
}

void SampleFile::append(const AccuracySample& sample) {
  text_ += print_json({{"weights", weights_},
                       {"calibration", calibration_},
                       {"judged", judged_},
                       {"choice", to_string(graph_.space, sample.choice)},
                       {"macs", sample.macs},
                       {"right", sample.right},
                       {"images", sample.images}}) +
           '\n';
  AtomicFile file(path_);
  file.write(text_);
  file.commit();
  samples_.push_back(sample);
}

}  // namespace limber
