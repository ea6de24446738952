// SPDX-License-Identifier: Apache-2.0
#include "formats/graph_json.h"

#include <fmt/ranges.h>

#include <unordered_map>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/json_fields.h"
#include "network/check.h"

namespace limber {
namespace {

constexpr const char* kFormat = "limber-graph";

class GraphParser {
 public:
  Graph parse(const Json& json, const std::string& where) {
    const Fields fields(json, where, {"format", "version", "name", "space", "symbols", "nodes"});
    if (fields.text("format") != kFormat || fields.integer("version") != 1) {
      fail(ErrorCode::kBadFile, "{}: found format '{}' version {}, expected '{}' version 1", where,
           fields.text("format"), fields.integer("version"), kFormat);
    }
    graph_.name = fields.text("name");
    if (fields.has("space")) parse_space(fields.value("space"), fields.at("space"));
    if (fields.has("symbols")) parse_symbols(fields.array("symbols"), fields.at("symbols"));
    for (const Json& node : fields.array("nodes")) {
      parse_node(node, fmt::format("{}: node {}", where, graph_.nodes.size()), where);
    }
    return std::move(graph_);
  }

 private:
  void parse_space(const Json& json, const std::string& where) {
    const Fields space(json, where, {"dimensions"});
    for (const Json& item : space.array("dimensions")) {
      const Fields fields(item, space.at("dimensions"), {"name", "choices"});
      graph_.space.dimensions.push_back({fields.text("name"), fields.integers("choices")});
    }
  }

  void parse_symbols(const Json& json, const std::string& where) {
    for (const Json& item : json) {
      const Fields fields(item, where, {"name", "maximum"});
      graph_.symbols.push_back({fields.text("name"), fields.integer("maximum")});
    }
  }

