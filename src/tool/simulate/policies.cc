// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/policies.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/error.h"
#include "manager/assigned.h"
#include "manager/baselines.h"
#include "manager/resource_manager.h"

namespace limber::tool {
namespace {

// KEY=VALUE, each of them taken once; what nobody took is refused.
class Settings {
 public:
  Settings(const std::string& text, const std::string& policy) : policy_(policy) {
    for (std::size_t from = 0; from < text.size();) {
      const std::size_t to = std::min(text.find(',', from), text.size());
      const std::string one = text.substr(from, to - from);
      const std::size_t equals = one.find('=');
      if (equals == std::string::npos || equals == 0)
        fail(ErrorCode::kInvalidArgument, "policy '{}': found '{}'; legal: KEY=VALUE", policy, one);
      values_[one.substr(0, equals)] = one.substr(equals + 1);
      from = to + 1;
    }
  }

  std::string text(const std::string& key, const std::string& otherwise) {
    legal_.push_back(key);
    const auto found = values_.find(key);
    if (found == values_.end()) return otherwise;
    std::string value = found->second;
    values_.erase(found);
    return value;
  }
  double number(const std::string& key, double otherwise, double low, double high) {
    if (!values_.contains(key)) return text(key, ""), otherwise;
    const std::string given = text(key, "");
    double value = 0;
    const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
    if (error != std::errc() || end != given.data() + given.size() || !(value >= low && value <= high))
      fail(ErrorCode::kInvalidArgument, "policy '{}': {} is '{}'; legal: a number from {} to {}", policy_, key, given,
           low, high);
    return value;
  }
  bool flag(const std::string& key, bool otherwise) {
    const std::string given = text(key, otherwise ? "on" : "off");
    if (given != "on" && given != "off")
      fail(ErrorCode::kInvalidArgument, "policy '{}': {} is '{}'; legal: on, off", policy_, key, given);
    return given == "on";
  }
  void done() const {
    if (values_.empty()) return;
    fail(ErrorCode::kInvalidArgument, "policy '{}': no setting '{}'; legal: {}", policy_, values_.begin()->first,
         legal_.empty() ? "none" : fmt::format("{}", fmt::join(legal_, ", ")));
  }

