// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/simulated_board.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "platform/simulated/simulation.h"

namespace limber {
namespace {

double weight_of(int nice) {
  return 1024 / std::pow(1.25, nice);
}

}  // namespace

SimulatedBoard::SimulatedBoard(Board board, const SimulationSettings& settings)
    : board_(std::move(board)), impl_(std::make_unique<Impl>(board_, settings)) {}
SimulatedBoard::~SimulatedBoard() = default;

double SimulatedBoard::now_ms() const {
  return impl_->now;
}
void SimulatedBoard::run_until(double ms) {
  impl_->run_until(ms);
}
void SimulatedBoard::at(double ms, Callback what) {
  impl_->schedule(ms, std::move(what));
}

int SimulatedBoard::add_thread(const ThreadSettings& settings) {
  Impl::Thread thread;
  thread.settings = settings;
  thread.weight = weight_of(settings.nice);
  thread.pelt = Pelt(impl_->settings.half_life_ms);
  thread.pelt.set(settings.util);
  thread.slept_at = impl_->now;
  impl_->find_allowed(&thread);
  if (thread.allowed.empty())
    fail(ErrorCode::kInvalidArgument, "{}: thread '{}' may run nowhere: no such processor or CPU", board_.name,
         settings.name);
  impl_->threads.push_back(std::move(thread));
  return static_cast<int>(impl_->threads.size()) - 1;
}

void SimulatedBoard::start(int thread, const ThreadWork& work, Callback done) {
  impl_->start(thread, work, std::move(done));
}
void SimulatedBoard::stop(int thread) {
  if (!impl_->at(thread).working) return;
  impl_->sleep(thread);
  impl_->at(thread).done = nullptr;
}
bool SimulatedBoard::working(int thread) const {
  return impl_->at(thread).working;
}
double SimulatedBoard::left(int thread) const {
  const Impl::Thread& t = impl_->at(thread);
  const double all = t.all.compute_ms + t.all.memory_ms;
  return !t.working || all <= 0 ? 0 : (t.left.compute_ms + t.left.memory_ms) / all;
}

void SimulatedBoard::set_cpus(int thread, std::vector<int> cpus) {
  Impl::Thread& t = impl_->at(thread);
  std::swap(t.settings.cpus, cpus);
  impl_->find_allowed(&t);
  if (t.allowed.empty()) {
    std::swap(t.settings.cpus, cpus);
    impl_->find_allowed(&t);
    fail(ErrorCode::kInvalidArgument, "{}: thread '{}' would run nowhere: no such CPU", board_.name, t.settings.name);
  }
  if (t.working && std::find(t.allowed.begin(), t.allowed.end(), t.core) == t.allowed.end())
    impl_->move(thread, impl_->place(t));
}
void SimulatedBoard::set_clamps(int thread, double clamp_min, double clamp_max) {
  Impl::Thread& t = impl_->at(thread);
  t.settings.clamp_min = clamp_min;
  t.settings.clamp_max = clamp_max;
  if (t.working) impl_->ask(impl_->cores[t.core].processor, false);
}
void SimulatedBoard::set_activity(int thread, double activity) {
  impl_->at(thread).settings.activity = activity;
  impl_->find_watts();
}
int SimulatedBoard::cpu_of(int thread) const {
  return impl_->cores[impl_->at(thread).core].cpu;
}

void SimulatedBoard::set_governor(std::size_t processor, const std::string& name) {
  impl_->set_governor(processor, name);
}
void SimulatedBoard::set_limits(std::size_t processor, int64_t least_khz, int64_t most_khz) {
  Impl::Rail& rail = impl_->rails.at(processor);
  const Processor& p = board_.processors[processor];
  rail.lowest = p.at_least(static_cast<double>(least_khz));
  rail.highest = p.at_least(static_cast<double>(most_khz));
  if (rail.highest > 0 && p.opps[rail.highest].khz > most_khz) --rail.highest;
  rail.highest = std::max(rail.highest, rail.lowest);
  impl_->ask(processor, true);
}
void SimulatedBoard::set_frequency(std::size_t processor, int64_t khz) {
  impl_->rails.at(processor).requested_khz = static_cast<double>(khz);
  impl_->ask(processor, true);
}
void SimulatedBoard::set_online(std::size_t processor, bool online) {
  impl_->set_online(processor, online);
}

void SimulatedBoard::set_cap(double celsius) {
  impl_->cap_c = celsius;
}

std::size_t SimulatedBoard::opp(std::size_t processor) const {
  return impl_->rails.at(processor).opp;
}
double SimulatedBoard::celsius() const {
  return impl_->celsius;
}
double SimulatedBoard::energy_mj(std::size_t processor) const {
  return impl_->rails.at(processor).energy_mj;
}
double SimulatedBoard::energy_mj() const {
  double sum = impl_->rest_mj;
  for (const Impl::Rail& rail : impl_->rails) sum += rail.energy_mj;
  return sum;
}
double SimulatedBoard::busy_ms(std::size_t processor) const {
  double sum = 0;
  for (const std::size_t c : impl_->rails.at(processor).cores) sum += impl_->cores[c].busy_ms;
  return sum;
}
double SimulatedBoard::foreign_ms(std::size_t processor, std::size_t core) const {
  return impl_->cores[impl_->rails.at(processor).cores.at(core)].foreign_ms;
}
double SimulatedBoard::foreign_work_ms() const {
  return impl_->foreign_work_ms;
}
double SimulatedBoard::util(int cpu) const {
  for (std::size_t c = 0; c < impl_->cores.size(); ++c) {
    if (impl_->cores[c].cpu == cpu) return impl_->core_util(c);
  }
  fail(ErrorCode::kInvalidArgument, "{}: no CPU {}", board_.name, cpu);
}
double SimulatedBoard::sensor_mw(std::size_t sensor) const {
  return impl_->meters.at(sensor).mw;
}
int SimulatedBoard::throttled(std::size_t processor) const {
  return impl_->steps_of(processor);
}

}  // namespace limber
