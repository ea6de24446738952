// SPDX-License-Identifier: Apache-2.0
// What the resource manager itself costs: every call of one simulated minute (frames begin, wait, end; monitors every
// 100 ms), on an Odroid XU3, as a share of the time it manages.
//   cmake --preset release && cmake --build build/release --target manager_bench
//   taskset -c 0 build/release/bench/manager_bench --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
// One scenario second is so many microseconds of decisions: us_per_second; share_percent is the same by that second.
#include <benchmark/benchmark.h>

#include <chrono>

#include "formats/shipped_file.h"
#include "manager/resource_manager.h"
#include "tool/simulate/policies.h"

namespace {

using namespace limber;
using namespace limber::tool;
using Clock = std::chrono::steady_clock;

// Hands every call on and counts the time it takes.
class Timed : public SystemPolicy {
 public:
  Timed(std::unique_ptr<SystemPolicy> inner, Clock::duration* spent) : inner_(std::move(inner)), spent_(spent) {}
  void add(int id, const ManagedApplication& application, double now_ms) override {
    timed([&] { inner_->add(id, application, now_ms); });
  }
  void remove(int id, double now_ms) override {
    timed([&] { inner_->remove(id, now_ms); });
  }
  void retarget(int id, const Target& target, double now_ms) override {
    timed([&] { inner_->retarget(id, target, now_ms); });
  }
  FrameOrder frame_begins(int id, const FrameStart& start) override {
    FrameOrder order;
    timed([&] { order = inner_->frame_begins(id, start); });
    return order;
  }
  void frame_waits(int id, double now_ms, const std::vector<double>& waiting_ms) override {
    timed([&] { inner_->frame_waits(id, now_ms, waiting_ms); });
  }
  void frame_checked(int id, double now_ms) override {
    timed([&] { inner_->frame_checked(id, now_ms); });
  }
  void frame_ends(int id, const FrameEnd& end) override {
    timed([&] { inner_->frame_ends(id, end); });
  }
  void look(const SystemView& view) override {
    timed([&] { inner_->look(view); });
  }
  const std::vector<ClockOrder>& clocks() const override { return inner_->clocks(); }

 private:
  template <typename What>
  void timed(What what) {
    const auto begin = Clock::now();
    what();
    *spent_ += Clock::now() - begin;
  }
  std::unique_ptr<SystemPolicy> inner_;
  Clock::duration* spent_;
};

Application application(const char* name, const char* model, double work_ms, double period_ms) {
  Application result;
  result.name = name;
  result.model = model;
  result.work_ms = work_ms;
  result.work_noise = 0.05;
  result.arrivals.period_ms = period_ms;
  result.floor = FloorKind::kMinusOne;
  return result;
}

void minute(benchmark::State& state, std::size_t applications) {
  Scenario scenario;
  scenario.board = "odroid-xu3";
  scenario.duration_s = 60;
  scenario.profile_error = 0.1;
  const Application all[] = {application("camera", "models/cifar10-incremental.safetensors", 20, 33.3),
                             application("inspection", "models/cifar10-ofa.safetensors", 60, 100),
                             application("voice", "models/cifar10-incremental.safetensors", 5, 20)};
  for (std::size_t a = 0; a < applications; ++a) scenario.applications.push_back(all[a]);
  const Board board = read_board(find_shipped_file("boards", scenario.board));
  std::vector<Workload> workloads;
  for (const Application& one : scenario.applications) workloads.push_back(read_workload(one));
  const NamedPolicy policy = parse_policy("limber");
  double us = 0;
  for ([[maybe_unused]] auto _ : state) {
    Clock::duration spent{};
    const MakePolicy make = [&](std::vector<ManagedProcessor> processors) {
      return std::make_unique<Timed>(policy.make(std::move(processors)), &spent);
    };
    const Played played =
        play(scenario, board, workloads, knowledge_of(scenario, policy, 1), make, options_of(policy, 1));
    benchmark::DoNotOptimize(played.energy_mj);
    us = std::chrono::duration<double, std::micro>(spent).count() / scenario.duration_s;
  }
  state.counters["us_per_second"] = us;
  state.counters["share_percent"] = us * 1e-4;
}

}  // namespace

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  for (const std::size_t applications : {1, 2, 3})
    benchmark::RegisterBenchmark(
        ("minute, applications: " + std::string(1, static_cast<char>('0' + applications))).c_str(),
        [applications](benchmark::State& state) { minute(state, applications); })
        ->Unit(benchmark::kMillisecond);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
