// SPDX-License-Identifier: Apache-2.0
// Labelled images: CIFAR binary, IDX (plain or gz), ImageFolder (folder or zip), and generated shapes. Layer: formats.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace limber {

// All images have one size. Plain data.
struct Images {
  int64_t count = 0, height = 0, width = 0, channels = 0;
  std::vector<uint8_t> pixels;  // [count][height][width][channels], channels 1 (grey) or 3 (RGB)
  std::vector<int32_t> labels;  // index into classes
  std::vector<std::string> classes;
  std::string name;  // "cifar10-jpeg", or a path's last component
  std::string hash;  // SHA-256 over pixels and labels (32-bit little-endian), in order
};

// Data sets by name: shapes[:seed], cifar10, cifar10-jpeg, mnist, fashion-mnist. A name is looked for in
// $LIMBER_DATA/NAME, then in the download cache, then where Debian's packages put it. Anything with a '/' or that is no
// known name is a path to a CIFAR folder, an IDX folder, or an ImageFolder as folder or zip (SPLIT/CLASS/*.jpg|png, or
// CLASS/* without splits). split: "train" (without the validation images), "validation" (about a tenth of the training
// data, see data_split.h) or "test". Order: the files' own, or sorted by name. Fails with kNotFound (naming where it
// looked and how to get it), kBadFile (naming the file), or kInvalidArgument. Time: up to some seconds for 60,000
// JPEGs.
Images read_data_set(const std::string& name_or_path, const std::string& split);

// Of a known name or a path: the folder or file it would be read from; empty for generated data. Fails as above.
std::string find_data_set(const std::string& name_or_path);

// $XDG_CACHE_HOME/limber/data or ~/.cache/limber/data: where `limber data get` puts data sets.
std::string data_cache_directory();

// 10 classes of drawn 32x32 RGB pictures: each image depends only on the seed and its index. 20 us an image.
Images make_shapes(int64_t count, uint64_t seed);

// The first n images (all if there are fewer), hash computed anew.
Images first_images(Images images, int64_t n);

// --- what the readers share ---
std::string hash_images(const Images& images);
Images read_cifar_folder(const std::string& folder, bool training);
Images read_idx_folder(const std::string& folder, bool training);
bool is_cifar_folder(const std::string& folder);
bool is_idx_folder(const std::string& folder);
// split "train" or "test"; a set without those folders is one whole, used for either.
Images read_image_folder(const std::string& folder_or_zip, const std::string& split);

}  // namespace limber
