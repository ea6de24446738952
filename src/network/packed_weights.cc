// SPDX-License-Identifier: Apache-2.0
#include "network/packed_weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/half.h"

namespace limber {
namespace {

constexpr int kLayoutVersion = 2;      // raise when the packed bytes change for the same recipe
constexpr std::size_t kHeader = 4096;  // a page: the weights start on one

// Catches torn and flipped bytes, not malice: whoever can write the cache can write the program.
uint64_t checksum(std::span<const std::byte> bytes, uint64_t seed) {
  uint64_t lanes[4] = {seed, seed + 1, seed + 2, seed + 3};
  const auto mix = [](uint64_t state, uint64_t word) {
    state = (state ^ word) * 0x9e3779b97f4a7c15u;
    return state ^ state >> 29;
  };
  std::size_t at = 0;
  for (; at + 32 <= bytes.size(); at += 32) {
    uint64_t words[4];
    std::memcpy(words, bytes.data() + at, 32);
    for (int lane = 0; lane < 4; ++lane) lanes[lane] = mix(lanes[lane], words[lane]);
  }
  for (; at < bytes.size(); ++at) lanes[0] = mix(lanes[0], static_cast<uint64_t>(bytes[at]));
  return mix(mix(mix(mix(bytes.size(), lanes[0]), lanes[1]), lanes[2]), lanes[3]);
}

std::string default_directory() {
  const auto get = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  if (const std::string own = get("LIMBER_CACHE"); !own.empty()) return own;
  if (const std::string cache = get("XDG_CACHE_HOME"); !cache.empty()) return cache + "/limber";
  if (const std::string home = get("HOME"); !home.empty()) return home + "/.cache/limber";
  return "";
}

// The centre crop of every kernel, as a row vector, times the matrix (papers: OFA's 7 -> 5 -> 3).
std::vector<float> transform(const std::vector<float>& weights, const KernelTransform& step,
                             const std::vector<float>& matrix) {
  const int64_t from = step.from, to = step.to, border = (from - to) / 2, taps = to * to;
  const int64_t kernels = static_cast<int64_t>(weights.size()) / (from * from);
  std::vector<float> result(static_cast<std::size_t>(kernels * taps));
  std::vector<float> crop(static_cast<std::size_t>(taps));
  for (int64_t kernel = 0; kernel < kernels; ++kernel) {
    const float* source = weights.data() + kernel * from * from;
    for (int64_t tap = 0; tap < taps; ++tap) {
      crop[static_cast<std::size_t>(tap)] = source[(tap / to + border) * from + tap % to + border];
    }
    for (int64_t out = 0; out < taps; ++out) {
      double sum = 0;
      for (int64_t in = 0; in < taps; ++in) {
        sum += static_cast<double>(crop[static_cast<std::size_t>(in)]) *
               static_cast<double>(matrix[static_cast<std::size_t>(out * taps + in)]);
      }
      result[static_cast<std::size_t>(kernel * taps + out)] = static_cast<float>(sum);
    }
  }
  return result;
}

}  // namespace

PackedWeights::PackedWeights(const Network& network) : hash_(network.hash) {
  for (const Tensor& tensor : network.tensors) by_name_[tensor.name] = &tensor;
}

std::vector<float> PackedWeights::values(const std::string& name) const {
  const Tensor& tensor = *by_name_.at(name);
  int64_t count = 1;
  for (int64_t extent : tensor.shape) count *= extent;
  std::vector<float> result(static_cast<std::size_t>(count));
  if (tensor.dtype == DType::kF32) {
    std::memcpy(result.data(), tensor.bytes.data(), tensor.bytes.size());
  } else {
    for (std::size_t i = 0; i < result.size(); ++i) {
      uint16_t half;
      std::memcpy(&half, tensor.bytes.data() + 2 * i, 2);
      result[i] = half_to_float(half);
    }
  }
  return result;
}

std::size_t PackedWeights::add(const Node& node, int64_t kernel, const Blocks& blocks, bool half) {
  const auto [found, added] = index_.emplace(fmt::format("{} {}", node.weight, kernel), tensors_.size());
  if (added) {
    const std::vector<int64_t>& shape = by_name_.at(node.weight)->shape;
    PackedTensor tensor{&node, kernel, blocks, shape[1], shape.size() == 4 ? shape[2] : 1, half, bytes_};
    bytes_ += tensor.bytes();
    tensors_.push_back(tensor);
  }
  return found->second;
}

// [n][k][tap] to panels.
template <typename Value>
void PackedWeights::spread(const PackedTensor& tensor, const Value* from, Value* to) {
  const int64_t taps = tensor.taps();
  for (int64_t n = 0; n < tensor.blocks.channels; ++n) {
    const int64_t lane = tensor.blocks.lane_of(n);
    for (int64_t k = 0; k < tensor.k; ++k) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        to[((lane / 16 * taps + tap) * tensor.k + k) * 16 + lane % 16] = from[(n * tensor.k + k) * taps + tap];
      }
    }
  }
}

