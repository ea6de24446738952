// SPDX-License-Identifier: Apache-2.0
#include "formats/name_mapping.h"

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/json_fields.h"

namespace limber {
namespace {

constexpr const char* kFormat = "limber-mapping";

std::regex expression(const Json& json, const std::string& where) {
  const std::string text = json_text(json, where);
  try {
    return std::regex(text);
  } catch (const std::regex_error& error) {
    fail(ErrorCode::kBadFile, "{}: '{}' is no regular expression: {}", where, text, error.what());
  }
}

std::vector<NameMapping::Rewrite> rewrites(const Fields& fields, const char* key) {
  std::vector<NameMapping::Rewrite> result;
  if (!fields.has(key)) return result;
  for (const Json& item : fields.array(key)) {
    const std::string where = fields.at(key);
    if (json_array(item, where).size() != 2) {
      fail(ErrorCode::kBadFile, "{}: found {}, expected [pattern, replacement]", where, print_json(item));
    }
    result.emplace_back(expression(item[0], where), json_text(item[1], where));
  }
  return result;
}

std::vector<int64_t> axes_of(const Fields& fields) {
  std::vector<int64_t> axes = fields.integers("axes");
  if (axes.empty()) fail(ErrorCode::kBadFile, "{}: no axes; give e.g. [1, 0]", fields.at("axes"));
  std::vector<bool> seen(axes.size(), false);
  for (const int64_t axis : axes) {
    if (axis < 0 || axis >= static_cast<int64_t>(axes.size()) || seen[static_cast<std::size_t>(axis)]) {
      fail(ErrorCode::kBadFile, "{}: {} is not legal: each of 0 to {} once", fields.at("axes"), axis, axes.size() - 1);
    }
    seen[static_cast<std::size_t>(axis)] = true;
  }
  return axes;
}

}  // namespace

NameMapping parse_name_mapping(std::string_view text, const std::string& where) {
  const Json json = parse_json(text, where);
  const Fields fields(json, where, {"format", "version", "rename", "alike", "ignore", "transpose", "preprocessing"});
  if (fields.text("format") != kFormat || fields.integer("version") != 1) {
    fail(ErrorCode::kBadFile, "{}: expected format '{}', version 1", where, kFormat);
  }
  NameMapping mapping;
  mapping.rename = rewrites(fields, "rename");
  mapping.alike = rewrites(fields, "alike");
  if (fields.has("ignore")) {
    for (const Json& item : fields.array("ignore")) mapping.ignore.push_back(expression(item, fields.at("ignore")));
  }
  if (fields.has("transpose")) {
    for (const Json& item : fields.array("transpose")) {
      const Fields transpose(item, fields.at("transpose"), {"tensor", "axes"});
      mapping.transpose.emplace_back(expression(transpose.value("tensor"), transpose.at("tensor")), axes_of(transpose));
    }
  }
  if (fields.has("preprocessing")) {
    const Fields numbers(fields.value("preprocessing"), fields.at("preprocessing"), {"mean", "deviation", "crop"});
    mapping.preprocessing = {numbers.numbers("mean"), numbers.numbers("deviation")};
    if (numbers.has("crop")) mapping.preprocessing.crop = numbers.number("crop");
  }
  return mapping;
}

NameMapping read_name_mapping(const std::string& path) {
  const MappedFile file(path);
  return parse_name_mapping({reinterpret_cast<const char*>(file.bytes().data()), file.size()}, path);
}

std::string rewrite(const std::vector<NameMapping::Rewrite>& all, std::string name) {
  try {
    for (const auto& [pattern, replacement] : all) name = std::regex_replace(name, pattern, replacement);
  } catch (const std::regex_error& error) {
    fail(ErrorCode::kInvalidArgument, "'{}': a regular expression of the mapping takes too much: {}", name,
         error.what());
  }
  return name;
}

}  // namespace limber
