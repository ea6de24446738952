// SPDX-License-Identifier: Apache-2.0
#include "kernels/resize.h"

#include <algorithm>
#include <cmath>

namespace limber::kernels {
namespace {

constexpr int kBits = 22;  // of a coefficient's fraction: 8 of the pixel and 2 of headroom are left of 32
constexpr int32_t kHalf = 1 << (kBits - 1);

uint8_t to_byte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kBits, 0, 255));
}

// Written out for the channels that images have; 0: any number.
template <int kChannels>
void narrow_row(const uint8_t* from, int64_t any_channels, const std::vector<int64_t>& first,
                const std::vector<int32_t>& count, const std::vector<int32_t>& value, int64_t widest, uint8_t* to) {
  const int64_t channels = kChannels > 0 ? kChannels : any_channels;
  for (std::size_t x = 0; x < first.size(); ++x) {
    const int32_t* const taps = value.data() + static_cast<int64_t>(x) * widest;
    const uint8_t* const pixels = from + first[x] * channels;
    for (int64_t channel = 0; channel < channels; ++channel) {
      int32_t sum = kHalf;
      for (int64_t j = 0; j < count[x]; ++j) sum += pixels[j * channels + channel] * taps[j];
      *to++ = to_byte(sum);
    }
  }
}

}  // namespace

void Resizer::Taps::prepare(const ResizeAxis& axis) {
  const double scale = static_cast<double>(axis.from) / static_cast<double>(axis.to);
  const double support = std::max(scale, 1.0), steepness = 1.0 / support;
  widest = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
  first.clear();
  count.clear();
  value.assign(static_cast<std::size_t>(axis.count * widest), 0);
  weights.resize(static_cast<std::size_t>(widest));
  for (int64_t i = 0; i < axis.count; ++i) {
    const double centre = (static_cast<double>(axis.first + i) + 0.5) * scale;
    const int64_t begin = std::max<int64_t>(static_cast<int64_t>(centre - support + 0.5), 0);
    const int64_t end = std::min(static_cast<int64_t>(centre + support + 0.5), axis.from);
    double total = 0;
    for (int64_t j = 0; j < end - begin; ++j) {
      const double distance = std::abs((static_cast<double>(j + begin) - centre + 0.5) * steepness);
      const double weight = distance < 1.0 ? 1.0 - distance : 0.0;
      weights[static_cast<std::size_t>(j)] = weight;
      total += weight;
    }
    for (int64_t j = 0; j < end - begin; ++j) {
      double weight = weights[static_cast<std::size_t>(j)];
      if (total != 0.0) weight /= total;
      value[static_cast<std::size_t>(i * widest + j)] = static_cast<int32_t>(0.5 + weight * (1 << kBits));
    }
    first.push_back(begin);
    count.push_back(static_cast<int32_t>(end - begin));
  }
}

void Resizer::prepare(const ResizeAxis& rows, const ResizeAxis& columns, int64_t channels) {
  if (rows == rows_ && columns == columns_ && channels == channels_) return;
  row_taps_.prepare(rows);
  column_taps_.prepare(columns);
  const int64_t needed = row_taps_.first.back() + row_taps_.count.back() - row_taps_.first.front();
  const int64_t row = columns.count * channels;
  narrow_.resize(static_cast<std::size_t>(needed * row));
  sums_.resize(static_cast<std::size_t>(row));
  rows_ = rows;
  columns_ = columns;
  channels_ = channels;
}

void Resizer::run(const uint8_t* image, uint8_t* resized) {
  const int64_t row = columns_.count * channels_, top = row_taps_.first.front();
  const auto narrow = channels_ == 3 ? narrow_row<3> : channels_ == 1 ? narrow_row<1> : narrow_row<0>;
  const auto needed = static_cast<int64_t>(narrow_.size()) / row;
  for (int64_t y = 0; y < needed; ++y) {
    narrow(image + (top + y) * columns_.from * channels_, channels_, column_taps_.first, column_taps_.count,
           column_taps_.value, column_taps_.widest, narrow_.data() + y * row);
  }
  for (int64_t y = 0; y < rows_.count; ++y) {
    const auto at = static_cast<std::size_t>(y);
    std::fill(sums_.begin(), sums_.end(), kHalf);
    for (int64_t j = 0; j < row_taps_.count[at]; ++j) {
      const int32_t tap = row_taps_.value[static_cast<std::size_t>(y * row_taps_.widest + j)];
      const uint8_t* const from = narrow_.data() + (row_taps_.first[at] - top + j) * row;
      for (int64_t i = 0; i < row; ++i) sums_[static_cast<std::size_t>(i)] += from[i] * tap;
    }
    for (int64_t i = 0; i < row; ++i) resized[y * row + i] = to_byte(sums_[static_cast<std::size_t>(i)]);
  }
}

int64_t Resizer::bytes() const {
  const auto of = [](const Taps& taps) {
    return taps.first.capacity() * sizeof(int64_t) + (taps.count.capacity() + taps.value.capacity()) * sizeof(int32_t) +
           taps.weights.capacity() * sizeof(double);
  };
  return static_cast<int64_t>(of(row_taps_) + of(column_taps_) + narrow_.capacity() +
                              sums_.capacity() * sizeof(int32_t));
}

}  // namespace limber::kernels
