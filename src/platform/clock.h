// SPDX-License-Identifier: Apache-2.0
// The monotonic clock, and waiting for a moment of it. Layer: platform.
#pragma once
#include <cstdint>
#include <string>

namespace limber {

// Nanoseconds of CLOCK_MONOTONIC; every time stamp of Limber is one. Costs some 20 ns, allocates nothing.
int64_t now_ns();

// Returns once now_ns() >= moment: sleeps (absolute, so that a signal or a late wake-up does not add up), at once if it
// has passed already.
void sleep_until_ns(int64_t moment);

// CPU time of the calling thread, ns.
int64_t thread_cpu_ns();

// How often the system took the core from the calling thread to give it to another, so far. A system call.
int64_t preemptions();

// The calendar's time in UTC, for records: "2026-11-21T08:00:00Z".
std::string utc_now();

}  // namespace limber
