// SPDX-License-Identifier: Apache-2.0
// Kernels that every ISA shares because plain loops are fast enough or limited by memory: copy, softmax, attention,
// conversions. Layer: kernels.
#pragma once
#include "kernels/kernels.h"

namespace limber::kernels {

void set_plain_kernels(KernelTable& table);

}  // namespace limber::kernels
