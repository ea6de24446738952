// SPDX-License-Identifier: Apache-2.0
// limber search --architecture A --table jetson-gpu: Dynamic-OFA's search in its published numbers.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/statistics.h"
#include "design/published/accuracy_mlp.h"
#include "design/published/claims.h"
#include "design/published/families.h"
#include "design/published/latency_table.h"
#include "formats/graph_json.h"
#include "formats/shipped_file.h"
#include "tool/command.h"
#include "tool/search/options.h"

namespace limber::tool {
namespace {

using OrderedJson = nlohmann::ordered_json;

struct Run {
  SearchResult result;
  std::vector<Objectives> front;
  std::vector<AgainstMember> six;
  std::vector<Claim> claims;
  double hypervolume = 0;
};

class PublishedSearch {
 public:
  explicit PublishedSearch(const SearchOptions& options)
      : options_(options),
        device_(options.table == "jetson-gpu" ? "gpu" : "cpu"),
        folder_(find_jetson_data(options.data)),
        space_(read_graph(find_shipped_file("networks", options.architecture))),
        encoding_(space_.space()),
        table_(folder_, device_),
        predictor_(folder_ + "/acc_predictor.safetensors"),
        families_(read_published_families(folder_)) {
    space_.restrict_to("resolution", {160, 176, 192, 208, 224});  // those that Dynamic-OFA searched
  }

  Run run(const std::string& algorithm, uint64_t seed) const {
    const SearchProblem problem{&space_,
                                [this](const Choice& choice) { return table_.latency_ms(encoding_.decode(choice)); },
                                [this](const Choice& choice) { return predictor_.predict(encoding_.decode(choice)); }};
    SearchSettings settings = options_.search;
    settings.algorithm = algorithm;
    settings.seed = seed;
    SearchHooks hooks;
    hooks.progress = [&](int64_t done, int64_t all) {
      show_search_progress(fmt::format("{} seed {}", algorithm, seed), done, all);
    };
    Run run;
    run.result = search(problem, settings, hooks);
    clear_search_progress();
    for (const Evaluated& point : run.result.front) run.front.push_back(point.objectives);
    run.six = against_the_six(run.front, families_, device_);
    run.claims = claims(run.front, families_, device_);
    // Of the rectangle from 0 ms to the largest sub-network and from 70 % to 90 %.
    const double most = cost(space_.largest());
    run.hypervolume = hypervolume(run.front, {most, 0.7}) / (most * 0.2);
    return run;
  }

  const DesignSpace& space() const { return space_.space(); }

 private:
  double cost(const std::optional<Choice>& choice) const { return table_.latency_ms(encoding_.decode(*choice)); }