  int dimension(const std::string& name, const std::string& where) const {
    const auto& all = graph_.space.dimensions;
    std::vector<std::string> legal;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].name == name) return static_cast<int>(i);
      if (i < 20) legal.push_back(all[i].name);
    }
    fail(ErrorCode::kBadFile, "{}: no dimension '{}'; legal: {}", where, name, fmt::join(legal, ", "));
  }

  int symbol(const std::string& name, const std::string& where) const {
    for (std::size_t i = 0; i < graph_.symbols.size(); ++i) {
      if (graph_.symbols[i].name == name) return static_cast<int>(i);
    }
    fail(ErrorCode::kBadFile, "{}: no run-time symbol '{}' is declared in 'symbols'", where, name);
  }

  int node(const std::string& name, const std::string& where) const {
    const auto found = index_.find(name);
    if (found != index_.end()) return found->second;
    fail(ErrorCode::kBadFile, "{}: no earlier node is called '{}'", where, name);
  }

  Extent extent(const Json& json, const std::string& where) const {
    if (json.is_number_integer()) return json_integer(json, where);
    const Fields fields(json, where, {"constant", "by", "table", "symbol", "per_symbol"});
    Extent result(fields.integer("constant", 0));
    if (fields.has("by")) {
      for (const std::string& name : fields.texts("by")) result.by.push_back(dimension(name, where));
      for (const Json& row : fields.array("table")) {
        const Json& pair = json_array(row, fields.at("table"));
        if (pair.size() != 2) fail(ErrorCode::kBadFile, "{}: a row is [[choices], value]", fields.at("table"));
        std::vector<int64_t> key;
        for (const Json& value : json_array(pair[0], fields.at("table"))) {
          key.push_back(json_integer(value, fields.at("table")));
        }
        if (!result.table.emplace(key, json_integer(pair[1], fields.at("table"))).second) {
          fail(ErrorCode::kBadFile, "{}: two rows for the choices {}", fields.at("table"), fmt::join(key, ","));
        }
      }
    } else if (fields.has("table")) {
      fail(ErrorCode::kBadFile, "{}: a 'table' needs 'by', the dimensions it is over", where);
    }
    if (fields.has("symbol")) {
      result.symbol = symbol(fields.text("symbol"), where);
      result.per_symbol = fields.integer("per_symbol", 1);
    } else if (fields.has("per_symbol")) {
      fail(ErrorCode::kBadFile, "{}: 'per_symbol' needs 'symbol'", where);
    }
    return result;
  }

  Extent extent(const Fields& fields, const char* key, Extent otherwise) const {
    return fields.has(key) ? extent(fields.value(key), fields.at(key)) : otherwise;
  }

  Input input(const Json& json, const std::string& where) const {
    Input result;
    if (json.is_string()) {
      result.node = node(json.get<std::string>(), where);
      return result;
    }
    const Fields fields(json, where, {"node", "from", "count", "weight_from"});
    result.node = node(fields.text("node"), where);
    result.from = extent(fields, "from", 0);
    result.count = extent(fields, "count", -1);
    result.weight_from = extent(fields, "weight_from", 0);
    return result;
  }

  template <typename Enum, typename Name>
  static Enum one_of(const std::string& text, const std::string& where, int count, Name name) {
    std::vector<std::string> legal;
    for (int i = 0; i < count; ++i) {
      if (text == name(static_cast<Enum>(i))) return static_cast<Enum>(i);
      legal.emplace_back(name(static_cast<Enum>(i)));
    }
    fail(ErrorCode::kBadFile, "{}: found '{}'; legal: {}", where, text, fmt::join(legal, ", "));
  }

  void parse_node(const Json& json, std::string place, const std::string& file) {
    if (json.is_object() && json.contains("name") && json["name"].is_string()) {
      place = fmt::format("{}: node '{}'", file, json["name"].get<std::string>());
    }
    const Fields fields(
        json, place,
        {"name",   "op",    "inputs", "when",       "when_absent", "channels",  "channels_from", "kernel",
         "height", "width", "stride", "padding",    "groups",      "depthwise", "residual",      "activation",
         "weight", "bias",  "norm",   "transforms", "heads",       "state",     "edge",          "exit"});
    Node result;
    result.name = fields.text("name");
    result.op = one_of<Op>(fields.text("op"), fields.at("op"), static_cast<int>(Op::kAttention) + 1, op_name);
    if (fields.has("inputs")) {
      for (const Json& item : fields.array("inputs")) result.inputs.push_back(input(item, fields.at("inputs")));
    }
    if (fields.has("when")) {
      for (const Json& item : fields.array("when")) {
        const Fields when(item, fields.at("when"), {"dimension", "choices"});
        result.when.push_back({dimension(when.text("dimension"), when.where()), when.integers("choices")});
      }
    }
    if (fields.has("when_absent")) {
      result.when_absent = one_of<WhenAbsent>(fields.text("when_absent"), fields.at("when_absent"), 2,
                                              [](WhenAbsent w) { return w == WhenAbsent::kDrop ? "drop" : "bypass"; });
    }
    result.channels = extent(fields, "channels", 0);
    result.channels_from = extent(fields, "channels_from", 0);
    result.kernel = extent(fields, "kernel", 1);
    result.height = extent(fields, "height", 0);
    result.width = extent(fields, "width", 0);
    result.stride = fields.integer("stride", 1);
    result.padding = fields.integer("padding", 0);
    result.groups = extent(fields, "groups", 1);
    result.depthwise = fields.boolean("depthwise", false);
    if (fields.has("activation")) {
      result.activation = one_of<Activation>(fields.text("activation"), fields.at("activation"),
                                             static_cast<int>(Activation::kRelu6) + 1, activation_name);
    }
    if (fields.has("residual")) result.residual = node(fields.text("residual"), fields.at("residual"));
    result.weight = fields.text("weight", "");
    result.bias = fields.text("bias", "");
    if (fields.has("norm")) {
      const Fields norm(fields.value("norm"), fields.at("norm"), {"weight", "bias", "mean", "variance", "epsilon"});
      result.norm = Norm{norm.text("weight"), norm.text("bias"), norm.text("mean"), norm.text("variance")};
      if (norm.has("epsilon")) result.norm->epsilon = json_float(norm.value("epsilon"), norm.at("epsilon"));
    }
    if (fields.has("transforms")) {
      for (const Json& item : fields.array("transforms")) {
        const Fields step(item, fields.at("transforms"), {"from", "to", "matrix"});
        result.transforms.push_back({step.integer("from"), step.integer("to"), step.text("matrix")});
      }
    }
    result.heads = fields.integer("heads", 1);
    if (fields.has("state")) {
      const Fields state(fields.value("state"), fields.at("state"), {"symbol"});
      result.state = State{symbol(state.text("symbol"), state.where())};
    }
    if (fields.has("edge")) parse_edge(fields.value("edge"), fields.at("edge"), &result.edge);
    const int64_t exit = fields.integer("exit", 0);
    if (exit < 0 || exit > 1 << 16)
      fail(ErrorCode::kBadFile, "{}: found {}, legal: 0 to 65536", fields.at("exit"), exit);
    result.exit = static_cast<int>(exit);
    if (!index_.emplace(result.name, static_cast<int>(graph_.nodes.size())).second) {
      fail(ErrorCode::kBadFile, "{}: two nodes are called '{}'", file, result.name);
    }
    graph_.nodes.push_back(std::move(result));
  }

  void parse_edge(const Json& json, const std::string& where, Edge* edge) const {
    const Fields fields(json, where, {"dtype", "scale", "zero_point"});
    if (fields.has("dtype")) edge->dtype = one_of<DType>(fields.text("dtype"), fields.at("dtype"), 3, dtype_name);
    if (fields.has("scale")) edge->scale = json_float(fields.value("scale"), fields.at("scale"));
    const int64_t zero = fields.integer("zero_point", 0);
    if (zero < -128 || zero > 255) fail(ErrorCode::kBadFile, "{}: found {}, legal: -128 to 255", where, zero);
    edge->zero_point = static_cast<int32_t>(zero);
  }

  Graph graph_;
  std::unordered_map<std::string, int> index_;
};

