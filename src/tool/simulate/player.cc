// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/player.h"

#include <algorithm>
#include <deque>
#include <limits>

#include "tool/simulate/board_driver.h"
#include "tool/simulate/strangers.h"

namespace limber::tool {
namespace {

constexpr double kForever = std::numeric_limits<double>::infinity();

class Player {
 public:
  Player(const Scenario& scenario, const Board& board, const std::vector<Workload>& workloads,
         const Knowledge& knowledge, const MakePolicy& make_policy, const PlayOptions& options)
      : scenario_(scenario),
        workloads_(workloads),
        options_(options),
        board_(board, options.simulation),
        driver_(board_),
        policy_(make_policy(known_processors(board, knowledge))) {
    for (std::size_t a = 0; a < scenario.applications.size(); ++a) add_application(a, knowledge);
    for (const Stranger& stranger : scenario.strangers) add_stranger(stranger, scenario.duration_s, &board_);
    for (const Event& event : scenario.events) add_event(event);
  }

  Played run() {
    apply_clocks();
    board_.at(policy_->view_ms(), [this] { look(); });
    if (options_.on_moment) board_.at(options_.moment_ms, [this] { moment(); });
    const double begin = scenario_.warmup_s * 1e3, end = scenario_.duration_s * 1e3;
    board_.run_until(begin);
    const double before_mj = board_.energy_mj(), foreign_before = board_.foreign_work_ms();
    result_.peak_c = board_.celsius();
    board_.run_until(end);
    for (std::size_t a = 0; a < apps_.size(); ++a) end_all(a);
    result_.energy_mj = board_.energy_mj() - before_mj;
    result_.foreign_work_ms = board_.foreign_work_ms() - foreign_before;
    result_.seconds = (end - begin) * 1e-3;
    return std::move(result_);
  }

 private:
  struct Frame {
    double arrived_ms, deadline_ms, work;
  };
  struct Running {
    PlayedFrame frame;
    int parts = 0;       // threads that still work
    int64_t number = 0;  // of the application's frames: late checks are of another one
    bool active = false;
  };
  struct App {
    std::vector<int> threads;  // on CPUs
    std::vector<int> gpu;      // of each processor; -1: not there
    int launcher = -1;
    std::vector<ArrivingFrame> arriving;
    std::size_t next = 0;
    std::deque<Frame> waiting;
    Running running;
    double deadline_ms = 0;
    Target target;
    bool begun = false;  // told to the policy
  };

  void add_application(std::size_t a, const Knowledge& knowledge) {
    const Application& application = scenario_.applications[a];
    App app;
    app.arriving = arriving_frames(scenario_, a, options_.seed);
    app.deadline_ms = application.deadline();
    std::size_t cpus = 0;
    for (std::size_t p = 0; p < board_.board().processors.size(); ++p) {
      const Processor& processor = board_.board().processors[p];
      app.gpu.push_back(-1);
      if (processor.kind == ProcessorKind::kCpu) {
        cpus += processor.cores();
      } else if (runs_networks(processor)) {
        ThreadSettings settings;
        settings.name = application.name;
        settings.processor = processor.name;
        app.gpu.back() = board_.add_thread(settings);
      }
    }
    ThreadSettings settings;
    settings.name = application.name;
    settings.activity = workloads_[a].activity;
    settings.util = 512;  // forked
    for (std::size_t i = 0; i < cpus; ++i) app.threads.push_back(board_.add_thread(settings));
    settings.activity = 1;
    settings.util = 0;
    app.launcher = board_.add_thread(settings);
    PlayedApplication played;
    played.name = application.name;
    played.by_member.assign(workloads_[a].members.size(), 0);
    result_.applications.push_back(std::move(played));

    ManagedApplication known = known_application(board_.board(), application, workloads_[a], knowledge);
    if (!options_.aims.empty()) known.target.aim = options_.aims.at(a);
    app.target = known.target;
    apps_.push_back(std::move(app));
    board_.at(application.start_s * 1e3, [this, a, known] {
      policy_->add(static_cast<int>(a), known, board_.now_ms());
      apps_[a].begun = true;
      apply_clocks();
      next_arrival(a);
    });
    if (application.stop_s < scenario_.duration_s) board_.at(application.stop_s * 1e3, [this, a] { stop(a); });
  }

  void stop(std::size_t a) {
    end_all(a);
    apps_[a].begun = false;
    policy_->remove(static_cast<int>(a), board_.now_ms());
    apply_clocks();
  }

  void end_all(std::size_t a) {
    App& app = apps_[a];
    if (app.running.active) abandon(a);
    for (const Frame& frame : app.waiting) missed(a, frame);
    app.waiting.clear();
  }

  // --- frames ---

