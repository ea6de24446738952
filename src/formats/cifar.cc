// SPDX-License-Identifier: Apache-2.0
// The binary version of CIFAR-10 (cs.toronto.edu/~kriz/cifar.html): records of a label and 3 x 32 x 32 bytes, planar
// RGB.
#include <filesystem>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/data_set.h"

namespace limber {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPixels = 32 * 32;
constexpr int64_t kRecord = 1 + 3 * kPixels;

// The archive holds one folder; both it and its parent are accepted.
std::string inner(const std::string& folder) {
  const std::string below = folder + "/cifar-10-batches-bin";
  return fs::exists(below + "/test_batch.bin") || fs::exists(below + "/data_batch_1.bin") ? below : folder;
}

void append(Images* images, const std::string& path) {
  const MappedFile file(path);
  if (file.size() == 0 || file.size() % kRecord != 0) {
    fail(ErrorCode::kBadFile, "{}: {} bytes, expected a multiple of {} (records of CIFAR-10): truncated or foreign",
         path, file.size(), kRecord);
  }
  const auto* bytes = reinterpret_cast<const uint8_t*>(file.bytes().data());
  const auto records = static_cast<int64_t>(file.size()) / kRecord;
  images->pixels.reserve(images->pixels.size() + static_cast<std::size_t>(records * 3 * kPixels));
  for (int64_t r = 0; r < records; ++r, bytes += kRecord) {
    if (bytes[0] > 9) fail(ErrorCode::kBadFile, "{}: record {} has label {}, legal: 0 to 9", path, r, bytes[0]);
    images->labels.push_back(bytes[0]);
    for (int64_t p = 0; p < kPixels; ++p) {
      for (int64_t c = 0; c < 3; ++c) images->pixels.push_back(bytes[1 + c * kPixels + p]);
    }
  }
  images->count += records;
}

}  // namespace

bool is_cifar_folder(const std::string& folder) {
  return fs::exists(inner(folder) + "/test_batch.bin") || fs::exists(inner(folder) + "/data_batch_1.bin");
}

Images read_cifar_folder(const std::string& folder, bool training) {
  Images images;
  images.height = images.width = 32;
  images.channels = 3;
  images.classes = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  if (!training) append(&images, inner(folder) + "/test_batch.bin");
  for (int batch = 1; training && batch <= 5; ++batch) {
    append(&images, inner(folder) + "/data_batch_" + std::to_string(batch) + ".bin");
  }
  return images;
}

}  // namespace limber
