// SPDX-License-Identifier: Apache-2.0
// How often this test binary called operator new, in all threads. Layer: network (tests only).
#pragma once
#include <cstdint>

namespace limber {

int64_t test_allocations();

}  // namespace limber