  void next_arrival(std::size_t a) {
    if (apps_[a].next == apps_[a].arriving.size()) return;
    board_.at(apps_[a].arriving[apps_[a].next].ms, [this, a] {
      App& app = apps_[a];
      if (!app.begun) return;
      const ArrivingFrame& frame = app.arriving[app.next++];
      app.waiting.push_back({board_.now_ms(), board_.now_ms() + app.deadline_ms, frame.work});
      if (app.running.active) {
        std::vector<double> deadlines;
        for (const Frame& other : app.waiting) deadlines.push_back(other.deadline_ms);
        policy_->frame_waits(static_cast<int>(a), board_.now_ms(), deadlines);
        apply_clocks();
      }
      begin(a);
      next_arrival(a);
    });
  }

  void begin(std::size_t a) {
    App& app = apps_[a];
    const double now = board_.now_ms();
    while (!app.running.active && !app.waiting.empty()) {
      const Frame frame = app.waiting.front();
      app.waiting.pop_front();
      if (frame.deadline_ms <= now) {
        missed(a, frame);
        continue;
      }
      FrameStart start{now, frame.deadline_ms, waiting(app, frame), options_.oracle ? frame.work : 0};
      run(a, frame, policy_->frame_begins(static_cast<int>(a), start));
    }
  }

  // Deadlines of the frames behind that one; an oracle sees those that will come while it may run, too.
  std::vector<double> waiting(const App& app, const Frame& frame) const {
    std::vector<double> deadlines;
    for (const Frame& other : app.waiting) deadlines.push_back(other.deadline_ms);
    for (std::size_t i = app.next; options_.oracle && i < app.arriving.size(); ++i) {
      if (app.arriving[i].ms >= frame.deadline_ms) break;
      deadlines.push_back(app.arriving[i].ms + app.deadline_ms);
    }
    return deadlines;
  }

  void run(std::size_t a, const Frame& frame, const FrameOrder& order) {
    App& app = apps_[a];
    const double now = board_.now_ms();
    const Workload& workload = workloads_[a];
    const std::vector<Processor>& processors = board_.board().processors;
    Running& running = app.running;
    running.frame = unplayed(a, frame);
    running.frame.begun_ms = now;
    running.frame.member = order.member;
    running.frame.processor = order.processor;
    running.frame.threads = order.threads;
    running.frame.reason = order.reason;
    running.active = true;
    const int64_t number = ++running.number;
    apply_clocks();
    const auto done = [this, a] { part_done(a); };
    if (order.processor != kAnyProcessor && processors.at(order.processor).kind == ProcessorKind::kGpu) {
      const Processor& gpu = processors[order.processor];
      running.parts = 2;
      board_.start(app.gpu[order.processor], gpu_work(workload, gpu, order.member, frame.work), done);
      board_.start(app.launcher, launch_work(workload, gpu), done);
    } else {
      running.parts = order.threads;
      for (int i = 0; i < order.threads; ++i) {
        const int thread = app.threads.at(static_cast<std::size_t>(i));
        board_.set_cpus(thread, cpus_of(order, i));
        board_.set_clamps(thread, order.clamp_min, 1024);
        board_.start(thread, cpu_work(workload, order.member, order.threads, frame.work), done);
      }
    }
    if (order.check_at_ms > 0)
      board_.at(order.check_at_ms, [this, a, number] {
        if (!apps_[a].running.active || apps_[a].running.number != number) return;
        policy_->frame_checked(static_cast<int>(a), board_.now_ms());
        apply_clocks();
      });
  }

  // Where thread `i` may run: its own core where cores are named, else the processor's, else all CPUs.
  std::vector<int> cpus_of(const FrameOrder& order, int i) const {
    if (order.processor == kAnyProcessor) return {};
    const std::vector<int>& cpus = board_.board().processors[order.processor].cpus;
    if (order.cores.empty()) return cpus;
    return {cpus.at(static_cast<std::size_t>(order.cores.at(static_cast<std::size_t>(i) % order.cores.size())))};
  }

  void part_done(std::size_t a) {
    Running& running = apps_[a].running;
    if (--running.parts > 0) return;
    running.frame.ended_ms = board_.now_ms();
    running.frame.met = running.frame.ended_ms <= running.frame.deadline_ms;
    running.active = false;
    policy_->frame_ends(static_cast<int>(a), {board_.now_ms(), running.frame.met});
    count(running.frame);
    apply_clocks();
    begin(a);
  }

  static PlayedFrame unplayed(std::size_t a, const Frame& frame) {
    PlayedFrame played;
    played.application = static_cast<int>(a);
    played.arrived_ms = frame.arrived_ms;
    played.deadline_ms = frame.deadline_ms;
    played.work = frame.work;
    return played;
  }
  void missed(std::size_t a, const Frame& frame) { count(unplayed(a, frame)); }