  const SearchOptions& options_;
  std::string device_, folder_;
  ChoiceSpace space_;
  OfaEncoding encoding_;
  PublishedLatencyTable table_;
  PublishedAccuracyMlp predictor_;
  PublishedFamilies families_;
};

// Median and range over the seeds.
struct Spread {
  double median = 0, least = 0, most = 0;
};

template <typename Value>
Spread spread(const std::vector<Run>& runs, Value&& value) {
  std::vector<double> values;
  for (const Run& run : runs) values.push_back(value(run));
  return {median(values), *std::min_element(values.begin(), values.end()),
          *std::max_element(values.begin(), values.end())};
}

OrderedJson to_json(const Spread& spread) {
  return {{"median", spread.median}, {"least", spread.least}, {"most", spread.most}};
}

bool is_derived(const std::vector<Run>& runs, std::size_t claim) {
  return std::all_of(runs.begin(), runs.end(),
                     [claim](const Run& run) { return run.claims[claim].derived.has_value(); });
}

void print_claims(const std::vector<Run>& runs) {
  fmt::print(
      "\nagainst AutoSlim-MnasNet in Fig. 4 (predicted; median over {} seed(s), range over seeds and calibrations)\n",
      runs.size());
  for (std::size_t c = 0; c < runs.front().claims.size(); ++c) {
    const Claim& claim = runs.front().claims[c];
    fmt::print("  {:<31} ({:.0f} ms, {:.1f} %): published {:.1f} {}, here ", claim.name, claim.base_latency_ms,
               100 * claim.base_top1, claim.published, claim.unit);
    if (!is_derived(runs, c)) {
      fmt::print("no such point on the front\n");
      continue;
    }
    fmt::print("{:.2f} ({:.2f} to {:.2f})\n", spread(runs, [c](const Run& r) { return *r.claims[c].derived; }).median,
               spread(runs, [c](const Run& r) { return *r.claims[c].least; }).least,
               spread(runs, [c](const Run& r) { return *r.claims[c].most; }).most);
  }
}

void print_six(const std::vector<Run>& runs) {
  fmt::print(
      "\neach published sub-network of nets_6 against the best found at no more table latency (predicted top-1)\n");
  for (std::size_t i = 0; i < runs.front().six.size(); ++i) {
    const AgainstMember& member = runs.front().six[i];
    const Spread gain = spread(runs, [i](const Run& run) { return 100 * run.six[i].gain(); });
    fmt::print("  level {}: {:>9.3f} ms {:.2f} %, found {:+.2f} points ({:+.2f} to {:+.2f})\n", i, member.latency_ms,
               100 * member.predicted, gain.median, gain.least, gain.most);
  }
}

OrderedJson report(const std::vector<Run>& runs, const PublishedSearch& search) {
  OrderedJson front = OrderedJson::array(), claims = OrderedJson::array(), six = OrderedJson::array();
  for (const Evaluated& point : runs.front().result.front) {
    front.push_back({{"choice", to_string(search.space(), point.choice)},
                     {"latency_ms", point.objectives.cost},
                     {"predicted", point.objectives.accuracy},
                     {"measured", nullptr}});
  }
  for (std::size_t c = 0; c < runs.front().claims.size(); ++c) {
    const Claim& claim = runs.front().claims[c];
    OrderedJson one = {{"name", claim.name},
                       {"unit", claim.unit},
                       {"published", claim.published},
                       {"base_latency_ms", claim.base_latency_ms},
                       {"base_top1", claim.base_top1},
                       {"kind", "predicted"},
                       {"derived", nullptr}};
    if (is_derived(runs, c)) {
      one["derived"] = to_json(spread(runs, [c](const Run& run) { return *run.claims[c].derived; }));
      one["over_calibrations"] = {{"least", spread(runs, [c](const Run& run) { return *run.claims[c].least; }).least},
                                  {"most", spread(runs, [c](const Run& run) { return *run.claims[c].most; }).most}};
    }
    claims.push_back(one);
  }
  for (std::size_t i = 0; i < runs.front().six.size(); ++i) {
    six.push_back({{"level", i},
                   {"latency_ms", runs.front().six[i].latency_ms},
                   {"predicted", runs.front().six[i].predicted},
                   {"gain_points", to_json(spread(runs, [i](const Run& run) { return 100 * run.six[i].gain(); }))}});
  }
  return {{"front", front}, {"claims", claims}, {"nets_6", six}};
}

}  // namespace

void search_published(const SearchOptions& options) {
  const PublishedSearch published(options);
  const std::vector<std::string> algorithms =
      options.compare ? search_algorithms() : std::vector<std::string>{options.search.algorithm};
  OrderedJson compared = OrderedJson::array(), first;
  if (!options.json) {
    fmt::print("{} in the published table {}, {} evaluations, seeds {} to {}\n\n{:<10} {:<26} {:>6}\n",
               options.architecture, options.table, options.search.budget, options.search.seed,
               options.search.seed + static_cast<uint64_t>(options.seeds) - 1, "algorithm", "hypervolume (range)",
               "front");
  }
  std::vector<Run> shown;
  for (const std::string& algorithm : algorithms) {
    std::vector<Run> runs;
    for (int64_t i = 0; i < options.seeds; ++i)
      runs.push_back(published.run(algorithm, options.search.seed + static_cast<uint64_t>(i)));
    const Spread area = spread(runs, [](const Run& run) { return run.hypervolume; });
    compared.push_back({{"algorithm", algorithm}, {"hypervolume", to_json(area)}});
    if (!options.json) {
      fmt::print("{:<10} {:.4f} ({:.4f} to {:.4f}) {:>6}\n", algorithm, area.median, area.least, area.most,
                 runs.front().front.size());
    }
    if (shown.empty()) shown = std::move(runs);
  }
  if (!options.json) {
    print_six(shown);
    print_claims(shown);
    return;
  }
  OrderedJson json = report(shown, published);
  json["algorithms"] = compared;
  json["seeds"] = options.seeds;
  json["budget"] = options.search.budget;
  fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace limber::tool
