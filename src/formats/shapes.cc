// SPDX-License-Identifier: Apache-2.0
// The generated data set: ten shapes, told apart by outline only. Colour, place, size, rotation, shear, noise, clutter
// and an occluding bar are drawn at random, so that neither colour nor area gives the class away.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "formats/data_set.h"

namespace limber {
namespace {

constexpr int kSize = 32;
constexpr float kPi = std::numbers::pi_v<float>;

class Random {  // splitmix64: the same on every machine and library
 public:
  explicit Random(uint64_t state) : state_(state) {}
  uint64_t bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  float uniform(float low, float high) { return low + (high - low) * static_cast<float>(bits() >> 40) * 0x1p-24f; }
  int below(int n) { return static_cast<int>(bits() % static_cast<uint64_t>(n)); }
  // Sum of four uniforms: close to normal, exact on every machine; deviation 1.
  float normal() {
    const uint64_t b = bits();
    const auto sum = static_cast<float>((b & 0xffff) + (b >> 16 & 0xffff) + (b >> 32 & 0xffff) + (b >> 48));
    return (sum * 0x1p-16f - 2) * 1.7320508f;
  }

 private:
  uint64_t state_;
};

// Distance to a regular polygon of n corners on the unit circle, negative inside.
float polygon(float x, float y, int n) {
  const float sector = 2 * kPi / static_cast<float>(n);
  const float angle = std::atan2(y, x);
  const float local = angle - sector * std::round(angle / sector);
  return std::hypot(x, y) * std::cos(local) - std::cos(sector / 2);
}

float box(float x, float y, float half_width, float half_height) {
  return std::max(std::fabs(x) - half_width, std::fabs(y) - half_height);
}

float star(float x,
           float y) {  // five points: the angle folded onto one edge from tip (radius 1) to notch (radius 0.45)
  const float sector = 2 * kPi / 5;
  const float angle = std::atan2(y, x);
  const float local = std::fabs(angle - sector * std::round(angle / sector));
  const float r = std::hypot(x, y);
  const float px = r * std::cos(local), py = r * std::sin(local);
  const float nx = 0.45f * std::cos(sector / 2), ny = 0.45f * std::sin(sector / 2);
  const float ex = nx - 1, ey = ny;
  return (ey * (px - 1) - ex * py) / std::hypot(ex, ey);
}

// Signed distance, in units of the shape's radius; negative inside.
float outline(int label, float x, float y) {
  const float r = std::hypot(x, y);
  switch (label) {
    case 0:
      return r - 0.9f;  // circle
    case 1:
      return box(x, y, 0.78f, 0.78f);  // square
    case 2:
      return polygon(x, y, 3);  // triangle
    case 3:
      return star(x, y);  // star
    case 4:
      return std::min(box(x, y, 0.95f, 0.3f), box(x, y, 0.3f, 0.95f));  // cross
    case 5:
      return std::fabs(r - 0.7f) - 0.23f;  // ring
    case 6:
      return std::max(box(x, y, 0.85f, 0.85f), std::fabs(x - 0.68f * std::round(x / 0.68f)) - 0.17f);  // stripes
    case 7:
      return std::max(r - 0.95f, 0.72f - std::hypot(x - 0.42f, y));  // crescent
    case 8:
      return polygon(x, y, 6);  // hexagon
    default:
      return std::max(r - 0.95f, x - 0.12f);  // half disc
  }
}

using Colour = std::array<float, 3>;

Colour any_colour(Random* random) {
  return {random->uniform(0, 255), random->uniform(0, 255), random->uniform(0, 255)};
}

float contrast(const Colour& a, const Colour& b) {
  return std::fabs(a[0] - b[0]) + std::fabs(a[1] - b[1]) + std::fabs(a[2] - b[2]);
}

using Canvas = std::array<Colour, kSize * kSize>;

void blend(Colour* pixel, const Colour& colour, float coverage) {
  for (int c = 0; c < 3; ++c) (*pixel)[c] += (colour[c] - (*pixel)[c]) * coverage;
}

void draw_bar(Canvas* canvas, Random* random, const Colour& colour, float half_length, float half_width) {
  const float angle = random->uniform(0, kPi), cx = random->uniform(2, 30), cy = random->uniform(2, 30);
  const float co = std::cos(angle), si = std::sin(angle);
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      const float dx = static_cast<float>(x) - cx, dy = static_cast<float>(y) - cy;
      const float distance = box(co * dx + si * dy, co * dy - si * dx, half_length, half_width);
      blend(&(*canvas)[y * kSize + x], colour, std::clamp(0.5f - distance, 0.0f, 1.0f));
    }
  }
}

