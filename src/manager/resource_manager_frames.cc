// SPDX-License-Identifier: Apache-2.0
// The fast level: frames.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "manager/resource_manager.h"

namespace limber {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();
constexpr double kOwn = 0.05;  // in shares of a core's time: what a core is worth to whom it was given

}  // namespace

FrameOrder ResourceManager::frame_begins(int id, const FrameStart& start) {
  App& app = apps_.at(id);
  divide_if_due(start.now_ms);
  count_progress(start.now_ms);
  end_frame(&app);  // one that nobody ended
  const FrameNeed need = need_of(app, start);
  for (std::size_t p = 0; p < pool_.size(); ++p) offer(app, p, &offers_[p]);
  const FrameChoice choice = choose_for_frame(app.tables, app.estimate, offers_, need, pool_.power.busy_scale());
  const ManagedOption& option = app.option(choice.option);

  app.running = true;
  app.chosen = choice.option;
  app.point = choice.point;
  app.progress = 0;
  app.work = settings_.oracle ? start.work : 1;
  app.works_from_ms = start.now_ms + pool_.delay_ms(option.processor);
  app.cores = choose_cores(app, option);
  pool_.take(option.processor, app.cores);

  FrameOrder order;
  order.member = option.member;
  order.processor = option.processor;
  order.threads = option.cores;
  // Beside strangers the system's scheduler knows better, moment by moment, which core is free.
  if (pool_.tables(option.processor).cpu && !pool_.foreign(option.processor)) order.cores = app.cores;
  if (choice.boost_ms > 0) order.check_at_ms = start.now_ms + choice.boost_ms;
  if (choice.expected_ms < kUnlimited) order.expected_ms = choice.expected_ms;
  order.reason = reason(app, choice, need);
  set_clocks(start.now_ms);
  return order;
}

// Faster, so that those that wait are in time, too.
void ResourceManager::frame_waits(int id, double now_ms, const std::vector<double>& waiting_ms) {
  App& app = apps_.at(id);
  if (!app.running) return;
  count_progress(now_ms);
  const ManagedOption& option = app.option(app.chosen);
  const double left_ms = left_before(app, now_ms, waiting_ms);
  const double rest = std::max(0.0, app.work * app.estimate.factor(app.chosen) - app.progress);
  const std::size_t highest = pool_.highest(option.processor);
  if (rest * option.ms[highest] > left_ms) return;  // too late for them in any case
  while (app.point < highest && rest * option.ms[app.point] > left_ms) ++app.point;
  set_clocks(now_ms);
}

void ResourceManager::frame_checked(int id, double now_ms) {
  App& app = apps_.at(id);
  if (!app.running) return;
  app.point = pool_.highest(app.option(app.chosen).processor);
  set_clocks(now_ms);
}

void ResourceManager::frame_ends(int id, const FrameEnd& end) {
  App& app = apps_.at(id);
  if (!app.running) return;
  count_progress(end.now_ms);
  if (end.finished && app.progress > 0 && end.done > 0)
    app.estimate.observe(app.chosen, app.progress / (app.work * end.done));
  late_ = late_ || !end.met;
  learn_confidence(&app, app.option(app.chosen).member, end.confidence);
  end_frame(&app);
  set_clocks(end.now_ms);
}

FrameNeed ResourceManager::need_of(const App& app, const FrameStart& start) const {
  const Target& target = app.tables.target;
  FrameNeed need;
  need.hard_ms = start.deadline_ms - start.now_ms;
  need.soft_ms = need.hard_ms - (1 - target.aim) * target.deadline_ms;
  need.soft_ms = std::min(need.soft_ms, left_before(app, start.now_ms, start.waiting_ms));
  need.accuracy = app.floor();
  need.prefer_accuracy = target.prefer_accuracy;
  need.energy_mj = target.energy_mj;
  if (settings_.oracle) {
    need.work = start.work;
    need.deviation = settings_.caution;
  }
  return need;
}

// Until when a frame must be done so that those behind it can be in time, each as fast as is possible; from now on.
double ResourceManager::left_before(const App& app, double now_ms, const std::vector<double>& waiting_ms) const {
  if (waiting_ms.empty()) return kUnlimited;
  double fastest_ms = kUnlimited;
  for (std::size_t o = 0; o < app.tables.options.size(); ++o) {
    const ManagedOption& option = app.option(o);
    if (!pool_.available(option.processor) || app.accuracy(option) < app.floor() - 1e-9) continue;
    const double careful = app.estimate.factor(o) * (1 + app.estimate.deviation(o));
    fastest_ms = std::min(fastest_ms, option.ms[pool_.highest(option.processor)] * careful);
  }
  double left_ms = kUnlimited;
  for (std::size_t i = 0; i < waiting_ms.size(); ++i)
    left_ms = std::min(left_ms, waiting_ms[i] - now_ms - static_cast<double>(i + 1) * fastest_ms);
  return left_ms;
}

