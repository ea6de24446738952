// SPDX-License-Identifier: Apache-2.0
#include "formats/data_set.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "base/digest.h"
#include "base/error.h"
#include "formats/data_split.h"
#include "formats/download.h"

namespace limber {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kShapesTraining = 8000, kShapesTest = 2000;
constexpr const char* kDebianFashion = "/usr/share/datasets/fashion-mnist";
const std::vector<std::string> kFashionClasses = {"t-shirt", "trouser", "pullover", "dress", "coat",
                                                  "sandal",  "shirt",   "sneaker",  "bag",   "ankle boot"};

bool is_name(const std::string& text) {
  return text == "cifar10" || text == "cifar10-jpeg" || text == "mnist" || text == "fashion-mnist";
}

bool parse_shapes(const std::string& text, uint64_t* seed) {
  *seed = 1;
  if (text == "shapes") return true;
  if (!text.starts_with("shapes:")) return false;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data() + 7, end, *seed);
  if (result.ec != std::errc() || result.ptr != end) {
    fail(ErrorCode::kInvalidArgument, "'{}': expected shapes or shapes:SEED, a whole number", text);
  }
  return true;
}

// A folder with nothing but one archive stands for it.
std::string only_archive(const std::string& path) {
  if (!fs::is_directory(path) || is_cifar_folder(path) || is_idx_folder(path)) return path;
  std::vector<std::string> archives;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.is_directory()) return path;
    if (entry.path().extension() == ".zip") archives.push_back(entry.path().string());
  }
  return archives.size() == 1 ? archives[0] : path;
}

Images read_part(const std::string& path, bool training) {
  if (fs::is_directory(path) && is_cifar_folder(path)) return read_cifar_folder(path, training);
  if (fs::is_directory(path) && is_idx_folder(path)) return read_idx_folder(path, training);
  return read_image_folder(path, training ? "train" : "test");
}

void keep(Images* images, bool validation) {
  const auto size = static_cast<std::size_t>(images->height * images->width * images->channels);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < images->labels.size(); ++i) {
    const std::span<const uint8_t> pixels(images->pixels.data() + i * size, size);
    if (in_validation(pixels) != validation) continue;
    if (kept != i)
      std::copy(pixels.begin(), pixels.end(), images->pixels.begin() + static_cast<std::ptrdiff_t>(kept * size));
    images->labels[kept++] = images->labels[i];
  }
  images->labels.resize(kept);
  images->pixels.resize(kept * size);
  images->count = static_cast<int64_t>(kept);
}

}  // namespace

std::string data_cache_directory() {
  return cache_directory("data");
}

std::string find_data_set(const std::string& text) {
  uint64_t seed;
  if (parse_shapes(text, &seed)) return "";
  if (!is_name(text)) {
    if (fs::exists(text)) return only_archive(text);
    fail(ErrorCode::kNotFound,
         "no data set '{}': it is neither a path here nor one of shapes[:SEED], cifar10, cifar10-jpeg, mnist, "
         "fashion-mnist",
         text);
  }
  std::string looked;
  std::vector<std::string> places;
  const char* root = std::getenv("LIMBER_DATA");
  if (root != nullptr && *root != '\0') places.push_back(std::string(root) + "/" + text);
  places.push_back(data_cache_directory() + "/" + text);
  if (text == "fashion-mnist") places.push_back(kDebianFashion);
  for (const std::string& place : places) {
    if (fs::exists(place)) return only_archive(place);
    looked += (looked.empty() ? "" : ", ") + place;
  }
  fail(ErrorCode::kNotFound, "data set '{}' is not in {}; {}{}", text, looked,
       text == "cifar10-jpeg" ? "set LIMBER_DATA to the folder that has it"
                              : "get it with `limber data get " + text + "`",
       text == "fashion-mnist" ? " or Debian's package dataset-fashion-mnist" : "");
}

std::string hash_images(const Images& images) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(images.pixels)));
  std::string labels;
  for (const int32_t label : images.labels) {
    for (int i = 0; i < 4; ++i) labels += static_cast<char>(static_cast<uint32_t>(label) >> (8 * i));
  }
  hash.update(labels);
  return hash.hex();
}

Images first_images(Images images, int64_t n) {
  if (n >= images.count) return images;
  images.count = n;
  images.pixels.resize(static_cast<std::size_t>(n * images.height * images.width * images.channels));
  images.labels.resize(static_cast<std::size_t>(n));
  images.hash = hash_images(images);
  return images;
}

Images read_data_set(const std::string& text, const std::string& split) {
  if (split != "train" && split != "validation" && split != "test") {
    fail(ErrorCode::kInvalidArgument, "no split '{}'; legal: train, validation, test", split);
  }
  const bool training = split != "test";
  const std::string path = find_data_set(text);
  Images images;
  uint64_t seed;
  if (parse_shapes(text, &seed)) {
    images = make_shapes(training ? kShapesTraining : kShapesTest, 2 * seed + (training ? 0 : 1));
    images.name = text;
  } else {
    images = read_part(path, training);
    fs::path last = fs::path(text).lexically_normal();
    if (!last.has_filename()) last = last.parent_path();
    images.name = is_name(text) ? text : last.filename().string();
    if (text == "fashion-mnist" || path == kDebianFashion) images.classes = kFashionClasses;
  }
  if (training) keep(&images, split == "validation");
  images.hash = hash_images(images);
  return images;
}

}  // namespace limber
