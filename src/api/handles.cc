// SPDX-License-Identifier: Apache-2.0
#include "api/handles.h"

#include <new>

namespace limber::api {
namespace {

thread_local std::string last_error;
thread_local bool no_memory_for_it = false;
thread_local limber_status last_status = LIMBER_OK;

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

void remember() {
  try {
    throw;
  } catch (const Error& error) {
    last_status = status_of(error.code());
    last_error = error.what();
  } catch (const std::bad_alloc&) {
    last_status = LIMBER_INTERNAL;
    last_error = "the system has no memory left for this";
  } catch (const std::exception& error) {
    last_status = LIMBER_INTERNAL;
    last_error = error.what();
  } catch (...) {
    last_status = LIMBER_INTERNAL;
    last_error = "an exception of an unknown kind left a callback";
  }
}

}  // namespace

limber_status remember_exception() noexcept {
  no_memory_for_it = false;
  try {
    remember();
  } catch (...) {
    no_memory_for_it = true;  // keeping the text failed
  }
  return last_status;
}

}  // namespace limber::api

const char* limber_last_error(void) {
  return limber::api::no_memory_for_it ? "no memory left, not even for the error's text"
                                       : limber::api::last_error.c_str();
}

limber_status limber_last_status(void) {
  return limber::api::last_status;
}

const char* limber_version(void) {
  return LIMBER_VERSION;
}
