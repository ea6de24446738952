// SPDX-License-Identifier: Apache-2.0
// ImageFolder: [SPLIT/]CLASS/picture, as a folder or inside a zip (or tar) archive.
#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "base/error.h"
#include "formats/data_set.h"
#include "formats/picture.h"

namespace limber {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPictureBytes = int64_t{1} << 28;
constexpr std::size_t kSetBytes = std::size_t{1} << 35;

struct Entry {
  std::string name, split, label;  // split empty: the set has none
  Picture picture;
};

// "a/train/cat/1.png" -> split train, label cat. False: not part of an ImageFolder.
bool place(const std::string& name, Entry* entry) {
  std::vector<std::string> parts;
  for (const fs::path& part : fs::path(name)) parts.push_back(part.string());
  if (parts.size() < 2 || !is_picture_name(name)) return false;
  entry->name = name;
  entry->label = parts[parts.size() - 2];
  entry->split = parts.size() >= 3 ? parts[parts.size() - 3] : "";
  if (entry->split == "val" || entry->split == "validation") entry->split = "test";
  if (entry->split != "train" && entry->split != "test") entry->split.clear();
  return true;
}

std::vector<Entry> read_folder(const std::string& folder, const std::string& split) {
  std::vector<Entry> entries;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(folder, error); !error && it != fs::recursive_directory_iterator();
       it.increment(error)) {
    Entry entry;
    if (it->is_regular_file(error) && place(fs::relative(it->path(), folder).string(), &entry))
      entries.push_back(std::move(entry));
  }
  if (error) fail(ErrorCode::kIo, "{}: {}", folder, error.message());
  for (Entry& entry : entries) {
    if (entry.split.empty() || entry.split == split) entry.picture = read_picture(folder + "/" + entry.name);
  }
  return entries;
}

std::vector<Entry> read_archive(const std::string& path, const std::string& split) {
  const std::unique_ptr<archive, int (*)(archive*)> zip(archive_read_new(), archive_read_free);
  archive_read_support_format_zip(zip.get());
  archive_read_support_format_tar(zip.get());
  archive_read_support_filter_all(zip.get());
  if (archive_read_open_filename(zip.get(), path.c_str(), 1 << 18) != ARCHIVE_OK) {
    fail(ErrorCode::kBadFile, "{}: not a zip or tar archive: {}", path, archive_error_string(zip.get()));
  }
  std::vector<Entry> entries;
  std::vector<std::byte> bytes;
  archive_entry* header = nullptr;
  int status;
  while ((status = archive_read_next_header(zip.get(), &header)) == ARCHIVE_OK) {
    Entry entry;
    const char* name = archive_entry_pathname(header);
    if (name == nullptr || archive_entry_filetype(header) != AE_IFREG || !place(name, &entry)) continue;
    if (entry.split.empty() || entry.split == split) {
      const std::string where = path + ": " + entry.name;
      bytes.clear();
      const void* block = nullptr;
      std::size_t size = 0;
      la_int64_t offset = 0;
      int got;
      while ((got = archive_read_data_block(zip.get(), &block, &size, &offset)) == ARCHIVE_OK) {
        if (static_cast<int64_t>(bytes.size() + size) > kPictureBytes) {
          fail(ErrorCode::kBadFile, "{}: a picture of more than {} bytes", where, kPictureBytes);
        }
        bytes.insert(bytes.end(), static_cast<const std::byte*>(block), static_cast<const std::byte*>(block) + size);
      }
      if (got != ARCHIVE_EOF) fail(ErrorCode::kBadFile, "{}: {}", where, archive_error_string(zip.get()));
      entry.picture = decode_picture(bytes, where);
    }
    entries.push_back(std::move(entry));
  }
  if (status != ARCHIVE_EOF) fail(ErrorCode::kBadFile, "{}: {}", path, archive_error_string(zip.get()));
  return entries;
}

}  // namespace

Images read_image_folder(const std::string& path, const std::string& split) {
  std::vector<Entry> entries = fs::is_directory(path) ? read_folder(path, split) : read_archive(path, split);
  if (entries.empty()) {
    fail(ErrorCode::kNotFound, "{}: no pictures; expected [train|test]/CLASS/*.jpg|png", path);
  }
  const bool splits = std::any_of(entries.begin(), entries.end(), [](const Entry& e) { return !e.split.empty(); });
  std::set<std::string> classes;  // of the whole set, so that every split has the same numbers
  for (const Entry& entry : entries) {
    if (!splits || !entry.split.empty()) classes.insert(entry.label);
  }
  std::erase_if(entries, [&](const Entry& e) { return splits && e.split != split; });
  if (entries.empty()) fail(ErrorCode::kNotFound, "{}: it has no '{}' pictures", path, split);
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });

  Images images;
  images.classes.assign(classes.begin(), classes.end());
  const Picture& first = entries[0].picture;
  images.height = first.height;
  images.width = first.width;
  images.channels = 1;
  for (const Entry& entry : entries) images.channels = std::max(images.channels, entry.picture.channels);
  images.count = static_cast<int64_t>(entries.size());
  if (static_cast<std::size_t>(images.height * images.width * images.channels) > kSetBytes / entries.size()) {
    fail(ErrorCode::kBadFile, "{}: {} pictures of {}x{} do not fit in {} bytes", path, entries.size(), images.width,
         images.height, kSetBytes);
  }
  images.pixels.reserve(static_cast<std::size_t>(images.count * images.height * images.width * images.channels));
  for (Entry& entry : entries) {
    if (entry.picture.height != images.height || entry.picture.width != images.width) {
      fail(ErrorCode::kBadFile, "{}: {} is {}x{}, but {} is {}x{}: all pictures of a set have one size", path,
           entry.name, entry.picture.width, entry.picture.height, entries[0].name, images.width, images.height);
    }
    if (&entry != &entries[0] || entry.picture.channels != images.channels) {
      entry.picture = fit_picture(std::move(entry.picture), images.height, images.width, images.channels);
    }
    images.pixels.insert(images.pixels.end(), entry.picture.pixels.begin(), entry.picture.pixels.end());
    images.labels.push_back(static_cast<int32_t>(
        std::lower_bound(images.classes.begin(), images.classes.end(), entry.label) - images.classes.begin()));
    if (&entry != &entries[0]) entry.picture.pixels = {};
  }
  return images;
}

}  // namespace limber
