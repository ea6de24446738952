// SPDX-License-Identifier: Apache-2.0
// How often this program called operator new, in all threads. Layer: base, but not part of the library: a program that
// wants to count (tests, the tool) links counted_allocations.cc, which replaces operator new by one that counts.
#pragma once
#include <cstdint>

namespace limber {

int64_t counted_allocations();

}  // namespace limber
