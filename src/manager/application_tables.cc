// SPDX-License-Identifier: Apache-2.0
#include "manager/application_tables.h"

#include <algorithm>

#include "base/error.h"
#include "manager/smoothing.h"

namespace limber {

std::vector<std::vector<double>> core_watts(const std::vector<ManagedProcessor>& processors,
                                            const ManagedApplication& application) {
  std::vector<std::vector<double>> result;
  for (std::size_t p = 0; p < processors.size(); ++p) {
    std::vector<double> watts(processors[p].khz.size(), 0);
    int count = 0;
    for (const ManagedOption& option : application.options) {
      if (option.processor != p) continue;
      for (std::size_t i = 0; i < watts.size(); ++i) watts[i] += option.busy_w[i] / option.cores;
      ++count;
    }
    for (double& w : watts) w = count > 0 ? w / count : 0;
    result.push_back(std::move(watts));
  }
  return result;
}

void smooth_tables(const std::vector<ManagedProcessor>& processors, ManagedApplication* application) {
  std::vector<std::vector<double>> watts = core_watts(processors, *application);
  for (std::size_t p = 0; p < watts.size(); ++p) watts[p] = smooth_watts(processors[p].khz, watts[p]);
  for (ManagedOption& option : application->options) {
    option.ms = smooth_times(processors[option.processor].khz, option.ms);
    for (std::size_t i = 0; i < option.busy_w.size(); ++i) option.busy_w[i] = watts[option.processor][i] * option.cores;
  }
}

std::vector<PolicyMember> members_at_highest(const ManagedApplication& application,
                                             const std::vector<ManagedProcessor>& processors,
                                             const std::string& processor, int threads) {
  std::vector<PolicyMember> members;
  for (const ManagedMember& member : application.members) members.push_back({member.name, 0, member.accuracy});
  for (const ManagedOption& option : application.options) {
    const ManagedProcessor& there = processors.at(option.processor);
    if (processor.empty() ? !there.cpu : there.name != processor) continue;
    if (option.cores != (there.cpu ? std::min(threads, there.cores) : 1)) continue;
    double& ms = members[static_cast<std::size_t>(option.member)].image_ms;
    ms = ms > 0 ? std::min(ms, option.ms.back()) : option.ms.back();
  }
  for (const PolicyMember& member : members) {
    if (member.image_ms <= 0)
      fail(ErrorCode::kInvalidArgument,
           "application '{}': no times of member '{}' with {} threads on {}; legal: a processor that runs networks",
           application.name, member.name, threads, processor.empty() ? "a CPU" : processor);
  }
  return members;
}

}  // namespace limber
