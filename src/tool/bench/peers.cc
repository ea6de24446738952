// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/peers.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "base/error.h"
#include "base/statistics.h"
#include "platform/clock.h"
#include "tool/bench/peer_session.h"
#if defined(LIMBER_PEER_ONNXRUNTIME)
#include "formats/onnx_export.h"
#include "tool/bench/peer_onnxruntime.h"
#endif
#if defined(LIMBER_PEER_ONEDNN)
#include "tool/bench/onednn_program.h"
#include "tool/bench/peer_onednn.h"
#endif

#if defined(LIMBER_PEER_TORCH)
#include "tool/bench/peer_torch.h"
#endif

namespace limber::tool {
namespace {

constexpr int kTrials = 15;
constexpr double kTolerance = 1e-3;  // of the largest answer

// A way to give a peer a member's graph. All answer the same; the one that runs faster here is the peer's best foot.
struct Form {
  std::string name;
  std::unique_ptr<PeerSession> session;
  double difference = 0;  // to Limber's answer, in parts of its largest value
};

std::vector<Form> onnxruntime([[maybe_unused]] const Subject& subject, [[maybe_unused]] const Member& member) {
#if defined(LIMBER_PEER_ONNXRUNTIME)
  std::vector<Form> forms;
  for (const auto& [name, form] : {std::pair{"merged", OnnxForm::kMerged}, std::pair{"separate", OnnxForm::kSeparate}})
    forms.push_back(
        {name, make_onnxruntime_peer(export_onnx(subject.model().network(), member.name, form), "", subject.cores())});
  return forms;
#else
  fail(ErrorCode::kUnsupported,
       "not built in: configure with -DLIMBER_ONNX=ON (libonnx-dev) and -DONNXRUNTIME_ROOT=DIR (onnxruntime_c_api.h)");
#endif
}

std::vector<Form> onednn([[maybe_unused]] const Subject& subject, [[maybe_unused]] const Member& member) {
#if defined(LIMBER_PEER_ONEDNN)
  std::vector<Form> forms;
  for (const auto& [name, layout] :
       {std::pair{"blocks of 16", OneDnnLayout::kBlocked16}, std::pair{"any layout", OneDnnLayout::kAny}})
    forms.push_back({name, make_onednn_peer(subject.model().network(), member, layout, subject.cores())});
  return forms;
#else
  fail(ErrorCode::kUnsupported, "not built in: install libdnnl-dev before Limber is configured");
#endif
}

std::vector<Form> torch([[maybe_unused]] const Subject& subject, [[maybe_unused]] const Member& member) {
#if defined(LIMBER_PEER_TORCH)
  std::vector<Form> forms;
  for (const auto& [name, form] :
       {std::pair{"optimised for inference", TorchForm::kOptimised}, std::pair{"channels last", TorchForm::kFrozen}})
    forms.push_back({name, make_torch_peer(subject.model().network(), member, form, subject.cores())});
  return forms;
#else
  fail(ErrorCode::kUnsupported, "not built in: configure with -DLIMBER_TRAIN=ON (libtorch-dev)");
#endif
}

struct Runtime {
  const char* name;
  std::vector<Form> (*forms)(const Subject&, const Member&);
};
constexpr Runtime kRuntimes[] = {{"onnxruntime", onnxruntime}, {"onednn", onednn}, {"torch", torch}};

Form& fastest(std::vector<Form>& forms, std::span<const float> input) {
  std::vector<std::vector<double>> ns(forms.size());
  for (const Form& form : forms) std::ranges::copy(input, form.session->input().begin());
  for (int trial = -1; trial < kTrials; ++trial) {
    for (std::size_t i = 0; i < forms.size(); ++i) {
      const int64_t start = now_ns();
      forms[i].session->run();
      if (trial >= 0) ns[i].push_back(static_cast<double>(now_ns() - start));
    }
  }
  std::size_t best = 0;
  for (std::size_t i = 1; i < forms.size(); ++i) {
    if (median(ns[i]) < median(ns[best])) best = i;
  }
  return forms[best];
}

// Of the peer's answer, in parts of the largest value that Limber answered.
double largest_difference(std::span<const float> own, std::span<const float> peer) {
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < own.size(); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(own[i]) - static_cast<double>(peer[i])));
    largest = std::max(largest, std::abs(static_cast<double>(own[i])));
  }
  return difference / largest;  // not a number where every answer is zero: refused
}

// The forms that answer what Limber answers; the others are of no use to anybody, and named in `wrong`. Fails when none
// is left: times of different work are not compared.
std::vector<Form> right_ones(std::vector<Form> forms, Subject& subject, int index, const Runtime& runtime,
                             std::set<std::string>* wrong) {
  subject.run(index);
  double least = HUGE_VAL;
  std::erase_if(forms, [&](Form& form) {
    std::ranges::copy(subject.input(index), form.session->input().begin());
    form.session->run();
    form.difference = largest_difference(subject.answers(), form.session->output());
    if (form.difference <= kTolerance) return false;
    least = std::min(least, form.difference);
    wrong->insert(form.name);
    return true;
  });
  if (forms.empty()) {
    fail(ErrorCode::kInternal,
         "member '{}': the answer of {} differs by {} of the largest value; times of it would mean nothing",
         subject.model().member(index).name, runtime.name, least);
  }
  return forms;
}

Peer make_peer(const Runtime& runtime, Subject& subject, const std::vector<int>& members) {
  Peer peer;
  std::set<std::string> wrong;
  peer.contender.name = runtime.name;
  const auto of_member =
      std::make_shared<std::vector<std::unique_ptr<PeerSession>>>(static_cast<std::size_t>(subject.model().members()));
  for (const int index : members) {
    const Member& member = subject.model().member(index);
    std::vector<Form> forms = right_ones(runtime.forms(subject, member), subject, index, runtime, &wrong);
    Form& form = fastest(forms, subject.input(index));
    peer.forms.push_back(form.name);
    peer.difference.push_back(form.difference);
    peer.version = form.session->version();
    peer.settings = form.session->settings();
    (*of_member)[static_cast<std::size_t>(index)] = std::move(form.session);
  }
  for (const std::string& name : wrong) peer.settings += fmt::format("; wrong answers, left out: {}", name);
  peer.contender.run = [of_member](int member) { (*of_member)[static_cast<std::size_t>(member)]->run(); };
  return peer;
}

}  // namespace

Peers find_peers(const std::vector<std::string>& names, Subject& subject, const std::vector<int>& members) {
  Peers peers;
  for (const std::string& name : names) {
    const auto runtime = std::ranges::find_if(kRuntimes, [&](const Runtime& one) { return one.name == name; });
    if (runtime == std::end(kRuntimes))
      fail(ErrorCode::kInvalidArgument, "--peers {}: legal are {} and none", name, fmt::join(kPeerNames, ", "));
    try {
      peers.found.push_back(make_peer(*runtime, subject, members));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound && error.code() != ErrorCode::kUnsupported) throw;
      peers.missing[name] = error.what();
    }
  }
  return peers;
}

}  // namespace limber::tool
