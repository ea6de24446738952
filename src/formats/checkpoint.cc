// SPDX-License-Identifier: Apache-2.0
#include "formats/checkpoint.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/torch_records.h"
#include "formats/torch_tensor.h"

namespace limber {
namespace {

using Kind = PickleValue::Kind;

constexpr std::size_t kDepth = 8;   // of dictionaries in each other
constexpr std::size_t kName = 512;  // bytes of a tensor's name
constexpr std::size_t kEntries = 1 << 16;
constexpr std::size_t kNamesShown = 12;
constexpr std::string_view kEntryNames[] = {"state_dict", "model_state_dict", "state_dict_ema", "model",
                                            "net",        "network",          "module"};

class StateDict {
 public:
  StateDict(const TorchRecords& records, std::size_t file_size, const std::string& where)
      : records_(records), pickle_(records.pickle), copies_{8 * file_size}, where_(where) {}

  // The entry's value, or nullptr.
  const PickleValue* find(const PickleValue& dictionary, std::string_view name) const {
    for (std::size_t i = 0; i < dictionary.items.size(); i += 2) {
      const PickleValue& key = pickle_.at(dictionary.items[i]);
      if (key.kind == Kind::kText && key.text == name) return &pickle_.at(dictionary.items[i + 1]);
    }
    return nullptr;
  }

  bool has_tensors(const PickleValue& dictionary) const {
    for (std::size_t i = 1; i < dictionary.items.size(); i += 2) {
      if (is_torch_tensor(pickle_, dictionary.items[i])) return true;
    }
    return false;
  }

  // By the rule of the header.
  const PickleValue& search(std::string* entry) const {
    const PickleValue* at = &pickle_.at(pickle_.root);
    for (std::size_t depth = 0; depth < kDepth && at->kind == Kind::kDictionary; ++depth) {
      if (has_tensors(*at)) return *at;
      const PickleValue* next = nullptr;
      for (const std::string_view name : kEntryNames) {
        const PickleValue* value = find(*at, name);
        if (value == nullptr || value->kind != Kind::kDictionary) continue;
        if (!entry->empty()) *entry += '/';
        *entry += name;
        next = value;
        break;
      }
      if (next == nullptr) break;
      at = next;
    }
    fail(ErrorCode::kInvalidArgument, "{}: no dictionary of tensors was found{}; name the right entry (--entry)",
         where_, contents(*at, *entry));
  }

  const PickleValue& follow(const std::string& entry) const {
    const PickleValue* at = &pickle_.at(pickle_.root);
    for (std::size_t from = 0; from <= entry.size();) {
      const std::size_t end = std::min(entry.find('/', from), entry.size());
      const PickleValue* next =
          at->kind == Kind::kDictionary ? find(*at, std::string_view(entry).substr(from, end - from)) : nullptr;
      if (next == nullptr) {
        fail(ErrorCode::kInvalidArgument, "{}: there is no entry '{}'{}", where_, entry.substr(0, end),
             contents(*at, from == 0 ? "" : entry.substr(0, from - 1)));
      }
      at = next;
      from = end + 1;
    }
    if (at->kind == Kind::kDictionary && has_tensors(*at)) return *at;
    fail(ErrorCode::kInvalidArgument, "{}: entry '{}' is no dictionary of tensors{}", where_, entry,
         contents(*at, entry));
  }

  void read(const PickleValue& dictionary, Checkpoint* checkpoint) {
    if (dictionary.items.size() / 2 > kEntries) {
      fail(ErrorCode::kBadFile, "{}: {} entries, at most {} are read", where_, dictionary.items.size() / 2, kEntries);
    }
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < dictionary.items.size(); i += 2) {
      const PickleValue& key = pickle_.at(dictionary.items[i]);
      if (key.kind != Kind::kText || key.text.size() > kName || key.text.find('\0') != std::string_view::npos) {
        fail(ErrorCode::kBadFile, "{}: entry {} has no text of up to {} bytes as its name", where_, i / 2, kName);
      }
      if (!names.insert(key.text).second) fail(ErrorCode::kBadFile, "{}: '{}' is there twice", where_, key.text);
      std::optional<Tensor> tensor;
      if (is_torch_tensor(pickle_, dictionary.items[i + 1])) {
        tensor = read_torch_tensor(records_, dictionary.items[i + 1], &copies_,
                                   fmt::format("{}: tensor '{}'", where_, key.text));
      }
      if (!tensor) {
        checkpoint->others.emplace_back(key.text);
        continue;
      }
      tensor->name = key.text;
      checkpoint->tensors.push_back(std::move(*tensor));
    }
  }

 private:
  std::string contents(const PickleValue& value, const std::string& entry) const {
    const std::string place = entry.empty() ? "the file" : fmt::format("'{}'", entry);
    if (value.kind != Kind::kDictionary) return fmt::format("; {} is no dictionary", place);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < value.items.size() && names.size() < kNamesShown; i += 2) {
      const PickleValue& key = pickle_.at(value.items[i]);
      if (key.kind == Kind::kText) names.emplace_back(key.text.substr(0, kName));
    }
    return fmt::format("; {} has {} entries: {}", place, value.items.size() / 2, fmt::join(names, ", "));
  }

  const TorchRecords& records_;
  const Pickle& pickle_;
  CopyBudget copies_;
  const std::string& where_;
};

}  // namespace

Checkpoint parse_checkpoint(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                            const std::string& where, const std::string& entry) {
  const TorchRecords records = parse_torch_records(bytes, std::move(owner), where);
  StateDict state(records, bytes.size(), where);
  Checkpoint checkpoint;
  checkpoint.entry = entry;
  state.read(entry.empty() ? state.search(&checkpoint.entry) : state.follow(entry), &checkpoint);
  return checkpoint;
}

Checkpoint read_checkpoint(const std::string& path, const std::string& entry) {
  const auto file = std::make_shared<MappedFile>(path);
  return parse_checkpoint(file->bytes(), file, path, entry);
}

}  // namespace limber
