// SPDX-License-Identifier: Apache-2.0
#include "manager/profile.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/cpu_list.h"
#include "base/error.h"

namespace limber {
namespace {

std::string print_symbols(const std::map<std::string, int64_t>& symbols) {
  std::string text;
  for (const auto& [name, value] : symbols) text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, value);
  return text.empty() ? "none" : text;
}

std::string or_unknown(const std::string& text) {
  return text.empty() ? "unknown" : text;
}

std::string print_clock(const std::string& governor, int64_t khz) {
  return fmt::format("governor {}, {}", or_unknown(governor),
                     khz == 0 ? "frequency unknown" : fmt::format("up to {} MHz", khz / 1000));
}

}  // namespace

ProfileKey profile_key(const Model& model, const Machine& machine, const std::string& date) {
  ProfileKey key;
  key.model = model.network().name;
  key.weight_hash = model.network().hash;
  key.precision = "f32";
  key.isa = model.isa();
  key.cpu_model = machine.cpu_model;
  key.logical_cpus = machine.logical_cpus;
  key.processor = "cpu";
  for (const Symbol& symbol : model.network().graph.symbols) key.symbols[symbol.name] = symbol.maximum;
  for (const Node& node : model.network().graph.nodes) {
    if (!node.state) continue;  // a session starts with an empty cache
    key.symbols[model.network().graph.symbols[static_cast<std::size_t>(node.state->symbol)].name] = 0;
  }
  key.limber = LIMBER_VERSION;
  key.date = date;
  return key;
}

std::vector<std::string> check_profile(const Profile& profile, const Model& model, const std::string& where,
                                       const std::function<Machine(int)>& machine) {
  const ProfileKey& was = profile.key;
  const int first = profile.points.empty() ? 0 : profile.points.front().cores.front();
  const ProfileKey is = profile_key(model, machine(first), was.date);
  std::vector<std::string> differences;
  const auto compare = [&](const char* what, const std::string& profiled, const std::string& here) {
    if (profiled != here)
      differences.push_back(fmt::format("{} '{}' (here '{}')", what, or_unknown(profiled), or_unknown(here)));
  };
  compare("weights", was.weight_hash, is.weight_hash);
  compare("CPU", was.cpu_model, is.cpu_model);
  compare("ISA", was.isa, is.isa);
  compare("precision", was.precision, is.precision);
  compare("processor", was.processor, is.processor);
  compare("run-time symbols", print_symbols(was.symbols), print_symbols(is.symbols));
  std::map<std::string, int64_t> macs;
  for (int member = 0; member < model.members(); ++member) macs[model.member(member).name] = model.macs(member);
  std::set<std::string> named;
  for (const OperatingPoint& point : profile.points) {
    const auto found = macs.find(point.member);
    if ((found != macs.end() && found->second == point.macs) || !named.insert(point.member).second) continue;
    differences.push_back(found == macs.end() ? fmt::format("member '{}' (here none of that name)", point.member)
                                              : fmt::format("member '{}' of {} multiply-accumulates (here {})",
                                                            point.member, point.macs, found->second));
  }
  if (!differences.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "{}: this profile belongs to another model or machine: {}. Measure here with: limber profile MODEL --output "
         "FILE",
         where, fmt::join(differences, "; "));
  }
  std::vector<std::string> warnings;
  std::set<int> seen;
  for (const OperatingPoint& point : profile.points) {
    const int cpu = point.cores.front();
    if (!seen.insert(cpu).second) continue;
    const Machine now = machine(cpu);
    if (now.governor != point.governor || now.frequency_khz != point.frequency_khz)
      warnings.push_back(fmt::format("{}: CPU {} was profiled with {}; now {}", where, cpu,
                                     print_clock(point.governor, point.frequency_khz),
                                     print_clock(now.governor, now.frequency_khz)));
  }
  if (was.logical_cpus != is.logical_cpus)
    warnings.push_back(
        fmt::format("{}: measured where there were {} logical CPUs; now {}", where, was.logical_cpus, is.logical_cpus));
  if (was.limber != is.limber)
    warnings.push_back(fmt::format("{}: measured by limber {}; this is {}", where, or_unknown(was.limber), is.limber));
  return warnings;
}

const OperatingPoint* find_point(const Profile& profile, const std::string& member, std::size_t cores, int64_t batch,
                                 int exit) {
  for (const OperatingPoint& point : profile.points) {
    if (point.member == member && point.cores.size() == cores && point.batch == batch && point.exit == exit)
      return &point;
  }
  return nullptr;
}

std::vector<PolicyMember> policy_members(const Profile& profile, const Model& model, std::size_t cores, int64_t batch) {
  std::vector<PolicyMember> members;
  for (int member = 0; member < model.members(); ++member) {
    const std::string& name = model.member(member).name;
    const OperatingPoint* point = find_point(profile, name, cores, batch);
    if (point == nullptr) {
      fail(ErrorCode::kInvalidArgument, "the profile has no point for member '{}' on {} core{} at batch {}", name,
           cores, cores == 1 ? "" : "s", batch);
    }
    members.push_back({name, point->median_ms});
  }
  return members;
}

}  // namespace limber
