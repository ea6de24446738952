// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/peer_onnxruntime.h"

#include <dlfcn.h>
#include <onnxruntime_c_api.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace limber::tool {
namespace {

namespace fs = std::filesystem;

std::string find_library() {
  const char* named = std::getenv("ONNXRUNTIME_ROOT");
  const bool is_named = named != nullptr && *named != '\0';
  const std::string root = is_named ? named : LIMBER_ONNXRUNTIME_ROOT;
  if (root.empty()) return "libonnxruntime.so";
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root + "/lib", error)) {
    if (entry.path().filename().string().starts_with("libonnxruntime.so")) found.push_back(entry.path().string());
  }
  if (found.empty())
    fail(ErrorCode::kNotFound, "ONNX Runtime: no libonnxruntime.so in {}/lib; ONNXRUNTIME_ROOT names its folder", root);
  return *std::min_element(found.begin(), found.end());
}

struct Runtime {
  void* library = nullptr;
  const OrtApi* api = nullptr;
  OrtEnv* env = nullptr;
  OrtSessionOptions* options = nullptr;
  OrtSession* session = nullptr;
  OrtMemoryInfo* memory = nullptr;
  OrtIoBinding* binding = nullptr;
  OrtValue* values[2] = {nullptr, nullptr};  // input, output
  std::vector<float> data[2];
  std::string version, settings;

  ~Runtime() {
    if (api != nullptr) {
      if (binding != nullptr) api->ReleaseIoBinding(binding);
      for (OrtValue* value : values) {
        if (value != nullptr) api->ReleaseValue(value);
      }
      if (memory != nullptr) api->ReleaseMemoryInfo(memory);
      if (session != nullptr) api->ReleaseSession(session);
      if (options != nullptr) api->ReleaseSessionOptions(options);
      if (env != nullptr) api->ReleaseEnv(env);
    }
    // The library stays open: it has threads and static state that do not survive being unloaded.
  }

  void good(OrtStatus* status) const {
    if (status == nullptr) return;
    const std::string message = api->GetErrorMessage(status);
    api->ReleaseStatus(status);
    fail(ErrorCode::kUnsupported, "ONNX Runtime {}: {}", version, message);
  }

  void bind(bool output) {
    OrtTypeInfo* type = nullptr;
    good(output ? api->SessionGetOutputTypeInfo(session, 0, &type) : api->SessionGetInputTypeInfo(session, 0, &type));
    const std::unique_ptr<OrtTypeInfo, decltype(api->ReleaseTypeInfo)> owner(type, api->ReleaseTypeInfo);
    const OrtTensorTypeAndShapeInfo* shape = nullptr;
    good(api->CastTypeInfoToTensorInfo(type, &shape));
    std::size_t rank = 0;
    good(api->GetDimensionsCount(shape, &rank));
    std::vector<int64_t> extents(rank);
    good(api->GetDimensions(shape, extents.data(), rank));
    for (const int64_t extent : extents) {
      if (extent < 1) fail(ErrorCode::kUnsupported, "ONNX Runtime: the model has a tensor without fixed extents");
    }
    data[output].assign(
        static_cast<std::size_t>(std::accumulate(extents.begin(), extents.end(), int64_t{1}, std::multiplies<>())),
        0.0f);
    good(api->CreateTensorWithDataAsOrtValue(memory, data[output].data(), data[output].size() * sizeof(float),
                                             extents.data(), rank, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                                             &values[output]));
    OrtAllocator* allocator = nullptr;
    good(api->GetAllocatorWithDefaultOptions(&allocator));
    char* name = nullptr;
    good(output ? api->SessionGetOutputName(session, 0, allocator, &name)
                : api->SessionGetInputName(session, 0, allocator, &name));
    OrtStatus* status =
        output ? api->BindOutput(binding, name, values[output]) : api->BindInput(binding, name, values[output]);
    good(api->AllocatorFree(allocator, name));
    good(status);
  }
};

