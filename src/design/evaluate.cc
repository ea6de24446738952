// SPDX-License-Identifier: Apache-2.0
#include "design/evaluate.h"

#include <algorithm>
#include <atomic>
#include <random>

#include "base/error.h"
#include "base/thread_pool.h"
#include "network/session.h"

namespace limber {
namespace {

constexpr int64_t kChunk = 16;  // images handed out together

void check_images(const Model& model, int member, const Images& images) {
  if (images.channels != model.input_channels(member)) {
    fail(ErrorCode::kInvalidArgument, "{}: images of {} channels, but member '{}' reads {}", images.name,
         images.channels, model.member(member).name, model.input_channels(member));
  }
  if (static_cast<int64_t>(images.classes.size()) > model.outputs(member)) {
    fail(ErrorCode::kInvalidArgument, "{}: {} classes, but the model answers with {}", images.name,
         images.classes.size(), model.outputs(member));
  }
}

}  // namespace

Images drawn_images(const Images& images, int64_t n, uint64_t seed) {
  if (n >= images.count) return images;
  Images drawn;
  drawn.height = images.height;
  drawn.width = images.width;
  drawn.channels = images.channels;
  drawn.classes = images.classes;
  drawn.name = images.name;
  const auto size = static_cast<std::size_t>(images.height * images.width * images.channels);
  std::mt19937_64 random(seed);
  // Each image is taken with the probability that leaves n in all: images still wanted of those still to come.
  for (int64_t i = 0; i < images.count && drawn.count < n; ++i) {
    if (static_cast<int64_t>(random() % static_cast<uint64_t>(images.count - i)) >= n - drawn.count) continue;
    const auto pixels = images.pixels.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(i) * size);
    drawn.pixels.insert(drawn.pixels.end(), pixels, pixels + static_cast<std::ptrdiff_t>(size));
    drawn.labels.push_back(images.labels[static_cast<std::size_t>(i)]);
    ++drawn.count;
  }
  drawn.hash = hash_images(drawn);
  return drawn;
}

RightAnswers count_right(const std::shared_ptr<const Model>& model, int member, const Images& images,
                         const std::vector<int>& cores,
                         const std::function<void(int64_t done, int64_t all)>& progress) {
  check_images(*model, member, images);
  ThreadPool pool(cores);
  std::vector<Session> sessions;
  std::vector<std::vector<float>> answers;
  for (int thread = 0; thread < pool.threads(); ++thread) {
    sessions.emplace_back(model).select(member);
    answers.emplace_back(static_cast<std::size_t>(model->outputs(member)));
  }
  const auto size = static_cast<std::size_t>(images.height * images.width * images.channels);
  std::atomic<int64_t> right = 0, done = 0;
  pool.enter();
  pool.run((images.count + kChunk - 1) / kChunk, [&](int64_t chunk, int thread) {
    std::vector<float>& answer = answers[static_cast<std::size_t>(thread)];
    const int64_t end = std::min((chunk + 1) * kChunk, images.count);
    for (int64_t image = chunk * kChunk; image < end; ++image) {
      const auto pixels = std::span(images.pixels).subspan(static_cast<std::size_t>(image) * size, size);
      sessions[static_cast<std::size_t>(thread)].infer({1, pixels, {}, images.height, images.width}, answer);
      right += std::max_element(answer.begin(), answer.end()) - answer.begin() ==
               images.labels[static_cast<std::size_t>(image)];
    }
    done += end - chunk * kChunk;
    if (progress && thread == 0) progress(done, images.count);
  });
  return {right, images.count};
}

ChoiceEvaluator::ChoiceEvaluator(Network network, Images calibration, Images judged, EvaluationOptions options)
    : network_(std::move(network)),
      calibration_(std::move(calibration)),
      judged_(std::move(judged)),
      options_(std::move(options)) {}

RightAnswers ChoiceEvaluator::operator()(const Choice& choice) const {
  CalibrationOptions calibrating;
  calibrating.cores = options_.cores;
  calibrating.isa = options_.isa;
  calibrating.memory = options_.memory;
  ModelOptions building;
  building.isa = options_.isa;
  building.use_cache = false;
  const auto statistics = calibrate_norms(network_, choice, calibration_, calibrating);
  return count_right(Model::build(one_member(network_, choice, statistics), building), 0, judged_, options_.cores);
}

}  // namespace limber
