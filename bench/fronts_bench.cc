// SPDX-License-Identifier: Apache-2.0
// Fronts of several model files on one core: accuracy on test images, as stored in the files, against measured latency;
// and how much faster the first file's front is than each other file's members at the same accuracy.
//   cmake --preset release && cmake --build build/release --target fronts_bench
//   build/release/bench/fronts_bench CORE SIDE SECONDS FIRST.safetensors OTHER.safetensors...
// Images are SIDE x SIDE pixels; members that read another size resize them, and that is part of their time. All
// members of all files are timed in turns, round after round; medians. Times between the first file's members are read
// off the line that joins them.
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

#include "base/cpu_list.h"
#include "base/error.h"
#include "base/statistics.h"
#include "design/search/pareto.h"
#include "formats/model_file.h"
#include "network/session.h"
#include "platform/machine.h"
#include "tool/bench/latency.h"

namespace {

using namespace limber;

struct Candidate {
  std::string file, name;
  std::shared_ptr<const Model> model;
  int member = 0;
  double ms = 0, top1 = 0;
};

std::vector<Candidate> candidates_of(const std::string& path) {
  const std::size_t from = path.find_last_of('/') + 1, to = path.find(".safetensors");
  const std::string file = path.substr(from, to == path.npos ? to : to - from);
  const auto model = Model::build(read_model(path));
  std::vector<Candidate> result;
  for (int m = 0; m < model->members(); ++m) {
    const std::vector<Accuracy>& known = model->member(m).accuracies;
    const auto accuracy =
        std::find_if(known.begin(), known.end(), [](const Accuracy& one) { return one.split == "test"; });
    if (accuracy == known.end())
      fail(ErrorCode::kInvalidArgument, "{}: member '{}' has no accuracy on test images: limber eval --store", path,
           model->member(m).name);
    result.push_back({file, model->member(m).name, model, m, 0, accuracy->top1});
  }
  return result;
}

void measure(std::vector<Candidate>& candidates, int core, int64_t side, double seconds) {
  pin_thread({core});
  std::vector<Session> sessions;
  std::vector<std::vector<float>> answers;
  std::vector<int> all;
  std::vector<uint8_t> pixels;
  for (const Candidate& one : candidates) {
    sessions.emplace_back(one.model).select(one.member);
    sessions.back().expect_images(side, side);
    answers.emplace_back(static_cast<std::size_t>(one.model->outputs(one.member)));
    all.push_back(static_cast<int>(all.size()));
    pixels.resize(static_cast<std::size_t>(side * side * one.model->input_channels(one.member)), 90);
  }
  const tool::Contender contender{"limber", [&](int i) {
                                    const auto index = static_cast<std::size_t>(i);
                                    sessions[index].infer({1, pixels, {}, side, side}, answers[index]);
                                  }};
  const tool::Comparison times = tool::compare({contender}, all, seconds, false);
  for (std::size_t i = 0; i < candidates.size(); ++i) candidates[i].ms = median(times.hot[0][i].ms.values());
}

std::vector<Objectives> points_of(const std::vector<Candidate>& candidates, const std::string& file) {
  std::vector<Objectives> points;
  for (const Candidate& one : candidates) {
    if (one.file == file) points.push_back({one.ms, one.top1});
  }
  return points;
}

// At the accuracy of each of the other's Pareto points: its time divided by the first front's.
void print_against(const std::vector<Candidate>& candidates, const std::string& first, const std::string& other) {
  const std::vector<Objectives> ours = points_of(candidates, first), theirs = points_of(candidates, other);
  std::vector<double> ratios;
  fmt::print("\n{} / {} at equal accuracy\n", other, first);
  for (const std::size_t i : pareto_front(theirs)) {
    const Objectives& point = theirs[i];
    fmt::print("  {:6.2f} %  {:8.4f} ms", 100 * point.accuracy, point.cost);
    const auto cost = cost_at(ours, point.accuracy);
    if (cost) {
      ratios.push_back(point.cost / *cost);
      fmt::print("  {:8.4f} ms  {:5.2f} x\n", *cost, ratios.back());
    } else {
      const bool below =
          std::all_of(ours.begin(), ours.end(), [&](const Objectives& one) { return one.accuracy > point.accuracy; });
      const double least = std::min_element(ours.begin(), ours.end(), [](const Objectives& a, const Objectives& b) {
                             return a.cost < b.cost;
                           })->cost;
      if (below)
        fmt::print("  every member is more accurate; the fastest takes {:.4f} ms: {:.2f} x\n", least,
                   point.cost / least);
      else
        fmt::print("  no member is as accurate\n");
    }
  }
  if (ratios.empty()) return;
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  fmt::print("  median {:.2f} x, {:.2f} to {:.2f}\n", median(ratios), *least, *most);
}

void run(int count, char** arguments) {
  std::vector<Candidate> candidates;
  std::vector<std::string> files;
  for (int i = 4; i < count; ++i) {
    for (Candidate& one : candidates_of(arguments[i])) {
      if (files.empty() || files.back() != one.file) files.push_back(one.file);
      candidates.push_back(std::move(one));
    }
  }
  const int core = parse_cpu_list(arguments[1]).front();  // fails on what is no number
  measure(candidates, core, std::atoll(arguments[2]), std::atof(arguments[3]));
  fmt::print("{}, core {}, kernels {}, {} x {} pixels\n\n{:<22} {:>10} {:>8} {:>9} {:>9}\n",
             read_machine(core).cpu_model, core, candidates.front().model->isa(), arguments[2], arguments[2], "file",
             "member", "MMAC", "top-1, %", "ms");
  for (const Candidate& one : candidates) {
    fmt::print("{:<22} {:>10} {:>8.3f} {:>9.2f} {:>9.4f}\n", one.file, one.name,
               static_cast<double>(one.model->macs(one.member)) * 1e-6, 100 * one.top1, one.ms);
  }
  for (std::size_t i = 1; i < files.size(); ++i) print_against(candidates, files.front(), files[i]);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 6) {
    fmt::print(stderr, "usage: fronts_bench CORE SIDE SECONDS FIRST.safetensors OTHER.safetensors...\n");
    return 2;
  }
  try {
    run(count, arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "fronts_bench: {}\n", error.what());
    return 1;
  }
}
