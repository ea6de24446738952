// SPDX-License-Identifier: Apache-2.0
// Until the vector versions are in, every ISA runs the plain loops.
#include "kernels/simd.h"

#include "kernels/reference.h"

namespace limber::kernels {

const KernelTable& sse4_table() { return reference_table(); }
const KernelTable& avx2_table() { return reference_table(); }
const KernelTable& avx512_table() { return reference_table(); }
const KernelTable& neon_table() { return reference_table(); }

}  // namespace limber::kernels
