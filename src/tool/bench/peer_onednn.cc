// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/peer_onednn.h"

#include <fmt/core.h>

#include "base/error.h"
#include "tool/bench/onednn_program.h"
#include "tool/bench/openmp_threads.h"

namespace limber::tool {
namespace {

std::size_t values(const dnnl::memory& memory) {
  return memory.get_desc().get_size() / sizeof(float);
}

class OneDnnPeer : public PeerSession {
 public:
  OneDnnPeer(const Network& network, const Member& member, OneDnnLayout layout, const std::vector<int>& cores)
      : threads_(cores.size()) {
    const dnnl_version_t* version = dnnl_version();
    version_ = fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
    settings_ = fmt::format("{} OpenMP thread{}, fused post-operations, weights reordered once", cores.size(),
                            cores.size() > 1 ? "s" : "");
    place_openmp_threads(cores);
    program_ = build_onednn(network, member, layout);
    OneDnnPeer::run();
  }

  std::span<float> input() override {
    return {static_cast<float*>(program_.input.get_data_handle()), values(program_.input)};
  }
  std::span<const float> output() override {
    return {static_cast<const float*>(program_.output.get_data_handle()), values(program_.output)};
  }
  void run() override {
    omp_set_num_threads(static_cast<int>(threads_));  // of this thread's parallel regions; costs nothing
    try {
      for (const OneDnnProgram::Call& call : program_.calls) call.primitive.execute(program_.stream, call.arguments);
      program_.stream.wait();
    } catch (const dnnl::error& error) {
      fail(ErrorCode::kUnsupported, "oneDNN {}: {}", version_, error.what());
    }
  }
  const std::string& version() const override { return version_; }
  const std::string& settings() const override { return settings_; }

 private:
  OneDnnProgram program_;
  std::size_t threads_;
  std::string version_, settings_;
};

}  // namespace

std::unique_ptr<PeerSession> make_onednn_peer(const Network& network, const Member& member, OneDnnLayout layout,
                                              const std::vector<int>& cores) {
  return std::make_unique<OneDnnPeer>(network, member, layout, cores);
}

}  // namespace limber::tool
