// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.h"

#include <ATen/Context.h>
#include <dlfcn.h>
#include <malloc.h>

#include "base/error.h"
#include "formats/model_file.h"
#include "train/incremental.h"
#include "train/super_network.h"
#include "train/tensors.h"

namespace limber::train {
namespace {

// libtorch allocates and frees the same large blocks for every batch; without this each one is mapped and cleared anew.
void set_up_torch(int threads, torch::Device device) {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 2147483647);
  mallopt(M_TOP_PAD, 256 << 20);
  at::set_num_threads(threads);
  // OpenBLAS keeps threads of its own, which spin on other trainings' cores; another BLAS has no such function.
  if (auto* const set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(threads);
  at::globalContext().setFlushDenormal(true);
  at::globalContext().setAllowTF32CuBLAS(device.is_cuda());  // as convolutions do there anyway
}

std::unique_ptr<Processes> meet(const Recipe& recipe, const TrainingData& data, const TrainOptions& options) {
  if (options.nodes == 1) return nullptr;
  if (recipe.phases.empty())
    fail(ErrorCode::kUnsupported,
         "{}: several processes train super-networks only; channel groups train in one (recipes with [[phase]] "
         "sections are super-networks)",
         recipe.path);
  return std::make_unique<Processes>(options.nodes, options.rank, options.rendezvous,
                                     recipe.text + "\n" + data.train.hash, options.process_timeout_seconds);
}

TrainResult run(const Recipe& recipe, const Graph& graph, const TrainingData& data, const TrainOptions& options) {
  const torch::Device device = device_named(options.device);
  set_up_torch(options.threads, device);
  if (!device.is_cpu() && options.nodes > 1)
    fail(ErrorCode::kUnsupported, "several processes train on the CPU only; leave device {} out", options.device);
  std::optional<Network> start;
  if (!recipe.start.empty()) {
    try {
      start = read_model(recipe.start);
    } catch (const Error& error) {
      fail(error.code(), "{}: start: {}; train that model first, or give another one", recipe.path, error.what());
    }
    if (options.note)
      options.note(fmt::format("weights start from {} where it has a tensor of the same name", recipe.start));
  }
  const Network* from = start ? &*start : nullptr;
  const std::unique_ptr<Processes> processes = meet(recipe, data, options);
  std::unique_ptr<Learner> learner;
  if (recipe.phases.empty())
    learner = std::make_unique<IncrementalLearner>(recipe, graph, data, options, from);
  else
    learner = std::make_unique<SuperNetworkLearner>(recipe, graph, data, options, from, processes.get());
  return run_training(recipe, graph, data, options, from, *learner, processes.get());
}

}  // namespace

TrainResult train(const Recipe& recipe, const Graph& graph, const TrainingData& data, const TrainOptions& options) {
  try {
    return run(recipe, graph, data, options);
  } catch (const c10::Error& error) {
    fail(ErrorCode::kInternal, "libtorch: {}", error.what_without_backtrace());
  }
}

}  // namespace limber::train
