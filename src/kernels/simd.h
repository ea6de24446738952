// SPDX-License-Identifier: Apache-2.0
// The tables of the vector ISAs. Each is compiled in translation units of its own, without Highway in any header;
// calling one whose ISA the machine lacks is a bug (see attainable_isas). Layer: kernels.
#pragma once
#include "kernels/kernels.h"

namespace limber::kernels {

const KernelTable& sse4_table();
const KernelTable& avx2_table();
const KernelTable& avx512_table();
const KernelTable& neon_table();

}  // namespace limber::kernels
