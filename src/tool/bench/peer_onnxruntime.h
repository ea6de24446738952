// SPDX-License-Identifier: Apache-2.0
// ONNX Runtime as a peer of `limber bench`: the library is opened at run time. Layer: tool; built where its C
// header was found (ONNXRUNTIME_ROOT at configure time).
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tool/bench/peer_session.h"

namespace limber::tool {

// One model, all graph optimisations, as many intra-op threads as cores; inputs and outputs are bound once, so run()
// allocates nothing of ours. With one core there is no second thread and nothing spins; with several, the further
// threads are bound to the further cores and spin while they wait, as ONNX Runtime does unless told otherwise, but for
// 5 ms at most. One thread at a time.
//
// model: a serialised ModelProto with one float input and one float output, as export_onnx makes. library: the path
// of libonnxruntime.so; empty: found in $ONNXRUNTIME_ROOT/lib, else in lib below what was ONNXRUNTIME_ROOT at
// configure time, else where the system looks. cores: the calling thread is expected on the first. Fails with
// kNotFound (library) or kUnsupported (refused).
std::unique_ptr<PeerSession> make_onnxruntime_peer(const std::string& model, const std::string& library = "",
                                                   const std::vector<int>& cores = {0});

}  // namespace limber::tool
