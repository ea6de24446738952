// SPDX-License-Identifier: Apache-2.0
#include "formats/torch_import.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/half.h"
#include "network/check.h"
#include "network/sub_network.h"
#include "network/tensor_shapes.h"

namespace limber {
namespace {

constexpr std::size_t kShown = 5;

std::string first_of(const std::vector<std::string>& all) {
  const std::size_t shown = std::min(all.size(), kShown);
  std::string text = fmt::format("{}", fmt::join(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), "; "));
  if (all.size() > shown) text += fmt::format("; and {} more", all.size() - shown);
  return text;
}

std::vector<int64_t> without_ones_at_the_end(std::vector<int64_t> shape) {
  while (!shape.empty() && shape.back() == 1) shape.pop_back();
  return shape;
}

bool all_finite(const Tensor& tensor) {
  const std::size_t size = tensor.dtype == DType::kF16 ? 2 : 4;
  const uint32_t exponent = tensor.dtype == DType::kF16 ? 0x7c00 : 0x7f800000;  // all ones: infinite or no number
  for (std::size_t at = 0; at < tensor.bytes.size(); at += size) {
    uint32_t bits = 0;
    std::memcpy(&bits, tensor.bytes.data() + at, size);
    if ((bits & exponent) == exponent) return false;
  }
  return true;
}

Tensor transposed(const Tensor& tensor, const std::vector<int64_t>& axes, const std::string& where) {
  if (axes.size() != tensor.shape.size()) {
    fail(ErrorCode::kInvalidArgument, "{}: tensor '{}' has {} axes, the mapping would transpose {}", where, tensor.name,
         tensor.shape.size(), axes.size());
  }
  const std::size_t rank = axes.size(), size = tensor.dtype == DType::kF16 ? 2 : 4;
  std::vector<int64_t> strides(rank, 1), shape(rank), steps(rank), index(rank, 0);
  for (std::size_t i = rank - 1; i-- > 0;) strides[i] = strides[i + 1] * tensor.shape[i + 1];
  for (std::size_t i = 0; i < rank; ++i) {
    shape[i] = tensor.shape[static_cast<std::size_t>(axes[i])];
    steps[i] = strides[static_cast<std::size_t>(axes[i])];
  }
  const auto bytes = std::make_shared<std::vector<std::byte>>(tensor.bytes.size());
  for (std::size_t to = 0; to < bytes->size(); to += size) {
    const int64_t from = std::inner_product(index.begin(), index.end(), steps.begin(), int64_t{0});
    std::memcpy(bytes->data() + to, tensor.bytes.data() + static_cast<std::size_t>(from) * size, size);
    for (std::size_t axis = rank; axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return {tensor.name, tensor.dtype, shape, *bytes, bytes};
}

class Matcher {
 public:
  Matcher(const Graph& graph, const NameMapping& mapping, const std::string& where)
      : graph_(graph), mapping_(mapping), where_(where), wanted_(tensor_shapes(graph)), found_(wanted_.size()) {
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      const auto [other, added] = index_.emplace(rewrite(mapping.alike, wanted_[i].name), i);
      if (!added) {
        fail(ErrorCode::kInvalidArgument, "the mapping makes tensors '{}' and '{}' of '{}' alike",
             wanted_[other->second].name, wanted_[i].name, graph.name);
      }
    }
  }

  void place(const Tensor& tensor) {
    const std::string name = rewrite(mapping_.rename, tensor.name);
    const auto found = index_.find(rewrite(mapping_.alike, name));
    if (found == index_.end()) {
      const bool ignored = std::any_of(mapping_.ignore.begin(), mapping_.ignore.end(), [&](const std::regex& pattern) {
        return std::regex_search(tensor.name, pattern);
      });
      if (!ignored) surplus_.push_back(tensor.name);
      return;
    }
    const TensorShape& wanted = wanted_[found->second];
    Tensor& place = found_[found->second];
    if (!place.name.empty()) {
      fail(ErrorCode::kBadFile, "{}: two tensors become '{}'; the second is '{}'", where_, wanted.name, tensor.name);
    }
    place = tensor;
    for (const auto& [pattern, axes] : mapping_.transpose) {
      if (std::regex_search(wanted.name, pattern)) place = transposed(place, axes, where_);
    }
    if (without_ones_at_the_end(place.shape) != without_ones_at_the_end(wanted.shape)) {
      wrong_.push_back(fmt::format("'{}' is [{}], expected [{}]", tensor.name, fmt::join(place.shape, ", "),
                                   fmt::join(wanted.shape, ", ")));
    } else if (!all_finite(place)) {
      wrong_.push_back(fmt::format("'{}' holds values that are not finite", tensor.name));
    }
    place.name = wanted.name;
    place.shape = wanted.shape;
  }

  std::vector<Tensor> take() {
    std::vector<std::string> missing;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if (found_[i].name.empty()) missing.push_back(wanted_[i].name);
    }
    std::string text;
    const auto add = [&](const char* what, const std::vector<std::string>& names) {
      if (!names.empty()) text += fmt::format("; {} {}: {}", names.size(), what, first_of(names));
    };
    add("missing", missing);
    add("too many", surplus_);
    add("wrong", wrong_);
    if (!text.empty()) {
      fail(ErrorCode::kBadFile, "{}: its tensors are not those of '{}', which has {}{}", where_, graph_.name,
           wanted_.size(), text);
    }
    return std::move(found_);
  }

 private:
  const Graph& graph_;
  const NameMapping& mapping_;
  const std::string& where_;
  std::vector<TensorShape> wanted_;
  std::vector<Tensor> found_;                 // one for each of wanted_; no name: not yet
  std::map<std::string, std::size_t> index_;  // of the spelling that all alike share
  std::vector<std::string> surplus_, wrong_;
};

}  // namespace

Network import_checkpoint(const Checkpoint& checkpoint, const Graph& graph, const NameMapping& mapping,
                          std::vector<Member> family, const std::string& where) {
  Matcher matcher(graph, mapping, where);
  for (const Tensor& tensor : checkpoint.tensors) matcher.place(tensor);
  Network network;
  network.name = graph.name;
  network.graph = graph;
  network.tensors = matcher.take();
  network.family = std::move(family);
  network.preprocessing = mapping.preprocessing;
  check(network);
  return network;
}

std::vector<Member> members_of(const Graph& graph, const std::vector<std::string>& choices) {
  std::vector<Member> members;
  for (const std::string& text : choices) {
    const std::size_t colon = text.find(':');
    Member member;
    member.name = colon == std::string::npos ? std::to_string(members.size() + 1) : text.substr(0, colon);
    member.choice = parse_choice(graph.space, colon == std::string::npos ? text : text.substr(colon + 1));
    members.push_back(std::move(member));
  }
  if (members.empty()) {
    members = {{"smallest", smallest_choice(graph.space), {}, {}}, {"largest", largest_choice(graph.space), {}, {}}};
    if (members[0].choice == members[1].choice) members = {{"all", members[0].choice, {}, {}}};
  }
  std::stable_sort(members.begin(), members.end(), [&](const Member& a, const Member& b) {
    return resolve(graph, a.choice).macs < resolve(graph, b.choice).macs;
  });
  return members;
}

}  // namespace limber
