// SPDX-License-Identifier: Apache-2.0
// Where OpenMP's threads run, for peers that compute with them. Layer: tool; an optional component (OpenMP).
#pragma once
#include <omp.h>

#include <exception>
#include <vector>

#include "platform/machine.h"

namespace limber::tool {

// The calling thread's parallel regions have one thread on each of `cores` from now on, itself on the first. A runtime
// that leaves threads where the system puts them can have two on one core, both waiting for each other.
inline void place_openmp_threads(const std::vector<int>& cores) {
  const int count = static_cast<int>(cores.size());
  omp_set_num_threads(count);
  std::exception_ptr problem;
#pragma omp parallel num_threads(count)
  try {
    pin_thread({cores[static_cast<std::size_t>(omp_get_thread_num())]});
  } catch (...) {
#pragma omp critical
    problem = std::current_exception();
  }
  if (problem) std::rethrow_exception(problem);
}

}  // namespace limber::tool
