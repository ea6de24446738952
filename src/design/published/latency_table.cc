// SPDX-License-Identifier: Apache-2.0
#include "design/published/latency_table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/json_fields.h"

namespace limber {
namespace {

struct Stage {
  int64_t channels, stride;
  bool excite, hard_swish;
};
constexpr int64_t kStem = 24;
constexpr std::array<Stage, kOfaStages> kStages = {
    {{32, 2, false, false}, {48, 2, true, false}, {96, 2, false, true}, {136, 1, true, true}, {192, 2, true, true}}};
constexpr std::array<int64_t, 3> kKernels = {3, 5, 7}, kExpands = {3, 4, 6};

std::string block_key(int64_t size, int64_t channels, int64_t next_size, int64_t next_channels, int64_t middle,
                      int64_t kernel, int64_t stride, bool residual, bool excite, bool hard_swish) {
  return fmt::format(
      "expanded_conv-input:{0}x{0}x{1}-output:{2}x{2}x{3}-expand:{4}-kernel:{5}-stride:{6}-idskip:{7:d}-se:{8:d}-hs:{9:"
      "d}",
      size, channels, next_size, next_channels, middle, kernel, stride, static_cast<int>(residual),
      static_cast<int>(excite), static_cast<int>(hard_swish));
}

// One resolution's table; every look-up is checked.
class Layers {
 public:
  Layers(const Json& table, std::string where) : table_(table), where_(std::move(where)) {
    if (!table.is_object()) fail(ErrorCode::kBadFile, "{}: not an object of layers", where_);
  }
  double mean(const std::string& key) const {
    const auto found = table_.find(key);
    if (found == table_.end()) fail(ErrorCode::kBadFile, "{}: layer '{}' is missing", where_, key);
    const std::string place = fmt::format("{}: layer '{}'", where_, key);
    const Json& entry = json_array(*found, place);
    if (entry.size() != 3 || !entry[0].is_number() || !(entry[0].get<double>() > 0) || entry[0].get<double>() > 1e6)
      fail(ErrorCode::kBadFile, "{} is not [mean, deviation, count] with a mean above 0, up to 1e6 ms", place);
    return entry[0].get<double>();
  }

 private:
  const Json& table_;
  std::string where_;
};

std::size_t place_of(const std::array<int64_t, 3>& legal, int64_t value, const char* what, int slot) {
  for (std::size_t i = 0; i < legal.size(); ++i) {
    if (legal[i] == value) return i;
  }
  fail(ErrorCode::kInvalidArgument, "published table: {} {} in block {}; legal: {}", what, value, slot,
       fmt::join(legal, ", "));
}

}  // namespace

PublishedLatencyTable::PublishedLatencyTable(const std::string& folder, const std::string& device) {
  if (device != "gpu" && device != "cpu")
    fail(ErrorCode::kInvalidArgument, "no published table for '{}'; legal: gpu, cpu", device);
  const std::string path = folder + "/" + device + ".json";
  const MappedFile file(path);
  const Json json =
      parse_json({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, path);  // NOLINT: text
  const Fields fields(json, path, {"source", "device", "unit", "value", "key", "resolutions", "tables"});
  resolutions_ = fields.integers("resolutions");
  const Json& tables = fields.value("tables");
  for (const int64_t resolution : resolutions_) {
    const std::string name = std::to_string(resolution), where = fmt::format("{}: tables['{}']", path, name);
    if (!tables.is_object() || !tables.contains(name)) fail(ErrorCode::kBadFile, "{} is missing", where);
    const Layers layers(tables[name], where);
    Sums& sums = sums_[resolution];
    int64_t size = (resolution + 1) / 2, channels = kStem;
    sums.fixed = layers.mean(fmt::format("Conv-input:{0}x{0}x3-output:{1}x{1}x{2}", resolution, size, kStem)) +
                 layers.mean(block_key(size, kStem, size, kStem, kStem, 3, 1, true, false, false));
    for (std::size_t slot = 0; slot < kOfaSlots; ++slot) {
      const Stage& stage = kStages[slot / kOfaBlocks];
      const bool first = slot % kOfaBlocks == 0;
      const int64_t stride = first ? stage.stride : 1, next = (size - 1) / stride + 1;
      for (std::size_t k = 0; k < 3; ++k) {
        for (std::size_t e = 0; e < 3; ++e) {
          sums.blocks[slot][k][e] = layers.mean(block_key(size, channels, next, stage.channels, channels * kExpands[e],
                                                          kKernels[k], stride, !first, stage.excite, stage.hard_swish));
        }
      }
      size = next;
      channels = stage.channels;
    }
    sums.fixed += layers.mean(fmt::format("Conv_1-input:{0}x{0}x192-output:{0}x{0}x1152", size)) +
                  layers.mean(fmt::format("AvgPool2D-input:{0}x{0}x1152-output:1x1x1152", size)) +
                  layers.mean("Conv_2-input:1x1x1152-output:1x1x1536") +
                  layers.mean("Logits-input:1x1x1536-output:1000");
  }
}

double PublishedLatencyTable::latency_ms(const OfaChoice& choice) const {
  const auto found = sums_.find(choice.resolution);
  if (found == sums_.end()) {
    fail(ErrorCode::kInvalidArgument, "published table: no resolution {}; legal: {}", choice.resolution,
         fmt::join(resolutions_, ", "));
  }
  double sum = found->second.fixed;
  for (int slot = 0; slot < kOfaSlots; ++slot) {
    if (!choice.active(slot)) continue;
    const auto i = static_cast<std::size_t>(slot);
    sum += found->second.blocks[i][place_of(kKernels, choice.kernel[i], "kernel", slot)]
                               [place_of(kExpands, choice.expand[i], "expansion", slot)];
  }
  return sum;
}

}  // namespace limber
