// SPDX-License-Identifier: Apache-2.0
// The C ABI's managed session. Layer: api.
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>

#include "api/handles.h"
#include "base/cpu_list.h"
#include "server/managed_session.h"

struct limber_managed {
  limber::server::ManagedSettings settings;
  bool rate_given = false;
  std::unique_ptr<limber::server::ManagedSession> session;  // once it was started
  std::optional<limber::server::FrameOrdered> order;        // of the frame that runs
};

namespace {

using limber::ErrorCode;
using limber::fail;
using limber::api::guarded;
using limber::api::require;

double number_of(std::string_view key, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail(ErrorCode::kInvalidArgument, "{} '{}': not a number", key, text);
  return value;
}

bool is_one_of(std::string_view key, std::string_view text, const char* yes, const char* no) {
  if (text != yes && text != no) fail(ErrorCode::kInvalidArgument, "{} '{}': legal are {}, {}", key, text, yes, no);
  return text == yes;
}

// True: a key of the target.
bool set_target(limber_managed* managed, limber::Target* target, std::string_view key, std::string_view value) {
  if (key == "deadline_ms") {
    target->deadline_ms = number_of(key, value);
    if (!managed->rate_given && target->deadline_ms > 0) target->rate_hz = 1000 / target->deadline_ms;
  } else if (key == "rate_hz") {
    target->rate_hz = number_of(key, value);
    managed->rate_given = true;
  } else if (key == "accuracy") {
    target->accuracy = number_of(key, value);
  } else if (key == "confidence") {
    target->confidence = number_of(key, value);
  } else if (key == "weight") {
    target->weight = number_of(key, value);
  } else if (key == "prefer") {
    target->prefer_accuracy = is_one_of(key, value, "accuracy", "efficiency");
  } else {
    return false;
  }
  return true;
}

void not_started(const limber_managed* managed, std::string_view what) {
  if (managed->session) fail(ErrorCode::kInvalidArgument, "{}: the session has been started; open another one", what);
}

const limber::server::Assignment* assignment(const limber_managed* managed) {
  return managed != nullptr && managed->session ? &managed->session->assignment() : nullptr;
}

void need_started(const limber_managed* managed) {
  require(managed, "managed");
  if (!managed->session) fail(ErrorCode::kInvalidArgument, "the managed session has not been started");
}

}  // namespace

limber_managed* limber_managed_open(const char* name, const char* socket) {
  std::unique_ptr<limber_managed> managed;
  guarded([&] {
    require(name, "name");
    managed = std::make_unique<limber_managed>();
    managed->settings.session.name = name;
    if (socket != nullptr) managed->settings.socket = socket;
  });
  return managed.release();
}

void limber_managed_free(limber_managed* managed) {
  delete managed;
}

limber_status limber_managed_add_member(limber_managed* managed, const char* name, double accuracy) {
  return guarded([&] {
    require(managed, "managed");
    require(name, "name");
    not_started(managed, "add_member");
    managed->settings.session.members.push_back({name, accuracy});
  });
}

limber_status limber_managed_add_option(limber_managed* managed, int member, const char* processor, int cores,
                                        double ms) {
  return guarded([&] {
    require(managed, "managed");
    not_started(managed, "add_option");
    managed->settings.session.options.push_back({member, processor != nullptr ? processor : "", cores, {ms}});
  });
}

limber_status limber_managed_set(limber_managed* managed, const char* key, const char* value) {
  return guarded([&] {
    require(managed, "managed");
    require(key, "key");
    require(value, "value");
    limber::Target target = managed->settings.session.target;
    if (set_target(managed, &target, key, value)) {
      if (managed->session) managed->session->set_target(target);
      managed->settings.session.target = target;
      return;
    }
    const std::string_view name = key;
    if (name != "threads" && name != "place" && name != "announces")
      fail(ErrorCode::kInvalidArgument,
           "key '{}'; legal: deadline_ms, rate_hz, accuracy, confidence, weight, prefer, threads, place, announces",
           key);
    not_started(managed, key);
    if (name == "threads") managed->settings.session.threads = limber::parse_cpu_list(value);
    if (name == "announces") managed->settings.session.announces = is_one_of(key, value, "1", "0");
    if (name == "place") managed->settings.session.place = is_one_of(key, value, "1", "0");
  });
}

