// SPDX-License-Identifier: Apache-2.0
// The one error type of Limber. Layer: base.
#pragma once
#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace limber {

enum class ErrorCode {
  kInvalidArgument,  // the caller asked for something that is not legal (an unknown member, a wrong extent)
  kBadFile,          // a file is truncated, corrupt, foreign or hostile
  kNotFound,         // a file, a member, a data set does not exist
  kIo,               // the operating system refused: no space, no permission
  kUnsupported,      // legal, but this build or this machine cannot do it
  kInternal,         // a bug in Limber
};

// Thrown by every layer; caught at the C ABI and in the tool. The message says what was found, where, what is legal
// and what to do next, in one or two sentences without a trailing newline.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// fail(ErrorCode::kBadFile, "{}: tensor '{}': ...", path, name)
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace limber