void draw(int label, Random* random, uint8_t* out) {
  Canvas canvas;
  const Colour low = any_colour(random);
  Colour high = low;
  for (float& value : high) value = std::clamp(value + random->uniform(-90, 90), 0.0f, 255.0f);
  const float direction = random->uniform(0, 2 * kPi), gx = std::cos(direction) / 45, gy = std::sin(direction) / 45;
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      const float t = std::clamp(0.5f + gx * static_cast<float>(x - 16) + gy * static_cast<float>(y - 16), 0.0f, 1.0f);
      for (int c = 0; c < 3; ++c) canvas[y * kSize + x][c] = low[c] + t * (high[c] - low[c]);
    }
  }
  const int clutter = 1 + random->below(4);
  for (int i = 0; i < clutter; ++i) {
    const Colour colour = any_colour(random);
    draw_bar(&canvas, random, colour, random->uniform(1.5f, 9), random->uniform(0.6f, 2.2f));
  }
  Colour middle;
  for (int c = 0; c < 3; ++c) middle[c] = (low[c] + high[c]) / 2;
  Colour colour = any_colour(random);
  while (contrast(colour, middle) < 110) colour = any_colour(random);
  const float radius = random->uniform(5.5f, 12.5f), angle = random->uniform(0, 2 * kPi);
  const float cx = random->uniform(radius * 0.8f, 31 - radius * 0.8f),
              cy = random->uniform(radius * 0.8f, 31 - radius * 0.8f);
  const float squeeze = random->uniform(0.72f, 1), shear = random->uniform(-0.25f, 0.25f);
  const float co = std::cos(angle) / radius, si = std::sin(angle) / radius;
  const float texture = random->uniform(0, 40);
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      const float dx = static_cast<float>(x) - cx, dy = (static_cast<float>(y) - cy) / squeeze + shear * dx;
      if (dx * dx + dy * dy > 1.7f * radius * radius) continue;  // outlines reach to 1.2 radii
      const float distance = outline(label, co * dx + si * dy, co * dy - si * dx) * radius;
      const float coverage = std::clamp(0.5f - distance, 0.0f, 1.0f);
      if (coverage <= 0) continue;
      Colour shade = colour;
      const float noise = texture * random->normal() * 0.5f;
      for (float& value : shade) value += noise;
      blend(&canvas[y * kSize + x], shade, coverage);
    }
  }
  if (random->below(2) == 0) {
    const Colour bar = any_colour(random);
    draw_bar(&canvas, random, bar, random->uniform(4, 14), random->uniform(0.8f, 2.2f));
  }
  const float noise = random->uniform(4, 34);
  for (const Colour& pixel : canvas) {
    for (const float value : pixel) {
      *out++ = static_cast<uint8_t>(std::clamp(value + noise * random->normal() + 0.5f, 0.0f, 255.0f));
    }
  }
}

}  // namespace

Images make_shapes(int64_t count, uint64_t seed) {
  Images images;
  images.count = count;
  images.height = images.width = kSize;
  images.channels = 3;
  images.name = "shapes";
  images.classes = {"circle", "square",  "triangle", "star",    "cross",
                    "ring",   "stripes", "crescent", "hexagon", "half disc"};
  images.pixels.resize(static_cast<std::size_t>(count) * kSize * kSize * 3);
  for (int64_t i = 0; i < count; ++i) {
    Random random(Random(seed ^ static_cast<uint64_t>(i) << 32).bits());
    const auto label = static_cast<int>((i + static_cast<int64_t>(random.below(10))) % 10);
    images.labels.push_back(label);
    draw(label, &random, images.pixels.data() + i * kSize * kSize * 3);
  }
  images.hash = hash_images(images);
  return images;
}

}  // namespace limber
