// SPDX-License-Identifier: Apache-2.0
#define LIMBER_VECTOR_BYTES 32
#define LIMBER_NAMESPACE avx2
#define LIMBER_ISA "avx2"
#include "network/ops_kernels.inc"
