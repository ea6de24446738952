// SPDX-License-Identifier: Apache-2.0
#include "tool/run/timing.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <random>

#include "base/error.h"
#include "base/statistics.h"
#include "manager/profile.h"
#include "network/session.h"
#include "platform/clock.h"

namespace limber::tool {

namespace {

constexpr double kBatchMs = 1, kMemberMs = 40;  // of a measured batch, and of all batches of a member
constexpr int kRounds = 9;

}  // namespace

std::vector<PolicyMember> time_members(const std::shared_ptr<const Model>& model) {
  Session session(model);
  std::mt19937 random(1);
  std::vector<uint8_t> pixels;
  std::vector<float> answers;
  // CPU time of `images` answers of the active member, ms.
  const auto run = [&](int member, int64_t images) {
    const int64_t size =
        model->input_height(member) * model->input_width(member) * model->input_channels(member) * images;
    while (static_cast<int64_t>(pixels.size()) < size) pixels.push_back(static_cast<uint8_t>(random()));
    answers.resize(static_cast<std::size_t>(images * model->outputs(member)));
    session.select(member);
    const int64_t start = thread_cpu_ns();
    session.infer({images, std::span(pixels).first(static_cast<std::size_t>(size)), {}}, answers);
    return static_cast<double>(thread_cpu_ns() - start) / 1e6;
  };
  const int members = model->members();
  std::vector<int64_t> batch(static_cast<std::size_t>(members));
  std::vector<std::vector<double>> times(static_cast<std::size_t>(members));
  for (int m = 0; m < members; ++m) {
    run(m, 1);
    const double once = std::min({run(m, 1), run(m, 1), run(m, 1)});
    batch[static_cast<std::size_t>(m)] = std::clamp<int64_t>(std::llround(kBatchMs / std::max(once, 1e-4)), 1, 1000);
  }
  for (int round = 0; round < kRounds; ++round) {
    for (int m = 0; m < members; ++m) {
      const auto at = static_cast<std::size_t>(m);
      for (double spent = 0; spent < kMemberMs / kRounds;) {
        const double took = run(m, batch[at]);
        spent += std::max(took, 1e-3);
        if (round > 0) times[at].push_back(took / static_cast<double>(batch[at]));
      }
    }
  }
  std::vector<PolicyMember> profile;
  for (int m = 0; m < members; ++m)
    profile.push_back({model->member(m).name, median(times[static_cast<std::size_t>(m)])});
  return profile;
}

std::vector<PolicyMember> read_members(const std::string& path, const Model& model,
                                       const std::function<void(const std::string&)>& warn) {
  const Profile profile = read_profile(path);
  for (const std::string& warning : check_profile(profile, model, path)) warn(warning);
  return policy_members(profile, model, 1, 1);
}

int64_t burst_size(const std::string& asked, double work_ms, double image_ms, int64_t most) {
  if (asked == "auto") return std::clamp<int64_t>(std::llround(work_ms / image_ms), 1, most);
  int64_t burst = 0;
  const char* const end = asked.data() + asked.size();
  const auto [stopped, error] = std::from_chars(asked.data(), end, burst);
  if (error != std::errc() || stopped != end || burst < 1 || burst > most)
    fail(ErrorCode::kInvalidArgument, "--burst {}: legal are auto and 1..{}", asked, most);
  return burst;
}

}  // namespace limber::tool
