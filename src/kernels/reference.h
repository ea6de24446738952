// SPDX-License-Identifier: Apache-2.0
// Plain loops for every kernel: the tests' oracle, and the table of Isa::kReference. Obeys the contract in kernels.h.
// Layer: kernels.
#pragma once
#include "kernels/kernels.h"

namespace limber::kernels {

const KernelTable& reference_table();

}  // namespace limber::kernels
