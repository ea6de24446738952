// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_reader.h"

#include <cstdlib>
#include <memory>
#include <vector>

#include "base/error.h"
#include "formats/checkpoint.h"
#include "formats/graph_json.h"
#include "formats/torch_import.h"

using namespace limber;

namespace {

const char* kGraph = R"({"format": "limber-graph", "version": 1, "name": "fuzz", "space": {"dimensions": []},
  "nodes": [{"name": "in", "op": "input", "channels": 10, "height": 1, "width": 1},
            {"name": "out", "op": "linear", "inputs": ["in"], "channels": 10, "weight": "transposed"}]})";

const char* kMapping = R"({"format": "limber-mapping", "version": 1, "rename": [["^module\\.", ""]], "ignore": ["."],
  "transpose": [{"tensor": "^transposed$", "axes": [1, 0]}]})";

void import(const Checkpoint& checkpoint) {
  static const Graph graph = parse_graph(kGraph, "fuzz");
  static const NameMapping mapping = parse_name_mapping(kMapping, "fuzz");
  try {
    import_checkpoint(checkpoint, graph, mapping, members_of(graph, {}), "fuzz");
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) throw;
  }
}

}  // namespace

bool read_checkpoint_bytes(std::span<const std::byte> bytes) {
  const auto copy =
      std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());  // exact bounds for the sanitizer
  try {
    const Checkpoint checkpoint = parse_checkpoint(*copy, copy, "fuzz");
    unsigned sum = 0;
    for (const Tensor& tensor : checkpoint.tensors) {
      for (const std::byte byte : tensor.bytes) sum += std::to_integer<unsigned>(byte);
    }
    if (checkpoint.tensors.empty() && sum != 0) std::abort();  // keeps the loop
    import(checkpoint);
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) throw;
    return false;
  }
}
