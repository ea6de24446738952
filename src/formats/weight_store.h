// SPDX-License-Identifier: Apache-2.0
// The tensors of a network while it is put together. Layer: formats.
#pragma once
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "network/network.h"

namespace limber {

class WeightStore {
 public:
  // Adding fails with kUnsupported beyond `most` values: a small file cannot ask for a lot by using one tensor often.
  explicit WeightStore(int64_t most) : left_(most) {}

  // Returns the tensor's name: the wanted one, made legal and unique. Numbers are shared, or stored as halves, which
  // loses nothing if they were read from halves. Shape and values must fit each other.
  std::string add(const std::string& wanted, std::vector<int64_t> shape,
                  std::shared_ptr<const std::vector<float>> values, bool half = false);
  std::string add(const std::string& wanted, std::vector<int64_t> shape, std::vector<float> values) {
    return add(wanted, std::move(shape), std::make_shared<const std::vector<float>>(std::move(values)));
  }
  const Tensor& tensor(const std::string& name) const { return tensors_[index_.at(name)]; }
  std::vector<float> values(const std::string& name) const;
  // Those that `graph` uses, in the order they were added; the store is spent.
  std::vector<Tensor> take(const Graph& graph);

 private:
  int64_t left_;
  std::vector<Tensor> tensors_;
  std::unordered_map<std::string, std::size_t> index_;
};

// `wanted` cut and cleaned to what check() in network/check.h accepts, made different from every name in `taken` (any
// container with count()).
template <typename Names>
std::string legal_name(std::string wanted, const Names& taken) {
  wanted = wanted.substr(0, 160);
  for (char& c : wanted) {
    if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) c = '_';
  }
  if (wanted.empty()) wanted = "unnamed";
  std::string name = wanted;
  for (int i = 2; taken.count(name) != 0; ++i) name = wanted + "." + std::to_string(i);
  return name;
}

}  // namespace limber