void ResourceManager::offer(const App& app, std::size_t p, ProcessorOffer* offer) const {
  const std::size_t planned = app.share.points.empty() ? pool_.highest(p) : app.share.points[p];
  offer->cores = pool_.available(p) ? free_cores(app, p) : 0;
  offer->lowest = 0;
  offer->highest = pool_.highest(p);
  offer->delay_ms = pool_.delay_ms(p);
  offer->longer_is_work = pool_.tables(p).cpu;
  offer->clock_w.assign(pool_.tables(p).khz.size(), 0);
  if (pool_.foreign(p)) {
    // Never below what others need; what is above it costs on their cores, too.
    const std::size_t needed = offer->lowest = std::min(pool_.needed(p), offer->highest);
    for (std::size_t i = needed; i <= offer->highest; ++i)
      offer->clock_w[i] =
          pool_.clock_w(p, needed, i) + pool_.others_sum(p) * (app.core_w[p][i] - app.core_w[p][needed]);
  } else if (!pool_.parks(p)) {
    offer->lowest = std::min(planned, offer->highest);
  } else {
    if (power_cap_w_ < kUnlimited) offer->highest = std::min(planned, offer->highest);
    for (std::size_t i = 0; i < offer->clock_w.size(); ++i) offer->clock_w[i] = pool_.clock_w(p, 0, i);
  }
}

// Its own or nobody's, and idle; where there is none, its own all the same.
bool ResourceManager::usable(const App& app, std::size_t p, int core) const {
  if (!pool_.idle(p, core)) return false;
  return app.owns(p, core) || std::none_of(apps_.begin(), apps_.end(), [&](const auto& other) {
           return other.second.share.exclusive && other.second.owns(p, core);
         });
}

int ResourceManager::free_cores(const App& app, std::size_t p) const {
  int count = 0;
  for (int c = 0; c < pool_.tables(p).cores; ++c) count += usable(app, p, c) ? 1 : 0;
  if (count > 0 || app.share.processor != p) return count;
  return std::max(1, static_cast<int>(app.share.cores.size()));
}

std::vector<int> ResourceManager::choose_cores(const App& app, const ManagedOption& option) const {
  const std::size_t p = option.processor;
  std::vector<int> cores(static_cast<std::size_t>(pool_.tables(p).cores));
  std::iota(cores.begin(), cores.end(), 0);
  const auto cost = [&](int c) {
    return (usable(app, p, c) ? 0 : 10) + pool_.load(p, c) - (app.owns(p, c) ? kOwn : 0);
  };
  std::stable_sort(cores.begin(), cores.end(), [&](int a, int b) { return cost(a) < cost(b); });
  cores.resize(static_cast<std::size_t>(option.cores));
  return cores;
}

void ResourceManager::end_frame(App* app) {
  if (!app->running) return;
  app->running = false;
  pool_.release(app->option(app->chosen).processor, app->cores);
}

// How far running frames should be by now, and what all took, if the tables are right.
void ResourceManager::count_progress(double now_ms) {
  const double seconds = (now_ms - counted_ms_) * 1e-3;
  for (std::size_t p = 0; p < pool_.size(); ++p)
    pool_.power.predict_idle(p, seconds, pool_.tables(p).idle_w[pool_.point(p)]);
  for (auto& [id, app] : apps_) {
    if (!app.running) continue;
    const ManagedOption& option = app.option(app.chosen);
    const std::size_t point = pool_.point(option.processor);
    const double from = std::max(counted_ms_, app.works_from_ms);
    if (now_ms > from) app.progress += (now_ms - from) / option.ms[point];
    pool_.power.predict_busy(option.processor, seconds, option.busy_w[point]);
  }
  counted_ms_ = now_ms;
}

std::string ResourceManager::reason(const App& app, const FrameChoice& choice, const FrameNeed& need) const {
  const ManagedOption& option = app.option(choice.option);
  const ManagedProcessor& processor = pool_.tables(option.processor);
  std::string text = fmt::format("{} on {} x{}", app.tables.members[static_cast<std::size_t>(option.member)].name,
                                 processor.name, option.cores);
  if (processor.khz.size() > 1) text += fmt::format(" at {} MHz", processor.khz[choice.point] / 1000);
  if (choice.expected_ms == kUnlimited) return text + ": no processor is there; best effort";
  text += fmt::format(": {:.1f} of {:.1f} ms", choice.expected_ms, need.hard_ms);
  if (choice.energy_mj > 0) text += fmt::format(", {:.1f} mJ", choice.energy_mj);
  if (!choice.met) text += "; best effort, nothing is surely in time";
  return text;
}

}  // namespace limber
