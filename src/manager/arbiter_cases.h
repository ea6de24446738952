// SPDX-License-Identifier: Apache-2.0
// Random problems for the arbiter, for tests and bench/. Layer: manager.
//
// Tables as processors have them: a higher point is faster and takes more power, a larger member is slower and more
// accurate.
#pragma once
#include <random>

#include "manager/arbiter.h"

namespace limber {

struct ArbiterCase {
  struct Processor {
    int cores = 1, points = 1;
    std::vector<int> threads{1};  // options run on so many cores
    double speed = 1;             // of a core, at the highest point
  };
  std::vector<Processor> processors;
  int applications = 1, members = 1;
  double work = 1;        // how much there is to do
  bool parked = false;    // some processors' clocks rest between frames
  bool accuracy = false;  // some applications prefer it
  bool energy = false;    // some have a cap
  bool missing = false;   // some processors are not available
};

inline ArbiterProblem random_arbiter_problem(const ArbiterCase& what, std::mt19937* random) {
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(*random);
  };
  ArbiterProblem problem;
  for (const ArbiterCase::Processor& one : what.processors) {
    ArbiterProcessor processor;
    processor.cores = one.cores;
    for (int i = 0; i < one.points; ++i) processor.idle_w.push_back(0.05 + 0.2 * one.speed * (i + 1.0) / one.points);
    if (what.parked && uniform(0, 1) < 0.6) processor.parked_w = uniform(0, processor.idle_w[0]);
    if (what.missing) processor.available = uniform(0, 1) < 0.75;
    problem.processors.push_back(processor);
  }
  for (int a = 0; a < what.applications; ++a) {
    ArbiterApplication application;
    application.deadline_ms = uniform(15, 100);
    application.rate_hz = 1000 / application.deadline_ms * uniform(0.3, 1);
    application.weight = uniform(0.5, 3);
    application.floor = uniform(0, 1) < 0.5 ? 0 : uniform(0.8, 0.9);
    if (what.accuracy) application.prefer_accuracy = uniform(0, 1) < 0.5;
    const double work = what.work * uniform(5, 60);
    if (what.energy && uniform(0, 1) < 0.5) application.energy_mj = work * uniform(0.1, 1.5);
    for (int m = 0; m < what.members; ++m) {
      for (std::size_t p = 0; p < what.processors.size(); ++p) {
        const ArbiterCase::Processor& one = what.processors[p];
        for (const int cores : one.threads) {
          ArbiterOption option;
          option.member = m;
          option.processor = p;
          option.cores = cores;
          option.accuracy = 0.8 + 0.1 * (m + 1) / what.members;
          for (int i = 0; i < one.points; ++i) {
            const double clock = (i + 1.0) / one.points;
            const double ms = work * (m + 1) / what.members / (one.speed * clock) / (0.1 + 0.9 * cores);
            option.mean_ms.push_back(ms);
            option.ms.push_back(1.1 * ms);
            option.busy_w.push_back(cores * one.speed * clock * (0.4 + clock * clock));
          }
          application.options.push_back(option);
        }
      }
    }
    problem.applications.push_back(application);
  }
  return problem;
}

}  // namespace limber
