// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/workload.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/random.h"
#include "formats/shipped_file.h"
#include "manager/profile.h"
#include "tool/simulate/arrivals.h"

namespace limber::tool {
namespace {

constexpr double kFastest = 1024;  // capacity

class Perturbed {
 public:
  Perturbed(const Knowledge& knowledge, uint64_t stream)
      : error_(knowledge.error), random_(knowledge.seed * 0x9e3779b97f4a7c15u + stream) {}
  double operator()(double truth) { return truth * (1 + error_ * (2 * random_.uniform() - 1)); }

 private:
  double error_;
  Random random_;
};

double khz_share(const Processor& processor, std::size_t point) {
  return static_cast<double>(processor.opps[point].khz) / static_cast<double>(processor.highest().khz);
}

double time_ms(const Board& board, const Workload& workload, int member, std::size_t p, int cores, std::size_t point) {
  const Processor& processor = board.processors[p];
  const double clock = khz_share(processor, point);
  if (processor.kind == ProcessorKind::kCpu) {
    const ThreadWork work = cpu_work(workload, member, cores, 1);
    return work.compute_ms * kFastest / (processor.capacity * clock) + work.memory_ms;
  }
  return std::max(gpu_work(workload, processor, member, 1).compute_ms / clock,
                  launch_work(workload, processor).compute_ms);
}

double busy_w(const Board& board, const Workload& workload, std::size_t p, int cores, std::size_t point,
              const Knowledge& knowledge) {
  const Processor& processor = board.processors[p];
  const bool cpu = processor.kind == ProcessorKind::kCpu;
  const double activity = cpu && knowledge.activity_known ? workload.activity : 1;
  return power_w(processor.power, processor.opps[point], cores * activity, knowledge.celsius) -
         power_w(processor.power, processor.opps[point], 0, knowledge.celsius);
}

}  // namespace

Workload read_workload(const Application& application) {
  const std::string name =
      application.profile.empty() ? std::filesystem::path(application.model).stem().string() : application.profile;
  std::string path;
  try {
    path = find_shipped_file("scenarios/profiles", name);
  } catch (const Error& error) {
    fail(error.code(),
         "application '{}' needs the measured times of its members: {}; make one with limber profile {} --cores 0 "
         "--cores 0,1 --output FILE.json and name it as profile",
         application.name, error.what(), application.model);
  }
  const Profile profile = read_profile(path);
  Workload workload;
  workload.work_ms = application.work_ms;
  workload.memory_share = application.memory_share;
  workload.activity = application.activity;
  workload.kernels = application.kernels;
  for (const OperatingPoint& point : profile.points) {
    if (point.exit >= 0 || point.batch != 1 || point.cores.size() != 1) continue;
    WorkMember member{point.member, point.accuracy ? point.accuracy->top1 : -1, point.median_ms, 0};
    if (member.accuracy < 0)
      fail(ErrorCode::kBadFile, "{}: member '{}' has no accuracy; measure it with limber eval --store", path,
           member.name);
    if (const OperatingPoint* two = find_point(profile, point.member, 2, 1); two != nullptr)
      member.serial = std::clamp(2 * two->median_ms / point.median_ms - 1, 0.0, 1.0);
    workload.members.push_back(member);
  }
  if (workload.members.empty()) fail(ErrorCode::kBadFile, "{}: no point of one image on one core", path);
  std::stable_sort(workload.members.begin(), workload.members.end(),
                   [](const WorkMember& a, const WorkMember& b) { return a.share < b.share; });
  const double largest = workload.members.back().share;
  for (WorkMember& member : workload.members) member.share /= largest;
  return workload;
}

ThreadWork cpu_work(const Workload& workload, int member, int cores, double work) {
  const WorkMember& m = workload.members.at(static_cast<std::size_t>(member));
  const double all = workload.work_ms * m.share * work * (m.serial + (1 - m.serial) / cores);
  return {all * (1 - workload.memory_share), all * workload.memory_share};
}

ThreadWork gpu_work(const Workload& workload, const Processor& gpu, int member, double work) {
  return {workload.work_ms * workload.members.at(static_cast<std::size_t>(member)).share * work / gpu.speed, 0};
}

ThreadWork launch_work(const Workload& workload, const Processor& gpu) {
  return {static_cast<double>(workload.kernels) * gpu.launch_us * 1e-3, 0};
}

bool runs_networks(const Processor& processor) {
  return processor.kind == ProcessorKind::kCpu || processor.speed > 0;
}

std::vector<ManagedProcessor> known_processors(const Board& board, const Knowledge& knowledge) {
  Perturbed perturbed(knowledge, 1);
  std::vector<ManagedProcessor> result;
  for (const Processor& processor : board.processors) {
    ManagedProcessor known;
    known.name = processor.name;
    known.cpu = processor.kind == ProcessorKind::kCpu;
    known.cores = static_cast<int>(processor.cores());
    known.switch_ms = (processor.actuation_us + processor.stall_us) * 1e-3;
    for (const OperatingPerformancePoint& opp : processor.opps) {
      known.khz.push_back(opp.khz);
      known.idle_w.push_back(perturbed(power_w(processor.power, opp, 0, knowledge.celsius)));
    }
    result.push_back(std::move(known));
  }
  return result;
}

ManagedApplication known_application(const Board& board, const Application& application, const Workload& workload,
                                     const Knowledge& knowledge) {
  uint64_t stream = 2;
  for (const char c : application.name) stream = stream * 131 + static_cast<unsigned char>(c);
  Perturbed perturbed(knowledge, stream);
  ManagedApplication result;
  result.name = application.name;
  for (const WorkMember& member : workload.members) result.members.push_back({member.name, member.accuracy});
  for (std::size_t p = 0; p < board.processors.size(); ++p) {
    const Processor& processor = board.processors[p];
    if (!runs_networks(processor)) continue;
    for (int member = 0; member < static_cast<int>(workload.members.size()); ++member) {
      for (int cores = 1; cores <= static_cast<int>(processor.cores()); ++cores) {
        ManagedOption option{member, p, cores, {}, {}};
        for (std::size_t point = 0; point < processor.opps.size(); ++point) {
          option.ms.push_back(perturbed(time_ms(board, workload, member, p, cores, point)));
          option.busy_w.push_back(perturbed(busy_w(board, workload, p, cores, point, knowledge)));
        }
        result.options.push_back(std::move(option));
      }
    }
  }
  result.target.deadline_ms = application.deadline();
  result.target.rate_hz = mean_rate_hz(application.arrivals);
  result.target.accuracy = accuracy_floor(application, workload);
  result.target.weight = application.weight;
  return result;
}

double accuracy_floor(const Application& application, const Workload& workload) {
  const double largest = workload.members.back().accuracy;
  switch (application.floor) {
    case FloorKind::kLargest:
      return largest;
    case FloorKind::kMinusOne:
      return largest - 0.01;
    case FloorKind::kFree:
      return 0;
  }
  return 0;
}

}  // namespace limber::tool
