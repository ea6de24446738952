// SPDX-License-Identifier: Apache-2.0
// What a reader took for legal must be computable, too.
#pragma once
#include "network/network.h"

constexpr int64_t kSmallMacs = 1 << 18;  // instrumented reference kernels: some 10 ms

// Builds the network, and infers with every member that is small enough; members may want images of another size than
// the largest. Other errors are thrown on.
void build_and_run(limber::Network network);
