// SPDX-License-Identifier: Apache-2.0
#include "formats/torch_records.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace limber {
namespace {

using Kind = PickleValue::Kind;

struct StorageType {
  std::string_view name;
  Element element;
  int64_t size;
};

constexpr StorageType kStorageTypes[] = {
    {"torch.FloatStorage", Element::kF32, 4},     {"torch.DoubleStorage", Element::kF64, 8},
    {"torch.HalfStorage", Element::kF16, 2},      {"torch.BFloat16Storage", Element::kBf16, 2},
    {"torch.LongStorage", Element::kInteger, 8},  {"torch.IntStorage", Element::kInteger, 4},
    {"torch.ShortStorage", Element::kInteger, 2}, {"torch.CharStorage", Element::kInteger, 1},
    {"torch.ByteStorage", Element::kInteger, 1},  {"torch.BoolStorage", Element::kInteger, 1}};

// What state dicts, optimizers and the usual notes beside them are made of. None of it is ever called.
constexpr std::string_view kNames[] = {"collections.OrderedDict",
                                       "collections.defaultdict",
                                       "torch._utils._rebuild_tensor_v2",
                                       "torch._utils._rebuild_parameter",
                                       "torch._tensor._rebuild_from_type_v2",
                                       "torch.Tensor",
                                       "torch.nn.parameter.Parameter",
                                       "torch.Size",
                                       "torch.device",
                                       "torch.float32",
                                       "torch.float16",
                                       "torch.bfloat16",
                                       "numpy.core.multiarray.scalar",
                                       "numpy.dtype",
                                       "_codecs.encode",
                                       "argparse.Namespace"};

constexpr std::string_view kMagic("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.", 15);  // of the file of pickles
constexpr int64_t kProtocol = 1001;

std::span<const std::string_view> allowed_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all(std::begin(kNames), std::end(kNames));
    for (const StorageType& type : kStorageTypes) all.push_back(type.name);
    return all;
  }();
  return names;
}

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

// ('storage', type, key, device, count[, part of another storage])
const std::vector<PickleRef>& storage_fields(const Pickle& pickle, PickleRef ref, const std::string& where) {
  const PickleValue& value = pickle.at(ref);
  if (value.kind == Kind::kPersistent) {
    const PickleValue& tuple = pickle.at(value.items[0]);
    const auto is = [&](std::size_t i, Kind kind) { return pickle.at(tuple.items[i]).kind == kind; };
    if (tuple.kind == Kind::kTuple && (tuple.items.size() == 5 || tuple.items.size() == 6) && is(0, Kind::kText) &&
        pickle.at(tuple.items[0]).text == "storage" && is(1, Kind::kGlobal) && is(2, Kind::kText) &&
        is(4, Kind::kInteger)) {
      if (tuple.items.size() == 5 || is(5, Kind::kNone)) return tuple.items;
      fail(ErrorCode::kUnsupported,
           "{}: a storage that is part of another one; save it again with PyTorch 1.6 or later", where);
    }
  }
  fail(ErrorCode::kBadFile, "{}: found something else where a tensor's storage is expected", where);
}

// Every storage that the pickle names, without its bytes.
void name_storages(TorchRecords* records, const std::string& where) {
  const Pickle& pickle = records->pickle;
  for (PickleRef ref = 0; ref < pickle.values.size(); ++ref) {
    if (pickle.at(ref).kind != Kind::kPersistent) continue;
    const std::vector<PickleRef>& fields = storage_fields(pickle, ref, where);
    const auto type = std::find_if(std::begin(kStorageTypes), std::end(kStorageTypes),
                                   [&](const StorageType& t) { return t.name == pickle.at(fields[1]).text; });
    const std::string key(pickle.at(fields[2]).text);
    if (type == std::end(kStorageTypes)) {
      fail(ErrorCode::kBadFile, "{}: storage '{}' is of type '{}', which is none", where, key,
           pickle.at(fields[1]).text);
    }
    const TorchStorage storage{type->element, type->size, pickle.at(fields[4]).number, {}};
    if (storage.count < 0 || storage.count > (int64_t{1} << 40)) {
      fail(ErrorCode::kBadFile, "{}: storage '{}' has {} elements", where, key, storage.count);
    }
    const TorchStorage& first = records->storages.emplace(key, storage).first->second;
    if (first.element != storage.element || first.element_size != storage.element_size ||
        first.count != storage.count) {
      fail(ErrorCode::kBadFile, "{}: storage '{}' has two types or sizes", where, key);
    }
  }
}