void open(Runtime& runtime, const std::string& model, const std::string& library, const std::vector<int>& cores) {
  const std::string path = library.empty() ? find_library() : library;
  runtime.library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (runtime.library == nullptr) fail(ErrorCode::kNotFound, "ONNX Runtime: {}", dlerror());
  using GetBase = const OrtApiBase* (*)();
  const auto get_base = reinterpret_cast<GetBase>(dlsym(runtime.library, "OrtGetApiBase"));
  if (get_base == nullptr) fail(ErrorCode::kNotFound, "ONNX Runtime: {} has no OrtGetApiBase", path);
  runtime.version = get_base()->GetVersionString();
  runtime.api = get_base()->GetApi(ORT_API_VERSION);
  if (runtime.api == nullptr) {
    fail(ErrorCode::kUnsupported, "ONNX Runtime {} in {} is older than the header (API {}) that this was built with",
         runtime.version, path, ORT_API_VERSION);
  }
  runtime.good(runtime.api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "limber", &runtime.env));
  runtime.good(runtime.api->CreateSessionOptions(&runtime.options));
  const auto set = [&](const char* key, const std::string& value) {
    runtime.good(runtime.api->AddSessionConfigEntry(runtime.options, key, value.c_str()));
  };
  runtime.good(runtime.api->SetIntraOpNumThreads(runtime.options, static_cast<int>(cores.size())));
  set("session.intra_op.allow_spinning", cores.size() > 1 ? "1" : "0");
  set("session.inter_op.allow_spinning", "0");
  // From one inference to the next, but not into the next contender's turn: left alone, they spin for longer than bench
  // waits, and everyone else computes with half of the cores. Versions that do not know this entry ignore runtime.
  set("session.intra_op.spin_duration_us", "5000");
  std::string affinities;  // of the threads beside the caller's; it counts from 1
  for (std::size_t i = 1; i < cores.size(); ++i) affinities += fmt::format("{}{}", i > 1 ? ";" : "", cores[i] + 1);
  if (!affinities.empty()) set("session.intra_op_thread_affinities", affinities);
  runtime.settings = fmt::format("{} intra-op thread{}, {}, sequential, all graph optimisations", cores.size(),
                                 cores.size() > 1 ? "s" : "", cores.size() > 1 ? "spinning up to 5 ms" : "no spinning");
  runtime.good(runtime.api->SetInterOpNumThreads(runtime.options, 1));
  runtime.good(runtime.api->SetSessionExecutionMode(runtime.options, ORT_SEQUENTIAL));
  runtime.good(runtime.api->SetSessionGraphOptimizationLevel(runtime.options, ORT_ENABLE_ALL));
  runtime.good(
      runtime.api->CreateSessionFromArray(runtime.env, model.data(), model.size(), runtime.options, &runtime.session));
  runtime.good(runtime.api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &runtime.memory));
  runtime.good(runtime.api->CreateIoBinding(runtime.session, &runtime.binding));
  runtime.bind(false);
  runtime.bind(true);
}

class OnnxRuntimePeer : public PeerSession {
 public:
  OnnxRuntimePeer(const std::string& model, const std::string& library, const std::vector<int>& cores) {
    open(runtime_, model, library, cores);
  }

  std::span<float> input() override { return runtime_.data[0]; }
  std::span<const float> output() override { return runtime_.data[1]; }
  void run() override { runtime_.good(runtime_.api->RunWithBinding(runtime_.session, nullptr, runtime_.binding)); }
  const std::string& version() const override { return runtime_.version; }
  const std::string& settings() const override { return runtime_.settings; }

 private:
  Runtime runtime_;
};

}  // namespace

std::unique_ptr<PeerSession> make_onnxruntime_peer(const std::string& model, const std::string& library,
                                                   const std::vector<int>& cores) {
  return std::make_unique<OnnxRuntimePeer>(model, library, cores);
}

}  // namespace limber::tool
