// SPDX-License-Identifier: Apache-2.0
// Limber's own system policy: the hierarchical runtime resource manager. Layer: manager.
// After Xun et al. (DATE 2020) and its successors: member, mapping and operating point are chosen together, for all
// applications; the algorithm is ours.
//
// Two levels. Slow: the arbiter (arbiter.h) divides processors and cores among the applications whenever one comes,
// goes, asks for something else, is late, or the device changes, and once a second. Fast: each frame gets the member,
// cores and point of least energy that are in time, on cores that are its own or nobody's (frame_choice.h), from tables
// that are smoothed at first and corrected by every frame (work_estimate.h). Between frames a processor's clock rests
// at its lowest point; one that others use, too, is left to the system's governor and only held from below.
//
// An application that does not announce its frames chooses members by itself within its share() and says afterwards
// what became of each: it is part of the slow level only, and its clock is as planned. limberd has both kinds.
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "manager/confidence.h"
#include "manager/division.h"
#include "manager/frame_choice.h"
#include "manager/processor_pool.h"

namespace limber {

struct ResourceManagerSettings {
  // Its tables are exact and FrameStart::work is known: nothing to learn, nothing to be careful about.
  bool oracle = false;
  double caution = 1e-3;  // an oracle's: how much, relative, a frame may take longer than it knows (standard deviation)
  bool largest_only = false;  // the most accurate member always: what cores and clocks give alone
  double aim = 0;             // above 0: instead of what targets say
  // Applications have measured their tables on this device: what is slower than they say is the device's doing, and
  // slows every option alike.
  bool measured = false;
};

// A frame that was not announced.
struct OwnFrame {
  int member = 0;         // that answered, most of it
  double elapsed_ms = 0;  // of its work; 0: nothing was done
  double done = 1;        // as FrameEnd::done, of that member's work
  bool met = false;
  double confidence = -1;  // as FrameEnd::confidence
};

class ResourceManager final : public SystemPolicy {
 public:
  static constexpr double kDivideMs = 1000;  // between two divisions without a reason
  static constexpr double kHurryMs = 100;    // between two because of late frames

  explicit ResourceManager(std::vector<ManagedProcessor> processors, const ResourceManagerSettings& settings = {});

  void add(int id, const ManagedApplication& application, double now_ms) override;
  void remove(int id, double now_ms) override;
  void retarget(int id, const Target& target, double now_ms) override;
  FrameOrder frame_begins(int id, const FrameStart& start) override;
  void frame_waits(int id, double now_ms, const std::vector<double>& waiting_ms) override;
  void frame_checked(int id, double now_ms) override;
  void frame_ends(int id, const FrameEnd& end) override;
  void look(const SystemView& view) override;
  const std::vector<ClockOrder>& clocks() const override { return pool_.clocks(); }

  // Divides anew where there is a reason, as frame_begins() and look() do, too.
  void divide_if_due(double now_ms);
  int64_t divisions() const { return divisions_; }  // so far: whoever shows shares looks whether there was another

  // Whether frame_begins() and frame_ends() are called for each of its frames; at first, they are.
  void set_announcing(int id, bool announces, double now_ms);
  void observe(int id, const OwnFrame& frame);

  // Of the last division; processor is kAnyProcessor before the first.
  const ApplicationShare& share(int id) const { return apps_.at(id).share; }
  // At which its processor was planned to run; where others work, too, it counts on the highest.
  std::size_t planned_point(int id) const;
  // As given, smoothed; members that turn out not to be sure enough have an accuracy below every floor.
  const ManagedApplication& tables(int id) const { return apps_.at(id).tables; }
  const WorkEstimate& estimate(int id) const { return apps_.at(id).estimate; }
  const ProcessorPool& pool() const { return pool_; }

 private:
  struct App {
    ManagedApplication tables;
    std::vector<std::vector<double>> core_w;
    WorkEstimate estimate;
    ConfidenceEstimate confidence;
    std::vector<ManagedMember> members;  // as given
    ApplicationShare share;
    bool announces = true;
    // Of the frame that runs:
    bool running = false;
    std::size_t chosen = 0, point = 0;  // option, and what is wanted of the clock
    std::vector<int> cores;
    double works_from_ms = 0;  // the clock has woken
    double progress = 0;       // 1 at the end, if the tables are right
    double work = 1;           // an oracle's

    const ManagedOption& option(std::size_t o) const { return tables.options[o]; }
    double accuracy(const ManagedOption& option) const;
    double floor() const;
    bool owns(std::size_t processor, int core) const;
    bool can_use(std::size_t processor) const;
  };

  // Frames: resource_manager_frames.cc.
  FrameNeed need_of(const App& app, const FrameStart& start) const;
  double left_before(const App& app, double now_ms, const std::vector<double>& waiting_ms) const;
  void offer(const App& app, std::size_t processor, ProcessorOffer* offer) const;
  bool usable(const App& app, std::size_t processor, int core) const;
  int free_cores(const App& app, std::size_t processor) const;
  std::vector<int> choose_cores(const App& app, const ManagedOption& option) const;
  std::string reason(const App& app, const FrameChoice& choice, const FrameNeed& need) const;
  void end_frame(App* app);
  void learn_confidence(App* app, int member, double confidence);

  void count_progress(double now_ms);
  void set_clocks(double now_ms);
  void divide(double now_ms);
  void keep_cool(const SystemView& view);

  ResourceManagerSettings settings_;
  ProcessorPool pool_;
  std::map<int, App> apps_;
  std::vector<ProcessorOffer> offers_;
  double divided_ms_ = -1e9, counted_ms_ = 0, planned_w_ = 0;
  int64_t divisions_ = 0;
  bool due_ = false, late_ = false;
  double power_cap_w_ = std::numeric_limits<double>::infinity();
  double cool_w_ = 0;  // what the temperature cap leaves; 0: there is none
};

}  // namespace limber
