// SPDX-License-Identifier: Apache-2.0
// What one core can do at most. Layer: kernels.
#pragma once
#include "kernels/kernels.h"

namespace limber::kernels {

// GFLOP/s of multiply-adds on registers (a multiply-add counts two), the best of short rounds within `milliseconds`, on
// the calling thread and its core. A vector ISA's first millisecond may run at another clock; several rounds see past
// it.
double peak_gflops(Isa isa, double milliseconds = 30);

}  // namespace limber::kernels