  // Its processor is gone, or the application.
  void abandon(std::size_t a) {
    App& app = apps_[a];
    for (const int thread : app.threads) board_.stop(thread);
    for (const int thread : app.gpu) {
      if (thread >= 0) board_.stop(thread);
    }
    board_.stop(app.launcher);
    app.running.active = false;
    policy_->frame_ends(static_cast<int>(a), {board_.now_ms(), false, false});
    count(app.running.frame);
  }

  void count(const PlayedFrame& frame) {
    if (options_.on_frame) options_.on_frame(frame);
    if (frame.arrived_ms < scenario_.warmup_s * 1e3 || frame.deadline_ms > scenario_.duration_s * 1e3) return;
    PlayedApplication& played = result_.applications[static_cast<std::size_t>(frame.application)];
    ++played.frames;
    if (frame.ended_ms >= 0) played.latencies_ms.push_back(frame.ended_ms - frame.arrived_ms);
    const auto application = static_cast<std::size_t>(frame.application);
    const auto member = static_cast<std::size_t>(frame.member);
    const double accuracy = frame.met ? workloads_[application].members[member].accuracy : 0;
    played.served.push_back(frame.met && accuracy >= apps_[application].target.accuracy - 1e-9 ? 1 : 0);
    if (!frame.met) return;
    ++played.met;
    ++played.by_member[member];
    played.accuracy_sum += accuracy;
    played.least_accuracy = std::min(played.least_accuracy, accuracy);
  }

  // --- events ---

  void add_event(const Event& event) {
    const auto both = [this, &event](auto what) {
      board_.at(event.at_s * 1e3, [what] { what(true); });
      if (event.until_s < scenario_.duration_s) board_.at(event.until_s * 1e3, [what] { what(false); });
    };
    switch (event.kind) {
      case EventKind::kThermalCap:
        both([this, cap = event.temperature_c](bool on) { driver_.set_cap(on ? cap : kForever); });
        break;
      case EventKind::kSensorFailure:
        both([this](bool on) { driver_.set_sensors_failed(on); });
        break;
      case EventKind::kProcessorGone: {
        const std::size_t p = board_.board().find(event.processor);
        both([this, p](bool gone) { set_gone(p, gone); });
        break;
      }
      case EventKind::kTarget:
        for (std::size_t a = 0; a < scenario_.applications.size(); ++a) {
          if (scenario_.applications[a].name != event.application) continue;
          both([this, a, deadline = event.deadline_ms](bool on) {
            apps_[a].deadline_ms = on ? deadline : scenario_.applications[a].deadline();
            apps_[a].target.deadline_ms = apps_[a].deadline_ms;
            if (apps_[a].begun) policy_->retarget(static_cast<int>(a), apps_[a].target, board_.now_ms());
            apply_clocks();
          });
        }
        break;
    }
  }

  void set_gone(std::size_t p, bool gone) {
    driver_.set_gone(p, gone);
    if (gone) {
      // What was pinned there runs nowhere now: its frame is lost.
      for (std::size_t a = 0; a < apps_.size(); ++a) {
        if (apps_[a].running.active && apps_[a].running.frame.processor == p) abandon(a);
      }
    }
    look_now();
    for (std::size_t a = 0; a < apps_.size(); ++a) begin(a);
  }

  // --- monitors and clocks ---

  void look() {
    look_now();
    board_.at(board_.now_ms() + policy_->view_ms(), [this] { look(); });
  }

  void look_now() {
    policy_->look(driver_.view());
    apply_clocks();
  }

  void moment() {
    PlayedMoment moment;
    moment.ms = board_.now_ms();
    moment.celsius = board_.celsius();
    moment.power_w = (board_.energy_mj() - moment_mj_) / options_.moment_ms;
    moment_mj_ = board_.energy_mj();
    for (std::size_t p = 0; p < board_.board().processors.size(); ++p)
      moment.khz.push_back(board_.board().processors[p].opps[board_.opp(p)].khz);
    options_.on_moment(moment);
    board_.at(board_.now_ms() + options_.moment_ms, [this] { this->moment(); });
  }

  void apply_clocks() {
    result_.peak_c = std::max(result_.peak_c, board_.celsius());
    driver_.apply(policy_->clocks());
  }

  const Scenario& scenario_;
  const std::vector<Workload>& workloads_;
  const PlayOptions& options_;
  SimulatedBoard board_;
  BoardDriver driver_;
  std::unique_ptr<SystemPolicy> policy_;
  std::vector<App> apps_;
  double moment_mj_ = 0;
  Played result_;
};

}  // namespace

Played play(const Scenario& scenario, const Board& board, const std::vector<Workload>& workloads,
            const Knowledge& knowledge, const MakePolicy& make_policy, const PlayOptions& options) {
  return Player(scenario, board, workloads, knowledge, make_policy, options).run();
}

}  // namespace limber::tool
