// SPDX-License-Identifier: Apache-2.0
#include "tool/run/tally.h"

#include <algorithm>
#include <numeric>

namespace limber::tool {

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void Tally::add(const FrameResult& frame) {
  ++frames[frame.loaded];
  met[frame.loaded] += frame.met;
  skipped += frame.skipped;
  images += static_cast<int64_t>(frame.images.size());
  answered += frame.answered();
  right_answered += frame.right();
  if (frame.met) right_in_time += frame.right();
  if (!frame.skipped) latencies.push_back(frame.latency_ms());
  for (const ImageResult& image : frame.images) {
    if (image.member < 0) continue;
    ++by_member[static_cast<std::size_t>(image.member)];
    confidence += static_cast<double>(image.confidence);
  }
  if (!frame.reasons.empty()) last_reason = frame.reasons.back();
}

double Tally::mean_ms() const {
  if (latencies.empty()) return 0;
  return std::accumulate(latencies.begin(), latencies.end(), 0.0) / static_cast<double>(latencies.size());
}

double Tally::p99_ms() const {
  if (latencies.empty()) return 0;
  std::vector<double> values = latencies;
  const auto at = values.begin() + static_cast<long>((values.size() - 1) * 99 / 100);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double Tally::mean_confidence() const {
  return answered == 0 ? 0 : confidence / static_cast<double>(answered);
}
double Tally::top1_in_time() const {
  return share(right_in_time, images);
}
double Tally::top1_answered() const {
  return share(right_answered, answered);
}

int best_static(const std::vector<Tally>& tallies, const RunContext& context) {
  int best = -1;
  if (!context.labelled) return best;
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    if (!tallies[i].policy.starts_with("static:") || tallies[i].images == 0) continue;
    if (best < 0 || tallies[i].top1_in_time() > tallies[static_cast<std::size_t>(best)].top1_in_time())
      best = static_cast<int>(i);
  }
  return best;
}

}  // namespace limber::tool
