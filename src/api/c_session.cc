// SPDX-License-Identifier: Apache-2.0
// The C ABI's session. Layer: api.
#include <chrono>
#include <functional>

#include "api/handles.h"
#include "base/cpu_list.h"

namespace {

using limber::api::guarded;
using limber::api::require;

void rebuild(limber_session& session, limber::SessionOptions options) {
  limber::Session fresh(session.model, options);
  fresh.select(session.session ? session.session->active() : 0);
  if (session.image_height != 0) fresh.expect_images(session.image_height, session.image_width);
  session.session.reset();
  session.session.emplace(std::move(fresh));
  session.options = std::move(options);
}

int64_t parse_images(const std::string& text) {
  constexpr int64_t kMaximum = 4096;
  const bool digits = !text.empty() && text.size() <= 4 && text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoll(text) > kMaximum) {
    limber::fail(limber::ErrorCode::kInvalidArgument, "anytime_images '{}': legal are 0 to {}", text, kMaximum);
  }
  return std::stoll(text);
}

// Fails on what a Batch cannot say: NULL.
limber::Batch batch_of(const limber_session* session, int64_t images, const uint8_t* pixels, const float* planes,
                       std::size_t count, const float* answers) {
  require(session, "session");
  require(pixels || planes, "the input");
  require(answers, "answers");
  limber::Batch batch;
  batch.images = images;
  if (pixels) {
    batch.pixels = {pixels, count};
    batch.height = session->image_height;
    batch.width = session->image_width;
  }
  if (planes) batch.planes = {planes, count};
  return batch;
}

limber_status infer(limber_session* session, int64_t images, const uint8_t* pixels, const float* planes,
                    std::size_t count, float* answers, std::size_t answer_count) {
  return guarded([&] {
    const limber::Batch batch = batch_of(session, images, pixels, planes, count, answers);
    session->session->infer(batch, {answers, answer_count});
  });
}

limber_status infer_anytime(limber_session* session, int64_t images, const uint8_t* pixels, const float* planes,
                            std::size_t count, float* answers, std::size_t answer_count, limber_publish publish,
                            void* user, int* exits) {
  return guarded([&] {
    const limber::Batch batch = batch_of(session, images, pixels, planes, count, answers);
    // References: small enough for std::function to hold without allocating.
    const struct {
      limber_publish call;
      void* user;
    } published{publish, user};
    const auto on_exit = [&published](int exit) {
      return !published.call || published.call(exit, published.user) != 0;
    };
    const std::chrono::nanoseconds deadline(session->deadline);
    const auto in_time = [&deadline] { return std::chrono::steady_clock::now().time_since_epoch() < deadline; };
    std::function<bool()> check;
    if (session->deadline > 0) check = in_time;
    const int done = session->session->infer_anytime(batch, {answers, answer_count}, on_exit, check);
    if (exits) *exits = done;
  });
}

}  // namespace

limber_session* limber_session_open(const limber_model* model) {
  limber_session* result = nullptr;
  guarded([&] {
    require(model, "model");
    auto session = std::make_unique<limber_session>();
    session->model = model->model;
    rebuild(*session, {});
    result = session.release();
  });
  return result;
}

void limber_session_free(limber_session* session) {
  delete session;
}

limber_status limber_session_set(limber_session* session, const char* key, const char* value) {
  return guarded([&] {
    require(session, "session");
    require(key, "key");
    require(value, "value");
    const std::string name = key;
    auto options = session->options;
    if (name == "member") {
      session->session->select(session->model->find_member(value));
    } else if (name == "cores") {
      options.cores = *value ? limber::parse_cpu_list(value) : std::vector<int>{};
      rebuild(*session, std::move(options));
    } else if (name == "anytime_images") {
      const int64_t images = parse_images(value);
      options.anytime = images > 0;
      options.max_images = images > 0 ? images : 1;
      rebuild(*session, std::move(options));
    } else {
      limber::fail(limber::ErrorCode::kInvalidArgument, "key '{}': legal are member, cores, anytime_images", name);
    }
  });
}

limber_status limber_session_select(limber_session* session, int member) {
  return guarded([&] {
    require(session, "session");
    session->session->select(member);
  });
}

int limber_session_member(const limber_session* session) {
  return session ? session->session->active() : -1;
}

limber_status limber_session_set_symbol(limber_session* session, const char* name, int64_t value) {
  return guarded([&] {
    require(session, "session");
    require(name, "name");
    session->session->set_symbol(name, value);
  });
}

limber_status limber_session_reset_state(limber_session* session) {
  return guarded([&] {
    require(session, "session");
    session->session->reset_state();
  });
}

limber_status limber_session_set_image_size(limber_session* session, int64_t height, int64_t width) {
  return guarded([&] {
    require(session, "session");
    if (height != 0 || width != 0) session->session->expect_images(height, width);
    session->image_height = height;
    session->image_width = width;
  });
}

limber_status limber_session_set_deadline(limber_session* session, int64_t nanoseconds) {
  return guarded([&] {
    require(session, "session");
    if (nanoseconds < 0) {
      limber::fail(limber::ErrorCode::kInvalidArgument, "a deadline of {} ns; legal: 0 for none, or a later moment",
                   nanoseconds);
    }
    session->deadline = nanoseconds;
  });
}

limber_status limber_infer_pixels(limber_session* session, int64_t images, const uint8_t* pixels, size_t pixel_count,
                                  float* answers, size_t answer_count) {
  return infer(session, images, pixels, nullptr, pixel_count, answers, answer_count);
}

limber_status limber_infer_planes(limber_session* session, int64_t images, const float* planes, size_t plane_count,
                                  float* answers, size_t answer_count) {
  return infer(session, images, nullptr, planes, plane_count, answers, answer_count);
}

limber_status limber_infer_anytime(limber_session* session, int64_t images, const uint8_t* pixels, size_t pixel_count,
                                   float* answers, size_t answer_count, limber_publish publish, void* user,
                                   int* exits) {
  return infer_anytime(session, images, pixels, nullptr, pixel_count, answers, answer_count, publish, user, exits);
}

limber_status limber_infer_anytime_planes(limber_session* session, int64_t images, const float* planes,
                                          size_t plane_count, float* answers, size_t answer_count,
                                          limber_publish publish, void* user, int* exits) {
  return infer_anytime(session, images, nullptr, planes, plane_count, answers, answer_count, publish, user, exits);
}
