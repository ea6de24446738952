// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/scenario.h"

#include <set>
#include <sstream>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/toml_reader.h"

namespace limber::tool {
namespace {

constexpr double kDay = 86'400;
constexpr std::size_t kMostScenarios = 1000;

using Swept = std::vector<std::pair<std::string, std::string>>;

std::string text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  std::ostringstream out;
  node.visit([&](const auto& value) { out << value; });
  return out.str();
}

// The first list of numbers or words below `table`: a sweep. Lists of tables are looked into.
struct Sweep {
  toml::table* table = nullptr;
  std::string key, name;
};

std::optional<Sweep> find_sweep(toml::table& table, const std::string& name) {
  for (auto&& [key, node] : table) {
    const std::string text(key.str());
    const std::string full = name.empty() ? text : name + "." + text;
    if (toml::table* inner = node.as_table()) {
      if (auto found = find_sweep(*inner, name)) return found;
    } else if (toml::array* list = node.as_array()) {
      if (!list->empty() && !list->get(0)->is_table()) return Sweep{&table, text, full};
      for (toml::node& one : *list) {
        toml::table* section = one.as_table();
        if (section == nullptr) continue;
        const std::string own = (*section)["name"].value_or(text);
        if (auto found = find_sweep(*section, own)) return found;
      }
    }
  }
  return std::nullopt;
}

toml::table parse(const std::string& text, const std::string& where) {
  try {
    return toml::parse(text, where);
  } catch (const toml::parse_error& error) {
    fail(ErrorCode::kBadFile, "{}:{}: {}", where, error.source().begin.line, error.description());
  }
}

// Every combination of one value of each list. The text is parsed anew for each, since copies of a table forget their
// lines, which errors name. `picks`: the values taken of the first lists.
void expand(const std::string& text, const std::vector<std::size_t>& picks,
            std::vector<std::pair<toml::table, Swept>>* all, const std::string& where) {
  toml::table table = parse(text, where);
  Swept swept;
  for (const std::size_t pick : picks) {
    const Sweep sweep = *find_sweep(table, "");
    toml::array values = std::move(*sweep.table->get_as<toml::array>(sweep.key));
    swept.emplace_back(sweep.name, text_of(values[pick]));
    std::move(values[pick]).visit([&](auto&& one) { sweep.table->insert_or_assign(sweep.key, std::move(one)); });
  }
  const auto sweep = find_sweep(table, "");
  const std::size_t choices = sweep ? sweep->table->get_as<toml::array>(sweep->key)->size() : 1;
  if (all->size() + choices > kMostScenarios)
    fail(ErrorCode::kBadFile, "{}: its lists make more than {} scenarios", where, kMostScenarios);
  if (!sweep) {
    all->emplace_back(std::move(table), std::move(swept));
    return;
  }
  std::vector<std::size_t> longer = picks;
  longer.push_back(0);
  for (std::size_t& pick = longer.back(); pick < choices; ++pick) expand(text, longer, all, where);
}

Arrivals read_arrivals(TomlReader reader) {
  Arrivals arrivals;
  reader.need("kind", R"("periodic", "poisson", "bursts" or "recorded")");
  reader.word<ArrivalKind>("kind", arrivals.kind,
                           {{"periodic", ArrivalKind::kPeriodic},
                            {"poisson", ArrivalKind::kPoisson},
                            {"bursts", ArrivalKind::kBursts},
                            {"recorded", ArrivalKind::kRecorded}});
  if (arrivals.kind == ArrivalKind::kRecorded) {
    arrivals.file = reader.text("file");
    if (reader.has("policy")) arrivals.policy = reader.text("policy");
    reader.done();
    return arrivals;
  }
  const auto needed = [&](const char* key, double& value, double low, double high) {
    reader.need(key, fmt::format("a number from {} to {}", low, high));
    reader.number(key, value, low, high);
  };
  if (arrivals.kind != ArrivalKind::kPoisson) needed("period_ms", arrivals.period_ms, 0.1, 1e6);
  if (arrivals.kind != ArrivalKind::kPeriodic) needed("rate_hz", arrivals.rate_hz, 1e-3, 1e4);
  if (arrivals.kind == ArrivalKind::kPeriodic) reader.number("jitter_ms", arrivals.jitter_ms, 0, 1e5);
  if (arrivals.kind == ArrivalKind::kBursts) {
    reader.need("burst", "an integer from 1 to 10000");
    reader.integer("burst", arrivals.burst, 1, 10'000);
  }
  reader.done();
  return arrivals;
}

Application read_application(const toml::table& table, const std::string& where) {
  TomlReader reader(table, where, "application.");
  Application result;
  result.name = reader.text("name");
  result.model = reader.text("model");
  if (reader.has("profile")) result.profile = reader.text("profile");
  reader.need("work_ms", "a number from 0.01 to 100000");
  reader.number("work_ms", result.work_ms, 0.01, 1e5);
  reader.number("work_noise", result.work_noise, 0, 1);
  reader.number("memory_share", result.memory_share, 0, 1);
  reader.number("activity", result.activity, 0.01, 10);
  reader.integer("kernels", result.kernels, 1, 100'000);
  result.arrivals = read_arrivals({reader.table("arrivals"), where, "application.arrivals."});
  if (const toml::node* node = reader.find("deadline")) {
    if (text_of(*node) != "period") reader.refuse(*node, "deadline", "\"period\"; a number goes into deadline_ms");
    if (result.arrivals.period_ms <= 0) reader.refuse(*node, "deadline", "deadline_ms, where frames have no period");
  }
  reader.number("deadline_ms", result.deadline_ms, 0.01, 1e6);
  if (result.deadline() <= 0)
    fail(ErrorCode::kBadFile, "{}: application '{}' has no deadline; give deadline_ms", where, result.name);
  reader.word<FloorKind>(
      "accuracy_floor", result.floor,
      {{"largest", FloorKind::kLargest}, {"minus 1", FloorKind::kMinusOne}, {"free", FloorKind::kFree}});
  reader.number("weight", result.weight, 1e-3, 1e3);
  reader.number("start_s", result.start_s, 0, kDay);
  reader.number("stop_s", result.stop_s, 0, kDay);
  reader.done();
  return result;
}

Stranger read_stranger(const toml::table& table, const std::string& where) {
  TomlReader reader(table, where, "stranger.");
  Stranger result;
  result.name = reader.text("name");
  result.processor = reader.text("processor");
  reader.integer("threads", result.threads, 1, 1000);
  reader.integer("nice", result.nice, -20, 19);
  reader.number("share", result.share, 1e-3, 1);
  reader.number("start_s", result.start_s, 0, kDay);
  reader.number("stop_s", result.stop_s, 0, kDay);
  reader.done();
  return result;
}

Event read_event(const toml::table& table, const std::string& where) {
  TomlReader reader(table, where, "event.");
  Event result;
  reader.need("kind", R"("thermal_cap", "target", "processor_gone" or "sensor_failure")");
  reader.word<EventKind>("kind", result.kind,
                         {{"thermal_cap", EventKind::kThermalCap},
                          {"target", EventKind::kTarget},
                          {"processor_gone", EventKind::kProcessorGone},
                          {"sensor_failure", EventKind::kSensorFailure}});
  reader.need("at_s", "a number of seconds");
  reader.number("at_s", result.at_s, 0, kDay);
  reader.number("until_s", result.until_s, 0, kDay);
  if (result.kind == EventKind::kThermalCap) {
    reader.need("temperature_c", "a number from 0 to 150");
    reader.number("temperature_c", result.temperature_c, 0, 150);
  } else if (result.kind == EventKind::kTarget) {
    result.application = reader.text("application");
    reader.need("deadline_ms", "a number from 0.01 to 1000000");
    reader.number("deadline_ms", result.deadline_ms, 0.01, 1e6);
  } else if (result.kind == EventKind::kProcessorGone) {
    result.processor = reader.text("processor");
  }
  reader.done();
  return result;
}

template <typename Read>
auto read_all(TomlReader& reader, const std::string& key, const std::string& where, Read read) {
  std::vector<decltype(read(toml::table(), where))> result;
  const toml::node* node = reader.find(key);
  if (node == nullptr) return result;
  if (!node->is_array_of_tables()) reader.refuse(*node, key, "sections [[" + key + "]]");
  for (const toml::node& one : *node->as_array()) result.push_back(read(*one.as_table(), where));
  return result;
}

void check_names(const Scenario& scenario, const std::string& where) {
  std::set<std::string> names;
  for (const Application& application : scenario.applications) {
    if (!names.insert(application.name).second)
      fail(ErrorCode::kBadFile, "{}: two applications are called '{}'", where, application.name);
  }
  if (names.empty()) fail(ErrorCode::kBadFile, "{}: no [[application]]; legal: one or more", where);
  for (const Event& event : scenario.events) {
    if (event.kind == EventKind::kTarget && !names.contains(event.application))
      fail(ErrorCode::kBadFile, "{}: event of application '{}', which is not there", where, event.application);
  }
}

Scenario read_one(const toml::table& table, const std::string& where) {
  TomlReader reader(table, where, "");
  Scenario result;
  result.name = reader.text("name");
  result.board = reader.text("board");
  reader.need("duration_s", "a number of seconds");
  reader.number("duration_s", result.duration_s, 0.1, kDay);
  reader.number("warmup_s", result.warmup_s, 0, kDay);
  if (result.warmup_s >= result.duration_s)
    fail(ErrorCode::kBadFile, "{}: warmup_s is {} of {} s; legal: less", where, result.warmup_s, result.duration_s);
  if (reader.has("seeds")) {
    TomlReader seeds(reader.table("seeds"), where, "seeds.");
    int64_t first = 1;
    seeds.integer("first", first, 0, int64_t{1} << 40);
    result.first_seed = static_cast<uint64_t>(first);
    seeds.integer("count", result.seeds, 1, 100'000);
    seeds.done();
  }
  result.applications = read_all(reader, "application", where, read_application);
  result.strangers = read_all(reader, "stranger", where, read_stranger);
  result.events = read_all(reader, "event", where, read_event);
  if (reader.has("profile")) {
    TomlReader profile(reader.table("profile"), where, "profile.");
    profile.number("error", result.profile_error, 0, 0.9);
    profile.boolean("activity_known", result.activity_known);
    profile.done();
  }
  reader.done();
  check_names(result, where);
  return result;
}

}  // namespace

std::vector<Scenario> parse_scenarios(const std::string& text, const std::string& where) {
  std::vector<std::pair<toml::table, Swept>> all;
  expand(text, {}, &all, where);
  std::vector<Scenario> result;
  for (const auto& [one, swept] : all) {
    result.push_back(read_one(one, where));
    result.back().swept = swept;
  }
  return result;
}

std::vector<Scenario> read_scenarios(const std::string& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  return parse_scenarios(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), path);
}

}  // namespace limber::tool
