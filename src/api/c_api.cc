// SPDX-License-Identifier: Apache-2.0
// The C ABI: every exception ends here as a status and a message. Layer: api.
#include <exception>
#include <optional>

#include "base/cpu_list.h"
#include "base/error.h"
#include "formats/model_file.h"
#include "limber/limber.h"
#include "network/model.h"
#include "network/session.h"

struct limber_model {
  std::shared_ptr<const limber::Model> model;
};

struct limber_session {
  std::shared_ptr<const limber::Model> model;
  limber::SessionOptions options;
  std::optional<limber::Session> session;
};

namespace {

using limber::ErrorCode;

thread_local std::string last_error;

limber_status status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return LIMBER_INVALID_ARGUMENT;
    case ErrorCode::kBadFile:
      return LIMBER_BAD_FILE;
    case ErrorCode::kNotFound:
      return LIMBER_NOT_FOUND;
    case ErrorCode::kIo:
      return LIMBER_IO;
    case ErrorCode::kUnsupported:
      return LIMBER_UNSUPPORTED;
    case ErrorCode::kInternal:
      return LIMBER_INTERNAL;
  }
  return LIMBER_INTERNAL;
}

template <typename Body>
limber_status guarded(Body&& body) {
  try {
    body();
    return LIMBER_OK;
  } catch (const limber::Error& error) {
    last_error = error.what();
    return status_of(error.code());
  } catch (const std::exception& error) {
    last_error = error.what();
  } catch (...) {
    last_error = "an exception of an unknown kind left a callback";
  }
  return LIMBER_INTERNAL;
}

template <typename Pointer>
void require(Pointer pointer, const char* name) {
  if (!pointer) limber::fail(ErrorCode::kInvalidArgument, "{} is NULL", name);
}

bool has_member(const limber_model* model, int member) {
  return model && member >= 0 && member < model->model->members();
}

void rebuild(limber_session& session, limber::SessionOptions options) {
  limber::Session fresh(session.model, options);
  fresh.select(session.session ? session.session->active() : 0);
  session.session.reset();
  session.session.emplace(std::move(fresh));
  session.options = std::move(options);
}

int64_t parse_images(const std::string& text) {
  constexpr int64_t kMaximum = 4096;
  const bool digits = !text.empty() && text.size() <= 4 && text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoll(text) > kMaximum) {
    limber::fail(ErrorCode::kInvalidArgument, "anytime_images '{}': legal are 0 to {}", text, kMaximum);
  }
  return std::stoll(text);
}

void infer(limber_session* session, const limber::Batch& batch, const void* input, float* answers, size_t count) {
  require(session, "session");
  require(input, "the input");
  require(answers, "answers");
  session->session->infer(batch, {answers, count});
}

}  // namespace

const char* limber_version(void) {
  return LIMBER_VERSION;
}
const char* limber_last_error(void) {
  return last_error.c_str();
}

limber_model* limber_model_open(const char* path, const char* isa) {
  limber_model* result = nullptr;
  guarded([&] {
    require(path, "path");
    limber::ModelOptions options;
    if (isa) options.isa = isa;
    result = new limber_model{limber::Model::build(limber::read_model(path), options)};
  });
  return result;
}

void limber_model_free(limber_model* model) {
  delete model;
}
const char* limber_model_isa(const limber_model* model) {
  return model ? model->model->isa().c_str() : nullptr;
}
int limber_model_members(const limber_model* model) {
  return model ? model->model->members() : 0;
}

const char* limber_model_member_name(const limber_model* model, int member) {
  return has_member(model, member) ? model->model->member(member).name.c_str() : nullptr;
}

int64_t limber_model_macs(const limber_model* model, int member) {
  return has_member(model, member) ? model->model->macs(member) : -1;
}

int limber_model_exits(const limber_model* model) {
  return model ? model->model->exits() : 0;
}

int64_t limber_model_height(const limber_model* model, int member) {
  return has_member(model, member) ? model->model->input_height(member) : -1;
}

int64_t limber_model_width(const limber_model* model, int member) {
  return has_member(model, member) ? model->model->input_width(member) : -1;
}

int64_t limber_model_channels(const limber_model* model, int member) {
  return has_member(model, member) ? model->model->input_channels(member) : -1;
}

int64_t limber_model_outputs(const limber_model* model, int member) {
  return has_member(model, member) ? model->model->outputs(member) : -1;
}

const char* limber_model_label(const limber_model* model, int64_t output) {
  if (!model) return nullptr;
  const auto& labels = model->model->network().labels;
  return output >= 0 && output < static_cast<int64_t>(labels.size()) ? labels[output].c_str() : nullptr;
}

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
      limber::fail(ErrorCode::kInvalidArgument, "key '{}': legal are member, cores, anytime_images", name);
    }
  });
}

int limber_session_member(const limber_session* session) {
  return session ? session->session->active() : -1;
}

limber_status limber_infer_pixels(limber_session* session, int64_t images, const uint8_t* pixels, size_t pixel_count,
                                  float* answers, size_t answer_count) {
  return guarded([&] {
    infer(session, {.images = images, .pixels = {pixels, pixel_count}, .planes = {}}, pixels, answers, answer_count);
  });
}

limber_status limber_infer_planes(limber_session* session, int64_t images, const float* planes, size_t plane_count,
                                  float* answers, size_t answer_count) {
  return guarded([&] {
    infer(session, {.images = images, .pixels = {}, .planes = {planes, plane_count}}, planes, answers, answer_count);
  });
}

limber_status limber_infer_anytime(limber_session* session, int64_t images, const uint8_t* pixels, size_t pixel_count,
                                   float* answers, size_t answer_count, limber_publish publish, void* user,
                                   int* exits) {
  return guarded([&] {
    require(session, "session");
    require(pixels, "pixels");
    require(answers, "answers");
    const int published = session->session->infer_anytime(
        {.images = images, .pixels = {pixels, pixel_count}, .planes = {}}, {answers, answer_count},
        [&](int exit) { return !publish || publish(exit, user) != 0; });
    if (exits) *exits = published;
  });
}