 private:
  std::string policy_;
  std::map<std::string, std::string> values_;
  std::vector<std::string> legal_;
};

void read_governor_settings(Settings& settings, GovernorPolicySettings* policy, NamedPolicy* result) {
  policy->threads = static_cast<int>(settings.number("threads", 1, 1, 64));
  policy->processor = settings.text("on", "");
  policy->clamp_min = settings.number("clamp", 0, 0, 1024);
  if (policy->governor == "schedutil") {
    GovernorSettings& governor = result->simulation.governor;
    governor.rate_limit_ms = settings.number("rate", governor.rate_limit_ms, 0, 1000);
    governor.util_est = settings.flag("util_est", governor.util_est);
  }
  result->make = [policy = *policy](std::vector<ManagedProcessor> processors) {
    return make_governor_policy(std::move(processors), policy);
  };
}

void read_governor(const std::string& name, Settings& settings, NamedPolicy* result) {
  GovernorPolicySettings policy;
  policy.governor = name;
  policy.member = "static:" + settings.text("member", "largest");
  read_governor_settings(settings, &policy, result);
}

void read_dynamic(const std::string& name, Settings& settings, NamedPolicy* result) {
  GovernorPolicySettings policy;
  policy.governor = "schedutil";
  policy.member = name;
  read_governor_settings(settings, &policy, result);
}

void read_alert(const std::string&, Settings& settings, NamedPolicy* result) {
  const int threads = static_cast<int>(settings.number("threads", 1, 1, 64));
  result->make = [threads](std::vector<ManagedProcessor> processors) {
    return make_alert(std::move(processors), threads);
  };
}

void read_assigned(const std::string&, Settings&, NamedPolicy* result) {
  result->make = [](std::vector<ManagedProcessor> processors) { return make_assigned(std::move(processors)); };
}

void read_manager(const std::string& name, Settings& settings, NamedPolicy* result) {
  ResourceManagerSettings manager;
  manager.oracle = result->oracle = name == "oracle";
  manager.largest_only = name == "dvfs";
  manager.aim = settings.number("aim", 0, 0.01, 1);
  if (manager.oracle) manager.caution = settings.number("caution", manager.caution, 0, 1);
  result->make = [manager](std::vector<ManagedProcessor> processors) {
    return std::make_unique<ResourceManager>(std::move(processors), manager);
  };
}

// A new policy is a row.
struct Kind {
  std::vector<std::string> names;
  void (*read)(const std::string& name, Settings& settings, NamedPolicy* result);
  const char* help;  // whole lines
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> kKinds = {
      {{"schedutil", "ondemand", "performance", "powersave"},
       read_governor,
       "  schedutil, ondemand, performance, powersave   that governor, a fixed member: member=largest|cheapest|NAME\n"
       "                 (cheapest: that keeps the floor), threads=N, on=PROCESSOR, clamp=0..1024; schedutil: "
       "rate=MS,\n"
       "                 util_est=on|off\n"
       "  schedutil-best the best of all these settings of schedutil, in hindsight\n"},
      {{"dynamic", "dynamic-ofa"},
       read_dynamic,
       "  dynamic        a dynamic network under schedutil: threads=N, on=PROCESSOR, clamp, rate, util_est\n"
       "  dynamic-ofa    Dynamic-OFA's level loop under schedutil, the same settings\n"},
      {{"alert"}, read_alert, "  alert          ALERT: threads=N\n"},
      {{"assigned"},
       read_assigned,
       "  assigned       cores and clocks by Limber once a second, members by each application itself: limberd with\n"
       "                 applications that do not announce their frames\n"},
      {{"dvfs", "limber", "oracle"},
       read_manager,
       "  dvfs           cores and clocks by Limber, the largest member (a smaller one only where it cannot be in\n"
       "                 time): aim=SHARE\n"
       "  limber         member, cores and clocks together: aim=SHARE of the deadline\n"
       "  limber:like=P, limber:within=P   aiming at policy P's 95th percentile of the latency instead of the\n"
       "                 deadline; the lowest latency that takes no more energy than P, found by trying aims\n"
       "  oracle         the same with a perfect profile and knowledge of the future\n"},
  };
  return kKinds;
}

}  // namespace

NamedPolicy parse_policy(const std::string& text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string name = text.substr(0, colon);
  Settings settings(colon < text.size() ? text.substr(colon + 1) : "", text);
  NamedPolicy result;
  result.name = text;
  std::string legal;
  for (const Kind& kind : kinds()) {
    if (std::find(kind.names.begin(), kind.names.end(), name) != kind.names.end()) {
      kind.read(name, settings, &result);
      settings.done();
      return result;
    }
    legal += fmt::format("{}, ", fmt::join(kind.names, ", "));
  }
  fail(ErrorCode::kInvalidArgument, "no policy '{}'; legal: {}schedutil-best", text, legal);
}

std::string policy_help() {
  std::string help = "Policies, NAME or NAME:KEY=VALUE,...\n";
  for (const Kind& kind : kinds()) help += kind.help;
  return help;
}

Knowledge knowledge_of(const Scenario& scenario, const NamedPolicy& policy, uint64_t seed) {
  Knowledge knowledge;
  knowledge.error = policy.oracle ? 0 : scenario.profile_error;
  knowledge.activity_known = policy.oracle || scenario.activity_known;
  knowledge.seed = seed;
  return knowledge;
}

PlayOptions options_of(const NamedPolicy& policy, uint64_t seed) {
  PlayOptions options;
  options.seed = seed;
  options.simulation = policy.simulation;
  options.oracle = policy.oracle;
  return options;
}

std::vector<std::string> schedutil_sweep(const Board& board) {
  std::vector<std::string> where = {""};
  std::size_t cores = 0;
  for (const Processor& processor : board.processors) {
    if (processor.kind == ProcessorKind::kCpu) {
      cores = std::max(cores, processor.cores());
    } else if (runs_networks(processor)) {
      where.push_back(processor.name);
    }
  }
  std::vector<std::string> result;
  for (const std::string& on : where) {
    for (std::size_t threads = 1; threads <= (on.empty() ? cores : 1); threads *= 2) {
      for (const char* rate : {"0.2", "2", "10"}) {
        for (const char* est : {"on", "off"}) {
          for (const char* clamp : {"0", "256", "512", "768", "1024"}) {
            for (const char* member : {"largest", "cheapest"}) {
              result.push_back(fmt::format("schedutil:member={},threads={},clamp={},rate={},util_est={}{}", member,
                                           threads, clamp, rate, est, on.empty() ? "" : ",on=" + on));
            }
          }
        }
      }
    }
  }
  return result;
}

}  // namespace limber::tool
