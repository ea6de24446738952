// SPDX-License-Identifier: Apache-2.0
// A profile: the operating points of one model on one machine, and the file that holds them. Layer: manager.
//
// The file is JSON: {"format": "limber-profile", "version": 1, "key": {...}, "points": [...]}, keys as the fields
// below. Goals: a profile says for what it holds, and whoever uses it elsewhere is told; measured and modelled values
// never share a key (energy_mj is measured, null without a sensor). Non-goal: several models or machines in one file.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "manager/policy.h"
#include "network/model.h"
#include "platform/machine.h"

namespace limber {

// What must be the same for the times to hold.
struct ProfileKey {
  std::string model;        // Network::name
  std::string weight_hash;  // Network::hash
  std::string precision;    // "f32"
  std::string isa;
  std::string cpu_model;  // "" where the machine does not tell
  int logical_cpus = 0;
  std::string processor;                   // "cpu"
  std::map<std::string, int64_t> symbols;  // run-time symbols while measuring
  std::string limber;                      // version that measured
  std::string date;                        // UTC, "2026-11-21T08:00:00Z"
};

// Times are of one image: a batch's time divided by its images.
struct OperatingPoint {
  std::string member;
  int exit = -1;     // >= 0: this exit of the exit plan, timed from the start; -1: the member's own plan
  int64_t macs = 0;  // of the member
  int64_t batch = 1;
  std::vector<int> cores;     // logical CPUs
  std::string governor;       // of the first core; "" where there is no cpufreq
  int64_t frequency_khz = 0;  // highest allowed then; 0 unknown
  int64_t samples = 0;        // timed batches
  int64_t left_out = 0;       // more batches, in which the system gave the core to someone else
  double median_ms = 0, p95_ms = 0, min_ms = 0;
  double deviation_ms = 0;           // median absolute deviation from the median
  std::optional<double> energy_mj;   // per image, all packages, idle power included
  std::optional<Accuracy> accuracy;  // as stored in the model file
};

struct Profile {
  ProfileKey key;
  std::vector<OperatingPoint> points;  // distinct in (member, exit, batch, cores)
};

// The key of what is measured here and now.
ProfileKey profile_key(const Model& model, const Machine& machine, const std::string& date);

// Reads a file that nobody vouches for: fails with kBadFile (or kNotFound, kIo) naming the place, what was found and
// what is legal. The result says nothing about this machine yet: see check_profile.
Profile read_profile(const std::string& path);
Profile parse_profile(const std::string& text, const std::string& where);

// Whole or not at all.
void write_profile(const Profile& profile, const std::string& path);
std::string print_profile(const Profile& profile);  // the file's text

// Fails with kInvalidArgument, naming every difference and how to measure anew, when the profile is of other weights,
// members, CPU model, ISA, precision, processor or symbols. Returns warnings, one line each, where its times may still
// hold: another governor or frequency, another version of Limber. machine(cpu) is read for the points' first cores.
std::vector<std::string> check_profile(
    const Profile& profile, const Model& model, const std::string& where,
    const std::function<Machine(int)>& machine = [](int cpu) { return read_machine(cpu); });

// nullptr if there is none.
const OperatingPoint* find_point(const Profile& profile, const std::string& member, std::size_t cores, int64_t batch,
                                 int exit = -1);

// Every member of the model with its median on that many cores, in the family's order, for make_policy(). Fails naming
// the first member that the profile lacks.
std::vector<PolicyMember> policy_members(const Profile& profile, const Model& model, std::size_t cores, int64_t batch);

}  // namespace limber
