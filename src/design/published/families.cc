// SPDX-License-Identifier: Apache-2.0
#include "design/published/families.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/json_fields.h"

namespace limber {
namespace {

template <std::size_t kSize>
std::array<int64_t, kSize> integers(const Fields& fields, const char* key) {
  const std::vector<int64_t> values = fields.integers(key);
  if (values.size() != kSize)
    fail(ErrorCode::kBadFile, "{} has {} values; legal: {}", fields.at(key), values.size(), kSize);
  std::array<int64_t, kSize> result;
  std::copy(values.begin(), values.end(), result.begin());
  return result;
}

double positive(const Fields& fields, const char* key) {
  const double value = fields.number(key);
  if (!(value > 0) || value > 1e6)
    fail(ErrorCode::kBadFile, "{} is {}; legal: above 0, up to 1e6", fields.at(key), value);
  return value;
}

std::vector<PublishedMember> members(const Json& list, const std::string& where) {
  std::vector<PublishedMember> result;
  for (const Json& entry : json_array(list, where)) {
    const Fields fields(
        entry, fmt::format("{}[{}]", where, result.size()),
        {"level", "top1", "latency_ms", "mflops", "lut_gpu_ms", "lut_cpu_ms", "predicted_top1", "r", "d", "ks", "e"});
    PublishedMember member;
    member.choice.resolution = fields.integer("r");
    member.choice.depth = integers<kOfaStages>(fields, "d");
    member.choice.kernel = integers<kOfaSlots>(fields, "ks");
    member.choice.expand = integers<kOfaSlots>(fields, "e");
    member.top1 = positive(fields, "top1") / 100;
    member.latency_ms = positive(fields, "latency_ms");
    member.table_gpu_ms = positive(fields, "lut_gpu_ms");
    member.table_cpu_ms = positive(fields, "lut_cpu_ms");
    member.predicted_top1 = positive(fields, "predicted_top1") / 100;
    result.push_back(member);
  }
  if (result.empty()) fail(ErrorCode::kBadFile, "{} is empty", where);
  return result;
}

std::map<std::string, std::vector<Objectives>> curves(const Json& object, const std::string& where) {
  if (!object.is_object()) fail(ErrorCode::kBadFile, "{}: not an object of curves", where);
  std::map<std::string, std::vector<Objectives>> result;
  for (const auto& [name, points] : object.items()) {
    const std::string place = where + "['" + name + "']";
    for (const Json& point : json_array(points, place)) {
      if (!point.is_array() || point.size() != 2 || !point[0].is_number() || !point[1].is_number())
        fail(ErrorCode::kBadFile, "{}: a point is not [latency, top-1]", place);
      result[name].push_back({point[0].get<double>(), point[1].get<double>() / 100});
    }
  }
  for (const char* needed : {"dynamic_ofa", "autoslim_mnasnet"}) {
    if (!result.contains(needed)) fail(ErrorCode::kBadFile, "{}: curve '{}' is missing", where, needed);
  }
  return result;
}

}  // namespace

PublishedFamilies read_published_families(const std::string& folder) {
  const std::string path = folder + "/families.json";
  const MappedFile file(path);
  const Json json =
      parse_json({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, path);  // NOLINT: text
  const Fields fields(json, path,
                      {"source", "fields", "nets_6", "nets_7", "mflops_points", "figure4", "figure_motivation"});
  const Fields figure(fields.value("figure4"), fields.at("figure4"), {"note", "fig4a_gpu_ms", "fig4b_cpu_ms"});
  PublishedFamilies result;
  result.six = members(fields.value("nets_6"), fields.at("nets_6"));
  result.seven = members(fields.value("nets_7"), fields.at("nets_7"));
  result.gpu = curves(figure.value("fig4a_gpu_ms"), figure.at("fig4a_gpu_ms"));
  result.cpu = curves(figure.value("fig4b_cpu_ms"), figure.at("fig4b_cpu_ms"));
  return result;
}

std::string find_jetson_data(const std::string& data) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const char* variable = std::getenv("LIMBER_DATA");
  if (data.empty() && (variable == nullptr || *variable == 0)) {
    fail(ErrorCode::kNotFound,
         "the published Jetson tables are not part of Limber: give their folder with --data, or set LIMBER_DATA to the "
         "folder that has jetson-xavier-nx/");
  }
  const std::string folder = data.empty() ? std::string(variable) + "/jetson-xavier-nx" : data;
  if (!fs::exists(folder + "/families.json", ignored)) {
    fail(ErrorCode::kNotFound,
         "{}: no published Jetson data (families.json, gpu.json, cpu.json, acc_predictor.safetensors)", folder);
  }
  return folder;
}

}  // namespace limber
