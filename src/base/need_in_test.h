// SPDX-License-Identifier: Apache-2.0
// For tests that need something from outside: other people's data, a program. Layer: base (tests only).
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/error.h"

// Declares type name = value at the start of a test. Where making the value fails the test is skipped and says what is
// missing; under LIMBER_REQUIRE_DATA=1, which CI sets, it fails instead.
#define LIMBER_NEED(type, name, value)                                               \
  type name;                                                                         \
  try {                                                                              \
    name = value;                                                                    \
  } catch (const ::limber::Error& error) {                                           \
    const char* required = std::getenv("LIMBER_REQUIRE_DATA");                       \
    if (required != nullptr && std::string(required) == "1") FAIL() << error.what(); \
    GTEST_SKIP() << error.what();                                                    \
  }
