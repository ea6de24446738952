// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/peer_onednn.h"

#include <fmt/core.h>

#include "base/error.h"
#include "tool/bench/onednn_program.h"
#include "tool/bench/openmp_threads.h"

namespace limber::tool {

struct OneDnnPeer::Impl {
  OneDnnProgram program;
  std::size_t threads = 1;
  std::string version, settings;

  void run() {
    omp_set_num_threads(static_cast<int>(threads));  // of this thread's parallel regions; costs nothing
    try {
      for (const OneDnnProgram::Call& call : program.calls) call.primitive.execute(program.stream, call.arguments);
      program.stream.wait();
    } catch (const dnnl::error& error) {
      fail(ErrorCode::kUnsupported, "oneDNN {}: {}", version, error.what());
    }
  }
};

namespace {

std::size_t values(const dnnl::memory& memory) {
  return memory.get_desc().get_size() / sizeof(float);
}

}  // namespace

OneDnnPeer::OneDnnPeer(const Network& network, const Member& member, OneDnnLayout layout, const std::vector<int>& cores)
    : impl_(std::make_unique<Impl>()) {
  const dnnl_version_t* version = dnnl_version();
  impl_->version = fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
  impl_->threads = cores.size();
  impl_->settings = fmt::format("{} OpenMP thread{}, fused post-operations, weights reordered once", cores.size(),
                                cores.size() > 1 ? "s" : "");
  place_openmp_threads(cores);
  impl_->program = build_onednn(network, member, layout);
  impl_->run();
}

OneDnnPeer::~OneDnnPeer() = default;

std::span<float> OneDnnPeer::input() {
  dnnl::memory& memory = impl_->program.input;
  return {static_cast<float*>(memory.get_data_handle()), values(memory)};
}
std::span<const float> OneDnnPeer::output() {
  dnnl::memory& memory = impl_->program.output;
  return {static_cast<const float*>(memory.get_data_handle()), values(memory)};
}
void OneDnnPeer::run() {
  impl_->run();
}
const std::string& OneDnnPeer::version() const {
  return impl_->version;
}
const std::string& OneDnnPeer::settings() const {
  return impl_->settings;
}

}  // namespace limber::tool
