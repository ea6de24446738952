// SPDX-License-Identifier: Apache-2.0
// What the opaque handles of the C ABI are, and the border where every exception becomes a status. Layer: api.
#pragma once
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "limber/limber.h"
#include "network/model.h"
#include "network/session.h"

struct limber_model {
  std::shared_ptr<const limber::Model> model;
  std::vector<std::string> choices;  // of each member, as text
  bool probabilities = false;        // answers are a softmax's output
};

struct limber_session {
  std::shared_ptr<const limber::Model> model;
  limber::SessionOptions options;
  std::optional<limber::Session> session;
  int64_t image_height = 0, image_width = 0;  // of pixels; 0: the active member's
  int64_t deadline = 0;                       // nanoseconds of std::chrono::steady_clock, 0: none
};

namespace limber::api {

// Keeps the exception that is being handled for limber_last_error() and limber_last_status(). Never throws.
limber_status remember_exception() noexcept;

// Runs body; no exception leaves it.
template <typename Body>
limber_status guarded(Body&& body) noexcept {
  try {
    body();
    return LIMBER_OK;
  } catch (...) {
    return remember_exception();
  }
}

template <typename Pointer>
void require(Pointer pointer, const char* name) {
  if (!pointer) fail(ErrorCode::kInvalidArgument, "{} is NULL", name);
}

}  // namespace limber::api
