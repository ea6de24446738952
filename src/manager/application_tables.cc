// SPDX-License-Identifier: Apache-2.0
#include "manager/application_tables.h"

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

}  // namespace limber
