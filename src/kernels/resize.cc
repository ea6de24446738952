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

// Of one line. Written out for the channels that images have and for few taps, which costs a third; 0: any number.
template <int kChannels, int kTaps>
void narrow_row(const uint8_t* from, int64_t any_channels, int64_t any_taps, const std::vector<int64_t>& first,
                const std::vector<int32_t>& value, uint8_t* to) {
  const int64_t channels = kChannels > 0 ? kChannels : any_channels, taps = kTaps > 0 ? kTaps : any_taps;
  const int32_t* tap = value.data();
  for (const int64_t start : first) {
    const uint8_t* const pixels = from + start * channels;
    for (int64_t channel = 0; channel < channels; ++channel) {
      int32_t sum = kHalf;
      for (int64_t j = 0; j < taps; ++j) sum += pixels[j * channels + channel] * tap[j];
      *to++ = to_byte(sum);
    }
    tap += taps;
  }
}

template <int kChannels>
auto narrow_row_of(int64_t taps) {
  switch (taps) {
    case 2:
      return narrow_row<kChannels, 2>;
    case 3:
      return narrow_row<kChannels, 3>;
    case 4:
      return narrow_row<kChannels, 4>;
    case 5:
      return narrow_row<kChannels, 5>;
    default:
      return narrow_row<kChannels, 0>;
  }
}

// The pixels [first, second) that output i of an axis reads.
std::pair<int64_t, int64_t> reach(const ResizeAxis& axis, int64_t i, double scale, double support) {
  const double centre = (static_cast<double>(axis.first + i) + 0.5) * scale;
  return {std::max<int64_t>(static_cast<int64_t>(centre - support + 0.5), 0),
          std::min(static_cast<int64_t>(centre + support + 0.5), axis.from)};
}

}  // namespace

void Resizer::Taps::prepare(const ResizeAxis& axis) {
  const double scale = static_cast<double>(axis.from) / static_cast<double>(axis.to);
  const double support = std::max(scale, 1.0), steepness = 1.0 / support;
  const int64_t most = std::min(static_cast<int64_t>(std::ceil(support)) * 2 + 1, axis.from);
  first.clear();
  weights.resize(static_cast<std::size_t>(most));
  count = 1;
  for (int64_t i = 0; i < axis.count; ++i) {
    const auto [begin, end] = reach(axis, i, scale, support);
    count = std::max(count, end - begin);
  }
  value.assign(static_cast<std::size_t>(axis.count * count), 0);
  for (int64_t i = 0; i < axis.count; ++i) {
    const double centre = (static_cast<double>(axis.first + i) + 0.5) * scale;
    const auto [begin, end] = reach(axis, i, scale, support);
    const int64_t start = std::min(begin, axis.from - count);  // further taps are zeros
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
      value[static_cast<std::size_t>(i * count + begin - start + j)] =
          static_cast<int32_t>(0.5 + weight * (1 << kBits));
    }
    first.push_back(start);
  }
}

void Resizer::prepare(const ResizeAxis& rows, const ResizeAxis& columns, int64_t channels) {
  if (rows == rows_ && columns == columns_ && channels == channels_) return;
  row_taps_.prepare(rows);
  column_taps_.prepare(columns);
  const int64_t needed = row_taps_.first.back() + row_taps_.count - row_taps_.first.front();
  const int64_t row = columns.count * channels;
  narrow_.resize(static_cast<std::size_t>(needed * row));
  sums_.resize(static_cast<std::size_t>(row));
  rows_ = rows;
  columns_ = columns;
  channels_ = channels;
}

void Resizer::run(const uint8_t* image, uint8_t* resized) {
  const int64_t row = columns_.count * channels_, top = row_taps_.first.front();
  const int64_t taps = column_taps_.count;
  const auto narrow = channels_ == 3   ? narrow_row_of<3>(taps)
                      : channels_ == 1 ? narrow_row_of<1>(taps)
                                       : narrow_row_of<0>(taps);
  const auto needed = static_cast<int64_t>(narrow_.size()) / row;
  for (int64_t y = 0; y < needed; ++y) {
    narrow(image + (top + y) * columns_.from * channels_, channels_, taps, column_taps_.first, column_taps_.value,
           narrow_.data() + y * row);
  }
  for (int64_t y = 0; y < rows_.count; ++y) {
    const auto at = static_cast<std::size_t>(y);
    std::fill(sums_.begin(), sums_.end(), kHalf);
    for (int64_t j = 0; j < row_taps_.count; ++j) {
      const int32_t tap = row_taps_.value[static_cast<std::size_t>(y * row_taps_.count + j)];
      const uint8_t* const from = narrow_.data() + (row_taps_.first[at] - top + j) * row;
      for (int64_t i = 0; i < row; ++i) sums_[static_cast<std::size_t>(i)] += from[i] * tap;
    }
    for (int64_t i = 0; i < row; ++i) resized[y * row + i] = to_byte(sums_[static_cast<std::size_t>(i)]);
  }
}

int64_t Resizer::bytes() const {
  const auto of = [](const Taps& taps) {
    return taps.first.capacity() * sizeof(int64_t) + taps.value.capacity() * sizeof(int32_t) +
           taps.weights.capacity() * sizeof(double);
  };
  return static_cast<int64_t>(of(row_taps_) + of(column_taps_) + narrow_.capacity() +
                              sums_.capacity() * sizeof(int32_t));
}

}  // namespace limber::kernels
