// SPDX-License-Identifier: Apache-2.0
// The file of a block table; what it means is in block_table.cc.
#include <cmath>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "design/block_table.h"
#include "formats/json_fields.h"

namespace limber {
namespace {

constexpr const char* kFormat = "limber-blocks";
constexpr int64_t kVersion = 1;
constexpr std::size_t kMostBlocks = 1'000'000;

double within(const Fields& fields, const char* key, double least, double most) {
  const double value = fields.number(key);
  if (!(value >= least) || value > most)
    fail(ErrorCode::kBadFile, "{} is {}; legal: {} to {}", fields.at(key), value, least, most);
  return value;
}

int64_t counted(const Fields& fields, const char* key) {
  const int64_t value = fields.integer(key);
  if (value < 0) fail(ErrorCode::kBadFile, "{} is {}; legal: 0 or more", fields.at(key), value);
  return value;
}

BlockTableKey parse_key(const Json& value, const std::string& where) {
  const Fields fields(value, where,
                      {"network", "precision", "isa", "cpu_model", "logical_cpus", "core", "governor", "frequency_khz",
                       "limber", "date"});
  BlockTableKey key;
  key.network = fields.text("network");
  key.precision = fields.text("precision");
  key.isa = fields.text("isa");
  key.cpu_model = fields.text("cpu_model");
  key.logical_cpus = static_cast<int>(within(fields, "logical_cpus", 0, 1 << 16));
  key.core = static_cast<int>(within(fields, "core", 0, 1 << 16));
  key.governor = fields.text("governor");
  key.frequency_khz = counted(fields, "frequency_khz");
  key.limber = fields.text("limber");
  key.date = fields.text("date");
  return key;
}

}  // namespace

BlockTable parse_block_table(const std::string& text, const std::string& where) {
  const Json json = parse_json(text, where);
  if (!json.is_object() || !json.contains("format") || json["format"] != kFormat)
    fail(ErrorCode::kBadFile,
         "{}: this is not a block table (no \"format\": \"{}\"); `limber profile --blocks` writes one", where, kFormat);
  if (!json.contains("version") || json["version"] != kVersion)
    fail(ErrorCode::kBadFile, "{}: another version of the format than {}: measure again with limber profile --blocks",
         where, kVersion);
  const Fields fields(json, where, {"format", "version", "key", "overhead_ms", "check", "energy", "blocks"});
  BlockTable table;
  table.key = parse_key(fields.value("key"), fields.at("key"));
  table.overhead_ms = within(fields, "overhead_ms", 0, 1e9);
  if (!fields.value("check").is_null()) {
    const Fields check(fields.value("check"), fields.at("check"), {"sub_networks", "mean_error", "worst_error"});
    table.check = {counted(check, "sub_networks"), within(check, "mean_error", 0, 1e9),
                   within(check, "worst_error", 0, 1e9)};
  }
  if (!fields.value("energy").is_null()) {
    const Fields energy(fields.value("energy"), fields.at("energy"), {"watts", "sensor"});
    table.energy = {within(energy, "watts", 0, 1e6), energy.text("sensor")};
  }
  const Json& blocks = fields.array("blocks");
  if (blocks.empty() || blocks.size() > kMostBlocks)
    fail(ErrorCode::kBadFile, "{}: {} blocks; legal: 1 to {}", where, blocks.size(), kMostBlocks);
  for (const Json& value : blocks) {
    const Fields block(value, fmt::format("{}: block {}", where, table.blocks.size()),
                       {"shape", "median_ms", "deviation_ms", "samples", "left_out", "unreliable"});
    BlockTime time;
    time.median_ms = within(block, "median_ms", 0, 1e9);
    time.deviation_ms = within(block, "deviation_ms", 0, 1e9);
    time.samples = counted(block, "samples");
    time.left_out = counted(block, "left_out");
    time.unreliable = block.boolean("unreliable", false);
    if (!table.blocks.emplace(block.text("shape"), time).second)
      fail(ErrorCode::kBadFile, "{}: the shape '{}' is there twice", block.where(), block.text("shape"));
  }
  return table;
}

BlockTable read_block_table(const std::string& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  return parse_block_table({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

std::string print_block_table(const BlockTable& table) {
  const BlockTableKey& key = table.key;
  const Json header = {{"network", key.network},
                       {"precision", key.precision},
                       {"isa", key.isa},
                       {"cpu_model", key.cpu_model},
                       {"logical_cpus", key.logical_cpus},
                       {"core", key.core},
                       {"governor", key.governor},
                       {"frequency_khz", key.frequency_khz},
                       {"limber", key.limber},
                       {"date", key.date}};
  Json check, energy;
  if (table.check) {
    check = {{"sub_networks", table.check->sub_networks},
             {"mean_error", table.check->mean_error},
             {"worst_error", table.check->worst_error}};
  }
  if (table.energy) energy = {{"watts", table.energy->watts}, {"sensor", table.energy->sensor}};
  // A block a line, for people and for diff.
  std::string text = fmt::format(
      "{{\"format\": \"{}\", \"version\": {},\n \"key\": {},\n \"overhead_ms\": {}, \"check\": {}, \"energy\": {},\n "
      "\"blocks\": [",
      kFormat, kVersion, print_json(header), table.overhead_ms, print_json(check), print_json(energy));
  bool first = true;
  for (const auto& [shape, time] : table.blocks) {
    text += first ? "\n  " : ",\n  ";
    text += print_json({{"shape", shape},
                        {"median_ms", time.median_ms},
                        {"deviation_ms", time.deviation_ms},
                        {"samples", time.samples},
                        {"left_out", time.left_out},
                        {"unreliable", time.unreliable}});
    first = false;
  }
  return text + "\n]}\n";
}

void write_block_table(const BlockTable& table, const std::string& path) {
  const std::string text = print_block_table(table);
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace limber
