// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_import.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "formats/onnx_lowering.h"
#include "network/check.h"
#include "network/limits.h"
#include "network/sub_network.h"

namespace limber {
namespace {

struct Piece {
  std::string where, name;
  OnnxLowered lowered;
  Preprocessing preprocessing;
  int64_t outputs = 0, macs = 0;
};

// "0.5,0.25"; empty when it is something else.
std::vector<float> numbers(const std::string& text, int64_t count) {
  std::vector<float> values;
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    float value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || (next != end && *next != ',') || !std::isfinite(value)) return {};
    values.push_back(value);
    at = next == end ? end : next + 1;
  }
  return static_cast<int64_t>(values.size()) == count ? values : std::vector<float>();
}

Piece lowered(OnnxProgram program, const std::string& where, const std::vector<int64_t>& shape) {
  Piece piece;
  piece.where = where;
  piece.name = legal_name(std::filesystem::path(where).stem().string(), std::set<std::string>());
  const std::string mean = program.metadata["mean"], deviation = program.metadata["deviation"];
  piece.lowered = lower_onnx(std::move(program), shape, where);
  const int64_t channels = piece.lowered.graph.nodes[0].channels.constant;
  piece.preprocessing = {numbers(mean, channels), numbers(deviation, channels)};
  const std::vector<float>& divisors = piece.preprocessing.deviation;
  if (piece.preprocessing.mean.empty() ||
      std::any_of(divisors.begin(), divisors.end(), [](float d) { return d <= 0; }) || divisors.empty()) {
    const auto count = static_cast<std::size_t>(channels);
    piece.preprocessing = {std::vector<float>(count, 0), std::vector<float>(count, 1)};
  }
  try {
    check(piece.lowered.graph);
    const SubNetwork sub = resolve(piece.lowered.graph, {});
    piece.macs = sub.macs;
    piece.outputs = sub.answer().channels * sub.answer().height.constant * sub.answer().width;
  } catch (const Error& error) {
    throw Error(ErrorCode::kBadFile, fmt::format("{}: {}", where, error.what()));
  }
  return piece;
}

// Every name of the piece's own, so that pieces can stand beside each other.
void rename(Piece& piece) {
  const auto own = [&](std::string& name) {
    if (!name.empty()) name = piece.name.substr(0, 64) + "/" + name;
  };
  for (Tensor& tensor : piece.lowered.tensors) own(tensor.name);
  for (std::size_t i = 1; i < piece.lowered.graph.nodes.size(); ++i) {
    Node& node = piece.lowered.graph.nodes[i];
    for (std::string* name : {&node.name, &node.weight, &node.bias}) own(*name);
    if (!node.norm) continue;
    for (std::string* name : {&node.norm->weight, &node.norm->bias, &node.norm->mean, &node.norm->variance}) own(*name);
  }
}

// One input whose size the choice of the model decides; every other node belongs to one model.
void join(std::vector<Piece>& pieces, Network* network) {
  Graph& graph = network->graph;
  Dimension dimension{"model", {}};
  Node input = pieces[0].lowered.graph.nodes[0];
  input.height.by = input.width.by = {0};
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto choice = static_cast<int64_t>(i);
    const Node& own = pieces[i].lowered.graph.nodes[0];
    dimension.choices.push_back(choice);
    input.height.table[{choice}] = own.height.constant;
    input.width.table[{choice}] = own.width.constant;
  }
  graph.space.dimensions = {dimension};
  graph.nodes.push_back(std::move(input));
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    rename(pieces[i]);
    const auto choice = static_cast<int64_t>(i);
    const int before = static_cast<int>(graph.nodes.size()) - 1;
    const auto place = [&](int& node) {
      if (node > 0) node += before;
    };
    std::vector<Node>& nodes = pieces[i].lowered.graph.nodes;
    for (std::size_t n = 1; n < nodes.size(); ++n) {
      for (Input& from : nodes[n].inputs) place(from.node);
      place(nodes[n].residual);
      nodes[n].when = {{0, {choice}}};
      graph.nodes.push_back(std::move(nodes[n]));
    }
    network->family.push_back({pieces[i].name, {choice}, {}, {}});
  }
}

OnnxImport assemble(std::vector<Piece> pieces, const OnnxImportOptions& options) {
  OnnxImport result;
  Network& network = result.network;
  network.name = legal_name(options.name.empty() ? pieces[0].name : options.name, std::set<std::string>());
  network.preprocessing = pieces[0].preprocessing;
  std::set<std::string> names;
  for (Piece& piece : pieces) {
    piece.name = legal_name(piece.name.substr(0, 60), names);
    names.insert(piece.name);
    result.notes.insert(result.notes.end(), piece.lowered.notes.begin(), piece.lowered.notes.end());
    const int64_t channels = piece.lowered.graph.nodes[0].channels.constant;
    const int64_t first = pieces[0].lowered.graph.nodes[0].channels.constant;
    if (channels != first || piece.outputs != pieces[0].outputs) {
      fail(ErrorCode::kInvalidArgument,
           "{} has {} channels in and {} values out, {} {} and {}; legal for one family: the same", piece.where,
           channels, piece.outputs, pieces[0].where, first, pieces[0].outputs);
    }
    if (piece.preprocessing.mean != network.preprocessing.mean ||
        piece.preprocessing.deviation != network.preprocessing.deviation) {
      fail(ErrorCode::kInvalidArgument,
           "{} and {} want images of different mean and deviation; legal for one family: the same", pieces[0].where,
           piece.where);
    }
  }
  std::stable_sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.macs < b.macs; });
  if (pieces.size() == 1) {
    network.graph = std::move(pieces[0].lowered.graph);
    network.family.push_back({pieces[0].name, {}, {}, {}});
  } else {
    join(pieces, &network);
  }
  network.graph.name = network.name;
  for (Piece& piece : pieces) {
    for (Tensor& tensor : piece.lowered.tensors) network.tensors.push_back(std::move(tensor));
  }
  check(network);
  return result;
}

}  // namespace

OnnxImport import_onnx(const std::vector<std::string>& paths, const OnnxImportOptions& options) {
  if (paths.empty() || paths.size() > static_cast<std::size_t>(limits::kFamily))
    fail(ErrorCode::kInvalidArgument, "{} files; legal: 1 to {}", paths.size(), limits::kFamily);
  std::vector<Piece> pieces;
  for (const std::string& path : paths) pieces.push_back(lowered(read_onnx(path), path, options.shape));
  return assemble(std::move(pieces), options);
}

OnnxImport import_onnx(std::span<const std::byte> bytes, const std::string& where, const OnnxImportOptions& options) {
  std::vector<Piece> pieces;
  pieces.push_back(lowered(parse_onnx(bytes, where, ""), where, options.shape));
  return assemble(std::move(pieces), options);
}

}  // namespace limber
