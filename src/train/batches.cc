// SPDX-License-Identifier: Apache-2.0
#include "train/batches.h"

#include <cstdlib>
#include <numeric>

namespace limber::train {

uint64_t mix(uint64_t seed, uint64_t step, uint64_t epoch, uint64_t batch) {
  uint64_t value = seed;
  for (const uint64_t part : {step, epoch, batch}) value = Random(value ^ (part + 1)).next();
  return value;
}

std::vector<int64_t> shuffled(int64_t count, uint64_t seed) {
  std::vector<int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  Random random(seed);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

void fill_batch(const Recipe& recipe, const Images& images, const int64_t* indices, int64_t n, Random* random,
                float* out, int64_t* labels) {
  const int64_t height = images.height, width = images.width, channels = images.channels;
  std::vector<float> table(
      static_cast<std::size_t>(256 * channels));  // a pixel's normalised value, by [value][channel]
  for (int64_t value = 0; value < 256; ++value) {
    for (int64_t c = 0; c < channels; ++c) {
      const auto i = static_cast<std::size_t>(c);
      table[static_cast<std::size_t>(value * channels + c)] =
          (static_cast<float>(value) / 255.0f - recipe.mean[i]) / recipe.deviation[i];
    }
  }
  for (int64_t b = 0; b < n; ++b) {
    const int64_t index = indices[b];
    labels[b] = images.labels[static_cast<std::size_t>(index)];
    const uint8_t* picture = images.pixels.data() + index * height * width * channels;
    bool mirror = false;
    int64_t down = 0, right = 0, hole_y = 0, hole_x = 0;
    if (random != nullptr) {
      mirror = recipe.flip && (random->next() & 1) != 0;
      const auto span = static_cast<uint64_t>(2 * recipe.shift + 1);
      down = static_cast<int64_t>(random->below(span)) - recipe.shift;
      right = static_cast<int64_t>(random->below(span)) - recipe.shift;
      hole_y = static_cast<int64_t>(random->below(static_cast<uint64_t>(height)));
      hole_x = static_cast<int64_t>(random->below(static_cast<uint64_t>(width)));
    }
    const int64_t hole = random != nullptr ? recipe.cutout : 0;
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x, out += channels) {
        const int64_t from_y = y + down;
        const int64_t from_x = mirror ? width - 1 - (x + right) : x + right;
        const bool outside = from_y < 0 || from_x < 0 || from_y >= height || from_x >= width;
        const bool cut = 2 * std::abs(y - hole_y) < hole && 2 * std::abs(x - hole_x) < hole;
        for (int64_t c = 0; c < channels; ++c) {
          out[c] =
              outside || cut
                  ? 0.0f
                  : table[static_cast<std::size_t>(picture[(from_y * width + from_x) * channels + c] * channels + c)];
        }
      }
    }
  }
}

}  // namespace limber::train
