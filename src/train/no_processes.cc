// SPDX-License-Identifier: Apache-2.0
// Instead of processes.cc where Gloo's headers are missing: libtorch as pytorch.org ships it has none.
#include "train/processes.h"

namespace limber::train {

struct Processes::Group {};

Processes::Processes(int64_t size, int64_t rank, const std::string&, const std::string&, double)
    : size_(size), rank_(rank) {
  fail(ErrorCode::kUnsupported,
       "this Limber trains in one process: Gloo's headers (Debian: libgloo-dev) were missing when it was built");
}

Processes::~Processes() = default;

bool Processes::any(bool mine) {
  return mine;
}

void Processes::from_first(torch::Tensor&) {}

void Processes::average(std::vector<Leaf>&, double&) {}

}  // namespace limber::train
