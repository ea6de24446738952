// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/peers.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/statistics.h"
#include "platform/clock.h"
#if defined(LIMBER_PEER_ONNXRUNTIME) && defined(LIMBER_HAS_ONNX)
#include "formats/onnx_export.h"
#include "tool/peer_onnxruntime.h"
#endif

namespace limber::tool {
namespace {

#if defined(LIMBER_PEER_ONNXRUNTIME) && defined(LIMBER_HAS_ONNX)
constexpr int kTrials = 15;
constexpr double kTolerance = 1e-3;

// Both forms answer the same; the one that this peer runs faster here is its best foot.
std::shared_ptr<OnnxRuntimePeer> faster_form(Subject& subject, int member, std::string& form) {
  const Network& network = subject.model().network();
  const std::string& name = subject.model().member(member).name;
  const OnnxForm forms[] = {OnnxForm::kMerged, OnnxForm::kSeparate};
  std::shared_ptr<OnnxRuntimePeer> peers[2];
  std::vector<double> ns[2];
  for (int i = 0; i < 2; ++i) {
    peers[i] = std::make_shared<OnnxRuntimePeer>(export_onnx(network, name, forms[i]), "", subject.cores());
    std::ranges::copy(subject.input(member), peers[i]->input().begin());
  }
  for (int trial = -1; trial < kTrials; ++trial) {
    for (int i = 0; i < 2; ++i) {
      const int64_t start = now_ns();
      peers[i]->run();
      if (trial >= 0) ns[i].push_back(static_cast<double>(now_ns() - start));
    }
  }
  const int best = median(ns[1]) < median(ns[0]) ? 1 : 0;
  form = best == 0 ? "merged" : "separate";
  return peers[best];
}

Peer onnxruntime(Subject& subject, const std::vector<int>& members) {
  Peer peer;
  peer.contender.name = "onnxruntime";
  std::vector<std::shared_ptr<OnnxRuntimePeer>> of_member(static_cast<std::size_t>(subject.model().members()));
  for (const int member : members) {
    std::string form;
    const auto one = faster_form(subject, member, form);
    of_member[static_cast<std::size_t>(member)] = one;
    subject.run(member);
    one->run();
    double difference = 0;
    for (std::size_t i = 0; i < subject.answers().size(); ++i)
      difference = std::max(difference, std::abs(static_cast<double>(subject.answers()[i] - one->output()[i])));
    if (!(difference <= kTolerance)) {
      fail(ErrorCode::kInternal, "member '{}': ONNX Runtime's answer differs by {}; times of it would mean nothing",
           subject.model().member(member).name, difference);
    }
    peer.forms.push_back(std::move(form));
    peer.difference.push_back(difference);
    peer.version = one->version();
    peer.settings = one->settings();
  }
  peer.contender.run = [of_member](int member) { of_member[static_cast<std::size_t>(member)]->run(); };
  return peer;
}
#endif

void add_onnxruntime(Peers& peers, [[maybe_unused]] Subject& subject,
                     [[maybe_unused]] const std::vector<int>& members) {
#if defined(LIMBER_PEER_ONNXRUNTIME) && defined(LIMBER_HAS_ONNX)
  try {
    peers.found.push_back(onnxruntime(subject, members));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound && error.code() != ErrorCode::kUnsupported) throw;
    peers.missing["onnxruntime"] = error.what();
  }
#else
  peers.missing["onnxruntime"] =
      "not built in: configure with -DLIMBER_ONNX=ON (libonnx-dev) and -DONNXRUNTIME_ROOT=DIR (onnxruntime_c_api.h)";
#endif
}

}  // namespace

Peers find_peers(const std::vector<std::string>& names, Subject& subject, const std::vector<int>& members) {
  Peers peers;
  for (const std::string& name : names) {
    if (std::ranges::find(kPeerNames, name) == kPeerNames.end())
      fail(ErrorCode::kInvalidArgument, "--peers {}: legal are {} and none", name, fmt::join(kPeerNames, ", "));
    add_onnxruntime(peers, subject, members);
  }
  return peers;
}

}  // namespace limber::tool
