// SPDX-License-Identifier: Apache-2.0
// The C++ API of Limber, for C++20 and later: header-only, over the C ABI of limber.h, so a program needs no rebuild
// when the library is replaced by a later one of the same major version.
//
//   limber::Model model("models/fashion-incremental.safetensors");
//   limber::Session session(model, {.cores = {1}});
//   session.select("50%");
//   session.infer(pixels, answer);                    // std::span<const uint8_t>, std::span<float>
//   std::cout << model.label(model.best(answer).output);
//
// Errors: limber::Error with a code; the message says what was found, where, and what is legal. Nothing is logged,
// nothing exits. Threads: a Model is immutable, use it from any number of threads; a Session belongs to one thread at a
// time, and sessions of one model run at once without locks. Ownership: handles move and do not copy; a session keeps
// what it needs of its model alive, so either may go first. Views (std::string_view) live as long as the Model they
// came from. A handle that was moved from may be assigned to or destroyed, nothing else.
#pragma once
#if __cplusplus < 202002L
#error "limber.hpp needs C++20: compile with -std=c++20 or later"
#endif

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "limber/limber.h"

namespace limber {
inline namespace v0 {

enum class ErrorCode {
  kInvalidArgument = LIMBER_INVALID_ARGUMENT,  // not legal: an unknown member, a wrong size
  kBadFile = LIMBER_BAD_FILE,                  // truncated, corrupt, foreign or hostile
  kNotFound = LIMBER_NOT_FOUND,
  kIo = LIMBER_IO,
  kUnsupported = LIMBER_UNSUPPORTED,  // legal, but this build or machine cannot do it
  kInternal = LIMBER_INTERNAL,        // a bug in Limber, or no memory
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

namespace detail {

[[noreturn]] inline void raise() {
  throw Error(static_cast<ErrorCode>(limber_last_status()), limber_last_error());
}
inline void check(limber_status status) {
  if (status != LIMBER_OK) raise();
}
struct Free {
  void operator()(limber_model* model) const noexcept { limber_model_free(model); }
  void operator()(limber_session* session) const noexcept { limber_session_free(session); }
};

}  // namespace detail

inline std::string_view version() noexcept {
  return limber_version();
}

// Pixels of the images that a member reads.
struct ImageSize {
  int64_t height = 0, width = 0, channels = 0;
  int64_t values() const noexcept { return height * width * channels; }
};

// Of one channel: x = (pixel / 255 - mean) / deviation.
struct Normalisation {
  float mean = 0, deviation = 1;
};

// The largest output of an answer and its softmax probability.
struct Best {
  int64_t output = -1;
  float confidence = 0;
};

struct MemberInfo {
  std::string_view name;    // "50%"
  std::string_view choice;  // "groups=2"
  int64_t macs = 0;         // multiply-accumulates of one image
  ImageSize image;
  int64_t outputs = 0;              // length of one answer
  std::optional<double> top1_test;  // 0..1, as the file states
  std::optional<double> top1_validation;
};

// Bytes; see limber_model_memory() in limber.h.
struct MemoryInfo {
  int64_t weights = 0, padding = 0, per_member = 0, arena = 0, exit_plan = 0, exit_arena = 0, largest_alone = 0;
  bool shared = false;
};

struct ModelOptions {
  std::string isa = {};                   // "": the best of this machine; "avx512", "avx2", "sse4", "neon", "reference"
  std::optional<std::string> cache = {};  // folder of packed weights, "": none; not set: limber_model_open()'s
};

// A model file, read, checked and compiled for this machine: the whole family of members.
class Model {
 public:
  // Milliseconds to seconds. Throws kNotFound, kBadFile, kIo, or kInvalidArgument (an ISA that this machine lacks).
  explicit Model(const std::string& path, const ModelOptions& options = {})
      : handle_(limber_model_open_cached(path.c_str(), options.isa.c_str(),
                                         options.cache ? options.cache->c_str() : nullptr)) {
    if (!handle_) detail::raise();
  }

  std::string_view name() const noexcept { return limber_model_name(get()); }
  std::string_view hash() const noexcept { return limber_model_hash(get()); }  // SHA-256 of the weights
  std::string_view isa() const noexcept { return limber_model_isa(get()); }

  int members() const noexcept { return limber_model_members(get()); }  // ascending in cost, numbered from 0
  int largest() const noexcept { return members() - 1; }
  // Throws kInvalidArgument, listing the legal names.
  int find_member(std::string_view name) const {
    const int member = limber_model_find_member(get(), std::string(name).c_str());
    if (member < 0) detail::raise();
    return member;
  }
  // Throws kInvalidArgument on an index that is none.
  MemberInfo member(int index) const {
    if (limber_model_member_name(get(), index) == nullptr) {
      throw Error(ErrorCode::kInvalidArgument,
                  "member " + std::to_string(index) + "; legal: 0 to " + std::to_string(largest()));
    }
    MemberInfo info;
    info.name = limber_model_member_name(get(), index);
    info.choice = limber_model_choice(get(), index);
    info.macs = limber_model_macs(get(), index);
    info.image = {limber_model_height(get(), index), limber_model_width(get(), index),
                  limber_model_channels(get(), index)};
    info.outputs = limber_model_outputs(get(), index);
    info.top1_test = stated(index, "test");
    info.top1_validation = stated(index, "validation");
    return info;
  }
  // Exits of the anytime plan; 0 where the members do not nest and there is none.
  int exits() const noexcept { return limber_model_exits(get()); }
  MemoryInfo memory() const noexcept {
    const auto bytes = [this](const char* key) { return limber_model_memory(get(), key); };
    return {bytes("weights"),   bytes("padding"),    bytes("per_member"),    bytes("arena"),
            bytes("exit_plan"), bytes("exit_arena"), bytes("largest_alone"), bytes("shared") == 1};
  }
  // Of what planes must hold; pixels are normalised by the session. Throws kInvalidArgument where there is no such
  // channel.
  Normalisation normalisation(int64_t channel) const {
    Normalisation found;
    detail::check(limber_model_normalisation(get(), channel, &found.mean, &found.deviation));
    return found;
  }
  // Name of a class; "" where the model has none for it.
  std::string_view label(int64_t output) const noexcept {
    const char* text = limber_model_label(get(), output);
    return text == nullptr ? std::string_view() : text;
  }
  // Of one image's answer, whether the model answers with logits or probabilities. Output -1 for an empty answer.
  Best best(std::span<const float> answer) const noexcept {
    Best found;
    found.output = limber_model_best(get(), answer.data(), answer.size(), &found.confidence);
    return found;
  }

  const limber_model* get() const noexcept { return handle_.get(); }  // for the C ABI; still owned

 private:
  std::optional<double> stated(int member, const char* split) const {
    const double top1 = limber_model_top1(get(), member, split);
    return top1 < 0 ? std::nullopt : std::optional(top1);
  }

  std::unique_ptr<limber_model, detail::Free> handle_;
};

struct SessionOptions {
  // Logical CPUs: the thread that infers moves to the lowest and stays there, a helper thread sits on each further one.
  // Empty: the calling thread alone, wherever it is.
  std::vector<int> cores = {};
  int64_t anytime_images = 0;  // largest batch of infer_anytime, 0 to 4096; its memory grows with it
};

// What changes while a model runs: activations, threads, the active member. Starts with the smallest member.
class Session {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::time_point kNoDeadline = Clock::time_point::max();

  // Allocates once; no later call does. Throws kInvalidArgument on cores that the process may not use, and on
  // anytime_images where the model has no exits.
  explicit Session(const Model& model, const SessionOptions& options = {}) : handle_(limber_session_open(model.get())) {
    if (!handle_) detail::raise();
    std::string cores;
    for (const int core : options.cores) {
      if (!cores.empty()) cores += ',';
      cores += std::to_string(core);
    }
    if (!cores.empty()) detail::check(limber_session_set(get(), "cores", cores.c_str()));
    if (options.anytime_images != 0) {
      detail::check(limber_session_set(get(), "anytime_images", std::to_string(options.anytime_images).c_str()));
    }
  }

  // The switch: an index is stored, nothing is copied or allocated. Throws kInvalidArgument on what is no member.
  void select(int member) { detail::check(limber_session_select(get(), member)); }
  void select(std::string_view name) { detail::check(limber_session_set(get(), "member", std::string(name).c_str())); }
  int active() const noexcept { return limber_session_member(get()); }

  // Of the pixels of the calls that follow: the size of their images, 1 to 16384 a side, which the session resizes to
  // what the active member reads. 0, 0: they have its size already (anytime: the largest member's), as at first.
  // Allocates, so that the calls that follow need not. Throws kInvalidArgument on other sizes.
  void set_image_size(int64_t height, int64_t width) {
    detail::check(limber_session_set_image_size(get(), height, width));
  }

  // Runs the active member. pixels: [images][height][width][channels], 0..255, preprocessed as the model says. planes:
  // [images][channels][height][width], normalised. answers: [images][outputs], written completely. Sizes must
  // be exact, else kInvalidArgument. No allocation.
  void infer(std::span<const uint8_t> pixels, std::span<float> answers, int64_t images = 1) {
    detail::check(limber_infer_pixels(get(), images, pixels.data(), pixels.size(), answers.data(), answers.size()));
  }
  void infer(std::span<const float> planes, std::span<float> answers, int64_t images = 1) {
    detail::check(limber_infer_planes(get(), images, planes.data(), planes.size(), answers.data(), answers.size()));
  }

  // Anytime: computes one exit after another until all are published, the deadline has passed, or publish says stop.
  // After exit n `answers` holds, for every image, what member n answers, bit for bit, and publish(n) is called: void,
  // or bool where false stops. Returns the number of exits published; 0 if the deadline came before the first, then
  // answers is as it was. Returns at most one layer after the deadline. What publish throws comes out of here.
  template <typename Publish>
  int infer_anytime(std::span<const uint8_t> pixels, std::span<float> answers, int64_t images,
                    Clock::time_point deadline, Publish&& publish) {
    return anytime(limber_infer_anytime, pixels, answers, images, deadline, publish);
  }
  template <typename Publish>
  int infer_anytime(std::span<const float> planes, std::span<float> answers, int64_t images, Clock::time_point deadline,
                    Publish&& publish) {
    return anytime(limber_infer_anytime_planes, planes, answers, images, deadline, publish);
  }
  // The same without publish: the best answers by the deadline.
  int infer_anytime(std::span<const uint8_t> pixels, std::span<float> answers, int64_t images,
                    Clock::time_point deadline) {
    return infer_anytime(pixels, answers, images, deadline, [](int) {});
  }
  int infer_anytime(std::span<const float> planes, std::span<float> answers, int64_t images,
                    Clock::time_point deadline) {
    return infer_anytime(planes, answers, images, deadline, [](int) {});
  }

  // Networks over sequences: a run-time length, of the inferences that follow. Throws kInvalidArgument on a name that
  // is none or a value above its maximum.
  void set_symbol(std::string_view name, int64_t value) {
    detail::check(limber_session_set_symbol(get(), std::string(name).c_str(), value));
  }
  void reset_state() { detail::check(limber_session_reset_state(get())); }

  limber_session* get() const noexcept { return handle_.get(); }  // for the C ABI; still owned

 private:
  template <typename Publish>
  struct Call {
    Publish& publish;
    std::exception_ptr thrown;

    static int published(int exit, void* user) noexcept {
      Call& call = *static_cast<Call*>(user);
      try {
        if constexpr (std::is_void_v<std::invoke_result_t<Publish&, int>>) {
          call.publish(exit);
          return 1;
        } else {
          return call.publish(exit) ? 1 : 0;
        }
      } catch (...) {  // must not cross C; stops, and is thrown again on this side
        call.thrown = std::current_exception();
        return 0;
      }
    }
  };

  template <typename Function, typename Value, typename Publish>
  int anytime(Function function, std::span<const Value> input, std::span<float> answers, int64_t images,
              Clock::time_point deadline, Publish& publish) {
    using Nanoseconds = std::chrono::nanoseconds;
    // A moment before the clock's beginning has passed as well.
    const int64_t moment = std::chrono::duration_cast<Nanoseconds>(deadline.time_since_epoch()).count();
    detail::check(limber_session_set_deadline(get(), deadline == kNoDeadline ? 0 : (moment < 1 ? 1 : moment)));
    Call<Publish> call{publish, nullptr};
    int exits = 0;
    detail::check(function(get(), images, input.data(), input.size(), answers.data(), answers.size(),
                           &Call<Publish>::published, &call, &exits));
    if (call.thrown) std::rethrow_exception(call.thrown);
    return exits;
  }

  std::unique_ptr<limber_session, detail::Free> handle_;
};

}  // namespace v0
}  // namespace limber
