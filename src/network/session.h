// SPDX-License-Identifier: Apache-2.0
// A session: what changes while a model runs. Layer: network.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "network/model.h"

namespace limber {

// n images, borrowed for the call. Exactly one of pixels and planes is set.
struct Batch {
  int64_t images = 0;
  std::span<const uint8_t>
      pixels;                     // [n][height][width][channels], 0..255; the session applies the model's preprocessing
  std::span<const float> planes;  // [n][channels][height][width], already normalised
  // Of the pixels: the images' own size, up to 16384 a side; the session resizes them as Preprocessing says. 0: the
  // pixels are ready, of the active member's input size (for infer_anytime: the largest member's). Planes always are.
  int64_t height = 0, width = 0;
};

struct SessionOptions {
  std::vector<int> cores;  // logical CPUs the work may use; empty: the calling thread alone, unpinned
  int64_t max_images = 1;  // largest batch of infer_anytime (its arena grows with it); infer takes any batch
  bool anytime = false;    // plan memory for the exit plan
  // For tests and debugging; allocates. Called with each node's name and output, [channels][height][width], as it is
  // complete.
  std::function<void(const std::string& node, std::span<const float> values)> observe;
  // For profilers: infer calls it before each step of the active member's plan, with the step's index into Plan::steps,
  // and once more, with the index after the last, when all are done; once for every image. Empty: nothing is called.
  std::function<void(std::size_t step)> stepped;
};

// Owns the arena, the state, the core set and the active member. One thread at a time; two sessions of one model run at
// once without locks. After construction no call allocates, but for images of a size that was not expected.
class Session {
 public:
  Session(std::shared_ptr<const Model> model, SessionOptions options = {});
  ~Session();
  Session(Session&&) noexcept;

  const Model& model() const;
  void select(int member);  // the switch: an index is stored, nothing else happens. Fails on an illegal index.
  int active() const;

  // Makes ready for images of this size (Batch::height, width), so that no inference on them allocates. Other images
  // take their place, whether announced or not. Fails on a size that is not legal.
  void expect_images(int64_t height, int64_t width);

  // Runs the active member. answers: [images][outputs], written completely. Fails on a wrong size.
  void infer(const Batch& batch, std::span<float> answers);

  // Runs the exit plan: after exit n (0-based) `answers` holds what member n answers for every image, bit for bit, and
  // publish(n) is called; returning false stops there. Returns the number of exits published. check(), if given, is
  // called between layers; returning false abandons the exit that is being computed (anytime deadline), and `answers`
  // still holds the last published one.
  int infer_anytime(const Batch& batch, std::span<float> answers, const std::function<bool(int)>& publish,
                    const std::function<bool()>& check = {});

  // One exit of one image of the batch: what infer_anytime consists of, for callers that choose the order themselves.
  // An image's exits go in order from 0, which starts it anew; other images may come between. answer: [outputs]. False:
  // check() stopped it, `answer` is as it was, and the image has to begin again at exit 0. Fails on an exit out of
  // order.
  bool advance(const Batch& batch, int64_t image, int exit, std::span<float> answer,
               const std::function<bool()>& check = {});

  // Run-time symbols (sequence length, cache rows): set before infer. Start at their maximum, those that count the rows
  // of a state at 0. Fails on an unknown name or a value above its maximum. With state a batch has one image.
  void set_symbol(const std::string& name, int64_t value);
  void reset_state();
  int64_t arena_bytes() const;  // activations, state and per-image memory of this session

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace limber
