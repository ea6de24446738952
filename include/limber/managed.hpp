// SPDX-License-Identifier: Apache-2.0
// A managed session in C++20: what limber.h says under limber_managed, with a handle that frees itself.
//
//   limber::ManagedSession managed({.name = "camera",
//                                   .members = {{"25%", 0.88}, {"100%", 0.91}},      // in ascending cost
//                                   .options = {{0, 4.0}, {1, 11.0}},                // ms of a frame on one core
//                                   .target = {.deadline_ms = 33, .prefer = limber::Prefer::kAccuracy}});
//   for (...) {
//     managed.update();
//     const int member = std::min(what_fits, managed.ceiling());
//     ... infer ...
//     managed.report(elapsed_ms, in_time, member);
//   }
//
// Errors, ownership and threads as in limber.hpp; that limberd is not there is no error.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "limber/limber.hpp"

namespace limber {
inline namespace v0 {

enum class Prefer { kEfficiency, kAccuracy };

struct ManagedTarget {
  double deadline_ms = 0;
  double rate_hz = 0;     // 0: a frame a deadline
  double accuracy = 0;    // floor, 0..1
  double confidence = 0;  // the same for how sure answers are on average, as reported; 0: not asked
  double weight = 1;
  Prefer prefer = Prefer::kEfficiency;
};

struct ManagedMemberInfo {
  std::string name;
  double accuracy = 0;  // 0..1
};

// How long a frame takes on so many cores at the highest clock.
struct ManagedOptionInfo {
  int member = 0;
  double ms = 0;
  int cores = 1;
  std::string processor = {};  // "": any
};

struct ManagedOptions {
  std::string name;
  std::vector<ManagedMemberInfo> members;
  std::vector<ManagedOptionInfo> options;
  ManagedTarget target;
  std::vector<int> threads = {};  // by number (gettid); empty: all the process has now
  bool place = false;             // limberd puts the threads on the cores
  bool announces = false;         // the application calls begin() for each frame
  std::string socket = {};        // "": $LIMBERD_SOCKET, else /run/limber/limberd.sock
};

class ManagedSession {
 public:
  // Throws kInvalidArgument on tables or targets that are not legal.
  explicit ManagedSession(const ManagedOptions& options)
      : handle_(limber_managed_open(options.name.c_str(), options.socket.empty() ? nullptr : options.socket.c_str())) {
    if (!handle_) detail::raise();
    for (const ManagedMemberInfo& member : options.members)
      detail::check(limber_managed_add_member(handle_.get(), member.name.c_str(), member.accuracy));
    for (const ManagedOptionInfo& option : options.options)
      detail::check(limber_managed_add_option(handle_.get(), option.member,
                                              option.processor.empty() ? nullptr : option.processor.c_str(),
                                              option.cores, option.ms));
    set_target(options.target);
    std::string threads;
    for (const int thread : options.threads) {
      if (!threads.empty()) threads += ',';
      threads += std::to_string(thread);
    }
    if (!threads.empty()) set("threads", threads);
    set("place", options.place ? "1" : "0");
    set("announces", options.announces ? "1" : "0");
    detail::check(limber_managed_start(handle_.get()));
  }

  // True: something changed. Does not block.
  bool update() {
    const int changed = limber_managed_update(handle_.get());
    if (changed < 0) detail::raise();
    return changed == 1;
  }
  // Waits up to so long for the first decision; false: it manages itself.
  bool wait(int milliseconds) { return limber_managed_wait(handle_.get(), milliseconds) == 1; }
  int fd() const noexcept { return limber_managed_fd(handle_.get()); }  // to poll; -1 without a connection

  bool managed() const noexcept { return limber_managed_is_managed(handle_.get()) == 1; }
  int ceiling() const noexcept { return limber_managed_ceiling(handle_.get()); }  // the largest member that may answer
  int floor() const noexcept { return limber_managed_floor(handle_.get()); }      // the smallest that should
  std::vector<int> cpus() const {                                                 // logical; empty: any
    std::vector<int> cpus(limber_managed_cpus(handle_.get(), nullptr, 0));
    limber_managed_cpus(handle_.get(), cpus.data(), cpus.size());
    return cpus;
  }
  std::string_view processor() const noexcept { return limber_managed_processor(handle_.get()); }
  int64_t khz() const noexcept { return limber_managed_khz(handle_.get()); }
  bool met() const noexcept { return limber_managed_met(handle_.get()) == 1; }
  std::string_view reason() const noexcept { return limber_managed_reason(handle_.get()); }  // until the next update

  // A frame begins: limber_managed_begin(). True: ceiling(), processor(), cpus() and reason() are this frame's now.
  bool begin(double left_ms) {
    const int ordered = limber_managed_begin(handle_.get(), left_ms);
    if (ordered < 0) detail::raise();
    return ordered == 1;
  }
  // confidence: of the answers, 0..1 on average; below 0: not known.
  void report(double elapsed_ms, bool met, int member, double confidence = -1) {
    detail::check(limber_managed_report(handle_.get(), elapsed_ms, met ? 1 : 0, member, confidence));
  }
  void set_target(const ManagedTarget& target) {
    set("deadline_ms", target.deadline_ms);
    if (target.rate_hz > 0) set("rate_hz", target.rate_hz);
    set("accuracy", target.accuracy);
    set("confidence", target.confidence);
    set("weight", target.weight);
    set("prefer", target.prefer == Prefer::kAccuracy ? "accuracy" : "efficiency");
  }

 private:
  struct Free {
    void operator()(limber_managed* managed) const noexcept { limber_managed_free(managed); }
  };
  void set(const char* key, const std::string& value) {
    detail::check(limber_managed_set(handle_.get(), key, value.c_str()));
  }
  void set(const char* key, double value) { set(key, std::to_string(value)); }

  std::unique_ptr<limber_managed, Free> handle_;
};

}  // namespace v0
}  // namespace limber
