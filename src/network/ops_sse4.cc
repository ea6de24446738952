// SPDX-License-Identifier: Apache-2.0
#define LIMBER_VECTOR_BYTES 16
#define LIMBER_NAMESPACE sse4
#define LIMBER_ISA "sse4"
#include "network/ops_kernels.inc"
