// SPDX-License-Identifier: Apache-2.0
#define LIMBER_VECTOR_BYTES 16
#define LIMBER_NAMESPACE neon
#define LIMBER_ISA "neon"
#include "network/ops_kernels.inc"
