// SPDX-License-Identifier: Apache-2.0
#include "network/ops.h"

#include <cstdlib>

#include "base/error.h"

namespace limber {

#if defined(__x86_64__)
namespace avx512 {
const Ops& ops();
}
namespace avx2 {
const Ops& ops();
}
namespace sse4 {
const Ops& ops();
}
#elif defined(__aarch64__)
namespace neon {
const Ops& ops();
}
#endif

namespace {

std::vector<const Ops*> attainable() {
  std::vector<const Ops*> found;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    found.push_back(&avx512::ops());
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&avx2::ops());
  if (__builtin_cpu_supports("sse4.1")) found.push_back(&sse4::ops());
#elif defined(__aarch64__)
  found.push_back(&neon::ops());
#endif
  return found;
}

}  // namespace

std::vector<std::string> attainable_isas() {
  std::vector<std::string> names;
  for (const Ops* ops : attainable()) names.emplace_back(ops->isa);
  return names;
}

const Ops& find_ops(const std::string& isa) {
  std::string wanted = isa;
  if (wanted.empty()) {
    const char* forced = std::getenv("LIMBER_FORCE_ISA");
    if (forced != nullptr) wanted = forced;
  }
  const std::vector<const Ops*> found = attainable();
  if (found.empty()) fail(ErrorCode::kUnsupported, "this processor is older than SSE4.1; Limber needs that or NEON");
  if (wanted.empty()) return *found.front();
  std::string legal;
  for (const Ops* ops : found) {
    if (wanted == ops->isa) return *ops;
    legal += (legal.empty() ? "" : ", ") + std::string(ops->isa);
  }
  fail(ErrorCode::kUnsupported, "instruction set '{}' is not available here; legal: {}", wanted, legal);
}

}  // namespace limber
