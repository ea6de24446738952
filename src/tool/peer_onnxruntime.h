// SPDX-License-Identifier: Apache-2.0
// ONNX Runtime as a peer of `limber bench`: the library is opened at run time from $ONNXRUNTIME_ROOT/lib. Layer: tool;
// built where its C header was found (ONNXRUNTIME_ROOT at configure time).
#pragma once
#include <memory>
#include <span>
#include <string>

namespace limber {

// One model, one intra-op thread, all graph optimisations, no spinning; inputs and outputs are bound once, so run()
// allocates nothing of ours. One thread at a time.
class OnnxRuntimePeer {
 public:
  // model: a serialised ModelProto with one float input and one float output, as export_onnx makes. library: the path
  // of libonnxruntime.so; empty: found below $ONNXRUNTIME_ROOT/lib. Fails with kNotFound (library) or kUnsupported
  // (refused).
  explicit OnnxRuntimePeer(const std::string& model, const std::string& library = "");
  ~OnnxRuntimePeer();
  OnnxRuntimePeer(const OnnxRuntimePeer&) = delete;
  OnnxRuntimePeer& operator=(const OnnxRuntimePeer&) = delete;

  std::span<float> input();         // fill, then run()
  std::span<const float> output();  // of the last run()
  void run();
  const std::string& version() const;  // "1.23.0"

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace limber
