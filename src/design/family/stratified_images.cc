// SPDX-License-Identifier: Apache-2.0
#include "design/family/stratified_images.h"

#include <algorithm>
#include <map>

#include "base/random.h"

namespace limber {

Images stratified_images(const Images& images, int64_t n, uint64_t seed) {
  if (n >= images.count) return images;
  std::map<int32_t, std::vector<int64_t>> classes;
  for (int64_t i = 0; i < images.count; ++i) classes[images.labels[static_cast<std::size_t>(i)]].push_back(i);
  Random random(seed);
  for (auto& [label, members] : classes) {
    for (std::size_t i = members.size(); i > 1; --i) std::swap(members[i - 1], members[random.below(i)]);
  }
  std::vector<int64_t> chosen;
  while (static_cast<int64_t>(chosen.size()) < n) {  // one of each class in turns
    for (auto& [label, members] : classes) {
      if (members.empty() || static_cast<int64_t>(chosen.size()) >= n) continue;
      chosen.push_back(members.back());
      members.pop_back();
    }
  }
  std::sort(chosen.begin(), chosen.end());
  Images result;
  result.count = n;
  result.height = images.height;
  result.width = images.width;
  result.channels = images.channels;
  result.classes = images.classes;
  result.name = images.name;
  const int64_t size = images.height * images.width * images.channels;
  for (const int64_t i : chosen) {
    result.pixels.insert(result.pixels.end(), images.pixels.begin() + i * size, images.pixels.begin() + (i + 1) * size);
    result.labels.push_back(images.labels[static_cast<std::size_t>(i)]);
  }
  result.hash = hash_images(result);
  return result;
}

}  // namespace limber