void PackedWeights::pack(const PackedTensor& tensor, std::byte* to) const {
  if (tensor.half) {
    const Tensor& stored = *by_name_.at(tensor.node->weight);
    std::vector<uint16_t> halves(stored.bytes.size() / 2);  // the file's bytes need not be aligned
    std::memcpy(halves.data(), stored.bytes.data(), stored.bytes.size());
    return spread(tensor, halves.data(), reinterpret_cast<uint16_t*>(to));
  }
  std::vector<float> weights = values(tensor.node->weight);
  std::vector<const KernelTransform*> steps;
  for (int64_t kernel = tensor.kernel; kernel != tensor.stored_kernel; kernel = steps.back()->from) {
    steps.push_back(&*std::find_if(tensor.node->transforms.begin(), tensor.node->transforms.end(),
                                   [&](const KernelTransform& step) { return step.to == kernel; }));
  }
  for (auto step = steps.rbegin(); step != steps.rend(); ++step)
    weights = transform(weights, **step, values((*step)->matrix));
  spread(tensor, weights.data(), reinterpret_cast<float*>(to));
}

std::string PackedWeights::recipe(const PackOptions& options) const {
  std::string text = fmt::format("limber packed weights {}\nweights {}\nisa {}\n", kLayoutVersion, hash_, options.isa);
  for (const PackedTensor& tensor : tensors_) {
    text += fmt::format("{} {} {} {} {}\n", tensor.node->weight, tensor.half ? "f16" : "f32", tensor.kernel, tensor.k,
                        fmt::join(tensor.blocks.starts, " "));
    for (const KernelTransform& step : tensor.node->transforms)
      text += fmt::format(" {} {} {}\n", step.from, step.to, step.matrix);
  }
  return text;
}

bool PackedWeights::map_cache(const std::string& header) {
  try {
    MappedFile file(path_);
    const auto bytes = static_cast<std::size_t>(bytes_);
    if (file.size() != kHeader + bytes) return false;
    if (std::memcmp(file.bytes().data(), header.data(), header.size()) != 0) return false;
    uint64_t stored;
    std::memcpy(&stored, file.bytes().data() + kHeader - sizeof stored, sizeof stored);
    if (stored != checksum(file.bytes().subspan(kHeader), header.size())) return false;
    file_ = std::move(file);
  } catch (const Error&) {  // missing or unreadable: the caller packs
    return false;
  }
  data_ = file_.bytes().data() + kHeader;
  memory_ = {};
  return true;
}

void PackedWeights::write_cache(const std::string& header) {
  const std::span<const std::byte> bytes = memory_.bytes();
  std::string first = header;
  first.resize(kHeader, '\0');
  const uint64_t sum = checksum(bytes, header.size());
  std::memcpy(first.data() + kHeader - sizeof sum, &sum, sizeof sum);
  std::error_code ignored;  // AtomicFile says whether the folder can be used
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
  AtomicFile file(path_);
  file.write(first);
  file.write(bytes);
  file.commit();
}

void PackedWeights::build(const PackOptions& options) {
  std::string header;
  if (options.use_cache && !hash_.empty() && bytes_ > 0) {
    const std::string directory = options.directory.empty() ? default_directory() : options.directory;
    const std::string text = recipe(options);
    const auto characters = std::as_bytes(std::span(text));
    const uint64_t first = checksum(characters, 1), second = checksum(characters, 2);
    header = fmt::format("limber packed weights {} {:016x}{:016x} {}\n", kLayoutVersion, first, second, bytes_);
    if (!directory.empty()) path_ = fmt::format("{}/{:016x}{:016x}.packed", directory, first, second);
    if (!path_.empty() && map_cache(header)) return;
  }
  memory_ = AlignedBuffer(static_cast<std::size_t>(bytes_));
  std::byte* const memory = memory_.data();
  for (const PackedTensor& tensor : tensors_) pack(tensor, memory + tensor.offset);
  data_ = memory;
  if (path_.empty()) return;
  try {
    write_cache(header);
    map_cache(header);  // from here on shared; if it cannot be mapped, the private copy serves
  } catch (const Error&) {
    // A cache that cannot be written costs memory, not answers; Memory::packed_shared tells.
  }
}

}  // namespace limber
