// SPDX-License-Identifier: Apache-2.0
// Packing of weights into panels, made once per model. Layer: kernels.
//
// A panel is 16 output channels: [taps][K][16] floats, K the super-network's input channels as dense rows. Panels start
// at output channel 0 and at every declared boundary (where some slice starts); the last panel before a boundary is
// filled up with zeros. A prefix's end needs no boundary: its last panel is computed whole and zero scale and bias
// clear the padding lanes. Since the values of one output depend on its own lane only, a slice gives the same bits as
// the whole.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace limber::kernels {

struct PanelShape {
  int64_t outputs = 0, inputs = 0, taps = 1;  // of the super-network's weight tensor [outputs][inputs][taps]
  std::vector<int64_t> boundaries;  // output channels at which a panel starts, ascending, besides 0; each < outputs

  int64_t tap_stride() const { return inputs * 16; }
  int64_t panel_stride() const { return taps * inputs * 16; }
  int64_t panels() const;
  int64_t floats() const { return panels() * panel_stride(); }
  // Floats from the start of the packed buffer to the panel that starts at `output`, which is 0 or a boundary (else
  // -1), or any multiple of 16 after one.
  int64_t offset(int64_t output) const;
};

// weights [outputs][inputs][taps] row-major, dense. packed: shape.floats() floats, written completely.
void pack_panels(const PanelShape& shape, std::span<const float> weights, std::span<float> packed);

// Depthwise: weights [channels][taps] to [planes][taps][16]; zeros in the padding lanes.
void pack_depthwise(int64_t channels, int64_t taps, std::span<const float> weights, std::span<float> packed);

// A vector of one value per channel (scale, bias) to planes_of(channels) * 16, zeros behind.
void pack_lanes(std::span<const float> values, std::span<float> packed);

}  // namespace limber::kernels