limber_status limber_managed_start(limber_managed* managed) {
  return guarded([&] {
    require(managed, "managed");
    not_started(managed, "start");
    managed->session = std::make_unique<limber::server::ManagedSession>(managed->settings);
  });
}

int limber_managed_update(limber_managed* managed) {
  bool changed = false;
  const limber_status status = guarded([&] {
    need_started(managed);
    changed = managed->session->update();
  });
  return status == LIMBER_OK ? changed : -1;
}

int limber_managed_wait(limber_managed* managed, int milliseconds) {
  bool there = false;
  guarded([&] {
    need_started(managed);
    there = managed->session->wait(milliseconds);
  });
  return there;
}

int limber_managed_fd(const limber_managed* managed) {
  return managed != nullptr && managed->session ? managed->session->fd() : -1;
}

int limber_managed_is_managed(const limber_managed* managed) {
  return managed != nullptr && managed->session && managed->session->managed();
}

int limber_managed_ceiling(const limber_managed* managed) {
  const auto* given = assignment(managed);
  if (given != nullptr && managed->order) return managed->order->member;
  return given != nullptr ? given->ceiling : -1;
}

int limber_managed_floor(const limber_managed* managed) {
  const auto* given = assignment(managed);
  return given != nullptr ? std::min(given->floor, limber_managed_ceiling(managed)) : -1;
}

size_t limber_managed_cpus(const limber_managed* managed, int* cpus, size_t capacity) {
  const auto* given = assignment(managed);
  if (given == nullptr) return 0;
  const std::vector<int>& of = managed->order ? managed->order->cpus : given->cpus;
  for (size_t i = 0; cpus != nullptr && i < of.size() && i < capacity; ++i) cpus[i] = of[i];
  return of.size();
}

const char* limber_managed_processor(const limber_managed* managed) {
  const auto* given = assignment(managed);
  if (given != nullptr && managed->order) return managed->order->processor.c_str();
  return given != nullptr ? given->processor.c_str() : "";
}

int64_t limber_managed_khz(const limber_managed* managed) {
  const auto* given = assignment(managed);
  return given != nullptr ? given->khz : 0;
}

int limber_managed_met(const limber_managed* managed) {
  const auto* given = assignment(managed);
  return given != nullptr && given->met;
}

const char* limber_managed_reason(const limber_managed* managed) {
  const auto* given = assignment(managed);
  if (given != nullptr && managed->order) return managed->order->reason.c_str();
  return given != nullptr ? given->reason.c_str() : "not started";
}

int limber_managed_begin(limber_managed* managed, double left_ms) {
  const limber_status status = guarded([&] {
    need_started(managed);
    if (!managed->settings.session.announces)
      fail(ErrorCode::kInvalidArgument,
           "begin: the session does not announce frames; set announces to 1 before the start");
    managed->order = managed->session->begin(left_ms);
  });
  return status == LIMBER_OK ? managed->order.has_value() : -1;
}

limber_status limber_managed_report(limber_managed* managed, double elapsed_ms, int met, int member,
                                    double confidence) {
  return guarded([&] {
    need_started(managed);
    const int members = static_cast<int>(managed->settings.session.members.size());
    if (!(elapsed_ms >= 0) || member < 0 || member >= members)
      fail(ErrorCode::kInvalidArgument, "frame of {} ms by member {}; legal: 0 and more, 0 to {}", elapsed_ms, member,
           members - 1);
    limber::server::FrameReport frame;
    frame.elapsed_ms = elapsed_ms;
    frame.deadline_ms = managed->settings.session.target.deadline_ms;
    frame.met = met != 0;
    frame.member = member;
    frame.confidence = confidence >= 0 && confidence <= 1 ? confidence : -1;
    managed->session->report(frame);
    managed->order.reset();
  });
}