void set_bytes(TorchStorage* storage, std::string_view key, std::span<const std::byte> bytes,
               const std::string& where) {
  const auto size = static_cast<std::size_t>(storage->count * storage->element_size);
  if (bytes.size() != size) {
    fail(ErrorCode::kBadFile, "{}: storage '{}' has {} bytes; its {} elements need {}", where, key, bytes.size(),
         storage->count, size);
  }
  storage->bytes = bytes;
}

// --- the zip archive ---

using Entries = std::map<std::string, std::vector<std::byte>, std::less<>>;

// "checkpoint/data/7" -> "data/7": the first folder is the name it was saved under.
Entries read_entries(std::span<const std::byte> bytes, const std::string& where) {
  const std::unique_ptr<archive, int (*)(archive*)> zip(archive_read_new(), archive_read_free);
  archive_read_support_format_zip_seekable(zip.get());  // the one that needs the archive's end: none is read by halves
  const auto reason = [&] { return archive_error_string(zip.get()) ? archive_error_string(zip.get()) : "damaged"; };
  if (archive_read_open_memory(zip.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) {
    fail(ErrorCode::kBadFile, "{}: truncated, or no zip archive: {}", where, reason());
  }
  Entries entries;
  std::size_t total = 0;
  archive_entry* header = nullptr;
  int status;
  while ((status = archive_read_next_header(zip.get(), &header)) == ARCHIVE_OK) {
    const char* text = archive_entry_pathname(header);
    const std::string name = text == nullptr ? "" : text;
    if (name.find('/') == std::string::npos || archive_entry_filetype(header) != AE_IFREG) {
      fail(ErrorCode::kBadFile, "{}: entry '{}' is none that torch.save writes", where, name);
    }
    const auto [entry, added] = entries.try_emplace(name.substr(name.find('/') + 1));
    if (!added) fail(ErrorCode::kBadFile, "{}: entry '{}' is there twice", where, name);
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    while ((status = archive_read_data_block(zip.get(), &block, &size, &offset)) == ARCHIVE_OK) {
      total += size;
      if (total > bytes.size()) {
        fail(ErrorCode::kUnsupported, "{}: its entries are compressed; torch.save stores them as they are", where);
      }
      const auto* data = static_cast<const std::byte*>(block);
      entry->second.insert(entry->second.end(), data, data + size);
    }
    if (status != ARCHIVE_EOF) fail(ErrorCode::kBadFile, "{}: entry '{}': {}", where, name, reason());
  }
  if (status != ARCHIVE_EOF) fail(ErrorCode::kBadFile, "{}: {}", where, reason());
  return entries;
}

TorchRecords parse_zip(std::span<const std::byte> bytes, const std::string& where) {
  const auto entries = std::make_shared<const Entries>(read_entries(bytes, where));
  const auto pickle = entries->find("data.pkl");
  if (pickle == entries->end()) {
    fail(ErrorCode::kBadFile, "{}: a zip archive without 'data.pkl': not what torch.save writes", where);
  }
  const auto order = entries->find("byteorder");
  if (order != entries->end() && !starts_with(order->second, "little")) {
    fail(ErrorCode::kUnsupported, "{}: written on a big-endian machine", where);
  }
  TorchRecords records;
  records.owner = entries;
  records.pickle = read_pickle(pickle->second, allowed_names(), where);
  name_storages(&records, where);
  for (auto& [key, storage] : records.storages) {
    const auto found = entries->find("data/" + key);
    if (found == entries->end()) fail(ErrorCode::kBadFile, "{}: it has no entry for storage '{}'", where, key);
    set_bytes(&storage, key, found->second, where);
  }
  return records;
}

// --- the file of pickles ---

// True for {'little_endian': True, ...}.
bool is_little_endian(const Pickle& pickle) {
  const PickleValue& system = pickle.at(pickle.root);
  if (system.kind != Kind::kDictionary) return false;
  for (std::size_t i = 0; i < system.items.size(); i += 2) {
    const PickleValue &key = pickle.at(system.items[i]), &value = pickle.at(system.items[i + 1]);
    if (key.kind == Kind::kText && key.text == "little_endian")
      return value.kind == Kind::kBoolean && value.number == 1;
  }
  return false;
}

TorchRecords parse_pickles(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                           const std::string& where) {
  std::size_t at = kMagic.size();
  const auto next = [&](std::span<const std::string_view> names) {
    Pickle pickle = read_pickle(bytes.subspan(at), names, where);
    at += pickle.size;
    return pickle;
  };
  const Pickle protocol = next({});
  if (protocol.at(protocol.root).kind != Kind::kInteger || protocol.at(protocol.root).number != kProtocol) {
    fail(ErrorCode::kUnsupported, "{}: a protocol of torch.save other than {}", where, kProtocol);
  }
  if (!is_little_endian(next({}))) fail(ErrorCode::kUnsupported, "{}: not written on a little-endian machine", where);
  TorchRecords records;
  records.owner = std::move(owner);
  records.pickle = next(allowed_names());
  name_storages(&records, where);
  const Pickle keys = next({});
  if (keys.at(keys.root).kind != Kind::kList) fail(ErrorCode::kBadFile, "{}: the list of storages is missing", where);
  std::size_t filled = 0;
  for (const PickleRef ref : keys.at(keys.root).items) {
    const std::string_view key = keys.at(ref).text;
    const auto found = records.storages.find(key);
    if (found == records.storages.end() || !found->second.bytes.empty()) {
      fail(ErrorCode::kBadFile, "{}: it lists a storage that no tensor has, or one twice", where);
    }
    TorchStorage& storage = found->second;
    uint64_t count = 0;
    for (std::size_t i = 0; i < 8 && at + i < bytes.size(); ++i)
      count |= std::to_integer<uint64_t>(bytes[at + i]) << 8 * i;
    if (bytes.size() - at < 8 || count != static_cast<uint64_t>(storage.count) ||
        bytes.size() - at - 8 < static_cast<uint64_t>(storage.count * storage.element_size)) {
      fail(ErrorCode::kBadFile, "{}: storage '{}' of {} elements is not there whole: truncated?", where, key,
           storage.count);
    }
    const auto size = static_cast<std::size_t>(storage.count * storage.element_size);
    set_bytes(&storage, key, bytes.subspan(at + 8, size), where);
    at += 8 + size;
    ++filled;
  }
  if (filled != records.storages.size() || at != bytes.size()) {
    fail(ErrorCode::kBadFile, "{}: {} of {} storages are there, {} bytes are left over", where, filled,
         records.storages.size(), bytes.size() - at);
  }
  return records;
}

}  // namespace

std::string_view storage_key(const Pickle& pickle, PickleRef ref, const std::string& where) {
  return pickle.at(storage_fields(pickle, ref, where)[2]).text;
}

TorchRecords parse_torch_records(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                 const std::string& where) {
  if (starts_with(bytes, "PK\x03\x04")) return parse_zip(bytes, where);
  if (starts_with(bytes, kMagic)) return parse_pickles(bytes, std::move(owner), where);
  if (bytes.size() > 262 && starts_with(bytes.subspan(257), "ustar")) {
    fail(ErrorCode::kUnsupported,
         "{}: a tar archive, which PyTorch wrote before 2017; load it there and save it again with torch.save", where);
  }
  // A bare pickle is read as far as the first name, so that one which would run code is called that.
  if (starts_with(bytes, "\x80") || starts_with(bytes, "c") || starts_with(bytes, "(")) {
    read_pickle(bytes, allowed_names(), where);
  }
  fail(ErrorCode::kBadFile, "{}: not a PyTorch checkpoint: neither torch.save's zip archive nor its file of pickles",
       where);
}

}  // namespace limber
