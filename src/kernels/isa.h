// SPDX-License-Identifier: Apache-2.0
// Instruction sets: names, what this machine attains, which one is used. Layer: kernels.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace limber::kernels {

// kReference: plain loops, the oracle of the tests; a legal choice everywhere, slow.
enum class Isa { kReference, kSse4, kAvx2, kAvx512, kNeon };

const char* isa_name(Isa isa);  // "reference", "sse4", "avx2", "avx512", "neon"

// The ISAs this build and this machine can run, slowest first; the first is always kReference.
const std::vector<Isa>& attainable_isas();

// The attainable ISA of that name; "" is the choice of best_isa(). Fails listing the legal names.
Isa find_isa(std::string_view name);

// What LIMBER_FORCE_ISA names if it is set and not empty (fails like find_isa), else the fastest attainable one.
Isa best_isa();

}  // namespace limber::kernels
