// SPDX-License-Identifier: Apache-2.0
// Resizes byte images as Pillow's Image.resize(BILINEAR) does, bit for bit: a triangle filter, as wide as what it
// shrinks (so nothing aliases), columns first, then rows, in 22-bit fixed point. Layer: kernels.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace limber::kernels {

// One direction: `from` pixels become `to`, of which the `count` from `first` on are wanted.
struct ResizeAxis {
  int64_t from = 0, to = 0, first = 0, count = 0;

  bool operator==(const ResizeAxis&) const = default;
};

// Coefficients of one pair of sizes and the memory to use them. One thread at a time.
class Resizer {
 public:
  // Computes the coefficients; does nothing if they are those it has. Allocates only where it needs more memory than
  // ever before. Both axes: from, to and count at least 1, first + count at most to.
  void prepare(const ResizeAxis& rows, const ResizeAxis& columns, int64_t channels);

  // image: [rows.from][columns.from][channels]; resized: [rows.count][columns.count][channels]. Allocates nothing.
  void run(const uint8_t* image, uint8_t* resized);

  int64_t bytes() const;  // of memory that it holds

 private:
  struct Taps {
    int64_t count = 0;            // input pixels that each output pixel sums, some of them times 0
    std::vector<int64_t> first;   // of each output pixel: the first of them
    std::vector<int32_t> value;   // their coefficients, [output pixels][count]
    std::vector<double> weights;  // scratch of prepare

    void prepare(const ResizeAxis& axis);
  };

  ResizeAxis rows_, columns_;
  int64_t channels_ = 0;
  Taps row_taps_, column_taps_;
  std::vector<uint8_t> narrow_;  // the input rows that are needed, [rows][columns.count][channels]
  std::vector<int32_t> sums_;    // of one output row
};

}  // namespace limber::kernels
