// SPDX-License-Identifier: Apache-2.0
#include "kernels/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdlib>

#include "base/error.h"
#include "kernels/kernels.h"
#include "kernels/reference.h"
#include "kernels/simd.h"

namespace limber::kernels {
namespace {

#if defined(__x86_64__)
bool has_f16c() {  // clang 14's __builtin_cpu_supports does not know it
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c >> 29 & 1) != 0;
}
#endif

std::vector<Isa> detect() {
  std::vector<Isa> found = {Isa::kReference};
#if defined(__x86_64__)
  // What Highway's SSE4, AVX2 and AVX3 targets are compiled for.
  const bool sse4 =
      __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("aes");
  const bool avx2 = sse4 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && has_f16c();
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  if (sse4) found.push_back(Isa::kSse4);
  if (avx2) found.push_back(Isa::kAvx2);
  if (avx512) found.push_back(Isa::kAvx512);
#elif defined(__aarch64__)
  found.push_back(Isa::kNeon);
#endif
  return found;
}

}  // namespace

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::kReference:
      return "reference";
    case Isa::kSse4:
      return "sse4";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kNeon:
      return "neon";
  }
  return "?";
}

const std::vector<Isa>& attainable_isas() {
  static const std::vector<Isa> isas = detect();
  return isas;
}

Isa find_isa(std::string_view name) {
  if (name.empty()) return best_isa();
  std::string legal;
  for (Isa isa : attainable_isas()) {
    if (name == isa_name(isa)) return isa;
    legal += (legal.empty() ? "" : ", ") + std::string(isa_name(isa));
  }
  fail(ErrorCode::kInvalidArgument, "instruction set '{}' is unknown or not available on this machine; legal: {}", name,
       legal);
}

Isa best_isa() {
  const char* forced = std::getenv("LIMBER_FORCE_ISA");
  return forced && *forced ? find_isa(forced) : attainable_isas().back();
}

const KernelTable& kernels(Isa isa) {
  switch (isa) {
    case Isa::kReference:
      return reference_table();
#if defined(__x86_64__)
    case Isa::kSse4:
      return sse4_table();
    case Isa::kAvx2:
      return avx2_table();
    case Isa::kAvx512:
      return avx512_table();
#elif defined(__aarch64__)
    case Isa::kNeon:
      return neon_table();
#endif
    default:
      break;
  }
  fail(ErrorCode::kUnsupported, "instruction set '{}' is not part of this build", isa_name(isa));
}

}  // namespace limber::kernels