Json to_json(const Graph& graph, const Extent& extent) {
  if (extent.by.empty() && extent.symbol < 0) return extent.constant;
  Json json = Json::object();
  if (!extent.by.empty()) {
    for (const int by : extent.by) json["by"].push_back(graph.space.dimensions.at(by).name);
    json["table"] = Json::array();
    for (const auto& [key, value] : extent.table) json["table"].push_back(Json::array({key, value}));
  }
  if (extent.constant != 0) json["constant"] = extent.constant;
  if (extent.symbol >= 0) {
    json["symbol"] = graph.symbols.at(extent.symbol).name;
    json["per_symbol"] = extent.per_symbol;
  }
  return json;
}

bool is(const Extent& extent, int64_t value) {
  return extent.by.empty() && extent.symbol < 0 && extent.constant == value;
}

Json to_json(const Graph& graph, const Node& node) {
  Json json;
  json["name"] = node.name;
  json["op"] = op_name(node.op);
  const auto put = [&](const char* key, const Extent& extent, int64_t otherwise, Json& to) {
    if (!is(extent, otherwise)) to[key] = to_json(graph, extent);
  };
  for (const Input& input : node.inputs) {
    Json item = {{"node", graph.nodes.at(input.node).name}};
    put("from", input.from, 0, item);
    put("count", input.count, -1, item);
    put("weight_from", input.weight_from, 0, item);
    json["inputs"].push_back(item.size() == 1 ? item["node"] : item);
  }
  for (const Presence& when : node.when) {
    json["when"].push_back({{"dimension", graph.space.dimensions.at(when.dimension).name}, {"choices", when.choices}});
  }
  if (node.when_absent == WhenAbsent::kBypass) json["when_absent"] = "bypass";
  put("channels", node.channels, 0, json);
  put("channels_from", node.channels_from, 0, json);
  put("kernel", node.kernel, 1, json);
  put("height", node.height, 0, json);
  put("width", node.width, 0, json);
  if (node.stride != 1) json["stride"] = node.stride;
  if (node.padding != 0) json["padding"] = node.padding;
  put("groups", node.groups, 1, json);
  if (node.depthwise) json["depthwise"] = true;
  if (node.activation != Activation::kNone) json["activation"] = activation_name(node.activation);
  if (node.residual >= 0) json["residual"] = graph.nodes.at(node.residual).name;
  if (!node.weight.empty()) json["weight"] = node.weight;
  if (!node.bias.empty()) json["bias"] = node.bias;
  if (node.norm) {
    json["norm"] = {{"weight", node.norm->weight},
                    {"bias", node.norm->bias},
                    {"mean", node.norm->mean},
                    {"variance", node.norm->variance}};
    if (node.norm->epsilon != Norm{}.epsilon) json["norm"]["epsilon"] = node.norm->epsilon;
  }
  for (const KernelTransform& step : node.transforms) {
    json["transforms"].push_back({{"from", step.from}, {"to", step.to}, {"matrix", step.matrix}});
  }
  if (node.heads != 1) json["heads"] = node.heads;
  if (node.state) json["state"] = {{"symbol", graph.symbols.at(node.state->symbol).name}};
  if (node.edge.dtype != DType::kF32 || node.edge.scale != 1 || node.edge.zero_point != 0) {
    json["edge"] = {
        {"dtype", dtype_name(node.edge.dtype)}, {"scale", node.edge.scale}, {"zero_point", node.edge.zero_point}};
  }
  if (node.exit != 0) json["exit"] = node.exit;
  return json;
}

}  // namespace

Graph parse_graph(std::string_view text, const std::string& where) {
  const Json json = parse_json(text, where);
  Graph graph = GraphParser().parse(json, where);
  try {
    check(graph);
  } catch (const Error& error) {
    fail(error.code(), "{}: {}", where, error.what());
  }
  return graph;
}

Graph read_graph(const std::string& path) {
  const MappedFile file(path);
  return parse_graph({reinterpret_cast<const char*>(file.bytes().data()), file.size()}, path);
}

std::string print_graph(const Graph& graph) {
  std::string text = fmt::format("{{\"format\": \"{}\", \"version\": 1, \"name\": {},\n \"space\": {{\"dimensions\": [",
                                 kFormat, print_json(graph.name));
  const char* comma = "";
  for (const Dimension& dimension : graph.space.dimensions) {
    text += comma + print_json({{"name", dimension.name}, {"choices", dimension.choices}});
    comma = ", ";
  }
  text += "]},\n";
  if (!graph.symbols.empty()) {
    Json symbols = Json::array();
    for (const Symbol& symbol : graph.symbols) symbols.push_back({{"name", symbol.name}, {"maximum", symbol.maximum}});
    text += " \"symbols\": " + print_json(symbols) + ",\n";
  }
  text += " \"nodes\": [";
  comma = "\n  ";
  for (const Node& node : graph.nodes) {
    text += comma + print_json(to_json(graph, node));
    comma = ",\n  ";
  }
  return text + "]}\n";
}

}  // namespace limber
