// SPDX-License-Identifier: Apache-2.0
// IDX files as MNIST and Fashion-MNIST come: big-endian header, bytes; plain or gzipped.
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "formats/data_set.h"

namespace limber {
namespace {

namespace fs = std::filesystem;

// "train-images-idx3-ubyte" with its possible spellings; empty if absent.
std::string find(const std::string& folder, bool training, bool labels) {
  const std::string stem = std::string(training ? "train" : "t10k") + (labels ? "-labels" : "-images");
  for (const char* joint : {"-", "."}) {
    for (const char* end : {"", ".gz"}) {
      const std::string path = folder + "/" + stem + joint + (labels ? "idx1-ubyte" : "idx3-ubyte") + end;
      if (fs::is_regular_file(path)) return path;
    }
  }
  return "";
}

class IdxFile {
 public:
  IdxFile(const std::string& path, int rank) : path_(path), file_(gzopen(path.c_str(), "rb"), gzclose) {
    if (!file_) fail(ErrorCode::kIo, "{}: cannot be opened", path);
    gzbuffer(file_.get(), 1 << 18);
    const uint32_t magic = number();
    if (magic != 0x800u + static_cast<uint32_t>(rank)) {
      fail(ErrorCode::kBadFile, "{}: starts with {:#x}, an IDX file of bytes with {} dimensions starts with {:#x}",
           path, magic, rank, 0x800 + rank);
    }
    for (int i = 0; i < rank; ++i) {
      extents.push_back(number());
      const int64_t most = i == 0 ? 10'000'000 : 4096;
      if (extents.back() < 1 || extents.back() > most) {
        fail(ErrorCode::kBadFile, "{}: dimension {} is {}, legal: 1 to {}", path, i, extents.back(), most);
      }
    }
  }

  std::vector<uint8_t> rest() {
    int64_t size = 1;
    for (const int64_t extent : extents) size *= extent;
    // Grown as bytes arrive, so that a lying header cannot ask for more memory than the file fills.
    std::vector<uint8_t> bytes;
    while (static_cast<int64_t>(bytes.size()) < size) {
      const std::size_t at = bytes.size();
      bytes.resize(static_cast<std::size_t>(std::min<int64_t>(size, static_cast<int64_t>(at) + (1 << 24))));
      read(bytes.data() + at, bytes.size() - at);
    }
    uint8_t more;
    if (gzread(file_.get(), &more, 1) != 0)
      fail(ErrorCode::kBadFile, "{}: goes on after its {} bytes, or is damaged", path_, size);
    return bytes;
  }

  std::vector<int64_t> extents;

 private:
  void read(uint8_t* to, std::size_t size) {
    const int got = gzread(file_.get(), to, static_cast<unsigned>(size));
    if (got < 0 || static_cast<std::size_t>(got) != size) {
      int code = 0;
      const char* reason = gzerror(file_.get(), &code);
      fail(ErrorCode::kBadFile, "{}: truncated or damaged{}{}", path_, code == 0 ? "" : ": ", code == 0 ? "" : reason);
    }
  }
  uint32_t number() {
    uint8_t b[4];
    read(b, 4);
    return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | b[3];
  }

  std::string path_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};

}  // namespace

bool is_idx_folder(const std::string& folder) {
  return !find(folder, true, false).empty() || !find(folder, false, false).empty();
}

Images read_idx_folder(const std::string& folder, bool training) {
  const std::string pictures = find(folder, training, false), labels = find(folder, training, true);
  if (pictures.empty() || labels.empty()) {
    fail(ErrorCode::kNotFound, "{}: no {}-{}-ubyte[.gz]", folder, training ? "train" : "t10k",
         pictures.empty() ? "images-idx3" : "labels-idx1");
  }
  IdxFile picture_file(pictures, 3), label_file(labels, 1);
  Images images;
  images.count = picture_file.extents[0];
  images.height = picture_file.extents[1];
  images.width = picture_file.extents[2];
  images.channels = 1;
  if (label_file.extents[0] != images.count) {
    fail(ErrorCode::kBadFile, "{}: {} labels, but {} has {} images", labels, label_file.extents[0], pictures,
         images.count);
  }
  images.pixels = picture_file.rest();
  const std::vector<uint8_t> values = label_file.rest();
  images.labels.assign(values.begin(), values.end());
  const int classes = std::max<int>(10, 1 + *std::max_element(values.begin(), values.end()));
  for (int i = 0; i < classes; ++i) images.classes.push_back(std::to_string(i));
  return images;
}

}  // namespace limber
