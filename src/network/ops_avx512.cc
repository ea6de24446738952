// SPDX-License-Identifier: Apache-2.0
#define LIMBER_VECTOR_BYTES 64
#define LIMBER_NAMESPACE avx512
#define LIMBER_ISA "avx512"
#include "network/ops_kernels.inc"
