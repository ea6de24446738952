// SPDX-License-Identifier: Apache-2.0
// What an application's frames are to a board, and what a manager is told of them. Layer: tool.
#pragma once
#include <string>
#include <vector>

#include "manager/system_policy.h"
#include "platform/simulated/simulated_board.h"
#include "tool/simulate/scenario.h"

namespace limber::tool {

// Relative to the largest member on one core, as `limber profile` measured them on a real machine.
struct WorkMember {
  std::string name;
  double accuracy = 0;  // 0..1, as stored in the model file
  double share = 1;     // of the largest member's time
  // Of the time on one core, the part that more cores do not shorten (Amdahl's law): from the times on one and on two.
  double serial = 0;
};

struct Workload {
  double work_ms = 0;               // of the largest member, one core of capacity 1024 at its highest frequency
  double memory_share = 0;          // of it, that waits for memory whatever the clock
  double activity = 1;              // of the power model
  int64_t kernels = 0;              // launched for a frame, on a GPU
  std::vector<WorkMember> members;  // ascending in cost
};

// Reads the application's profile (by default scenarios/profiles/STEM.json for models/STEM.safetensors): points of one
// image on one core and on two. Fails with kNotFound or kBadFile saying how to make one.
Workload read_workload(const Application& application);

// One of the threads' part of a frame on `cores` cores of a CPU; all threads work until the end (they wait for each
// other actively). `work`: how much more than the median this frame is.
ThreadWork cpu_work(const Workload& workload, int member, int cores, double work);
// On a GPU: its own work, and the launches that a CPU does beside it.
ThreadWork gpu_work(const Workload& workload, const Processor& gpu, int member, double work);
ThreadWork launch_work(const Workload& workload, const Processor& gpu);

// Where networks can run.
bool runs_networks(const Processor& processor);

// The manager's own tables: what the board would do, alone and at `celsius`, off by up to `error` (drawn for every
// number from `seed`), with the activity of ordinary code unless it is known. error 0 and activity_known: the truth.
struct Knowledge {
  double error = 0;
  bool activity_known = false;
  double celsius = 55;
  uint64_t seed = 0;
};
std::vector<ManagedProcessor> known_processors(const Board& board, const Knowledge& knowledge);
ManagedApplication known_application(const Board& board, const Application& application, const Workload& workload,
                                     const Knowledge& knowledge);

// 0..1: what the scenario's floor is for these members.
double accuracy_floor(const Application& application, const Workload& workload);

}  // namespace limber::tool
