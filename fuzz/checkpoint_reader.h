// SPDX-License-Identifier: Apache-2.0
// What the fuzz target of checkpoints does with its bytes, also run over the corpus by the tests.
#pragma once
#include <cstddef>
#include <span>

// Reads the bytes as a PyTorch checkpoint, touches every value of every tensor, and imports them into a small network.
// True if it is a valid checkpoint. Only limber::Error is caught; anything else is a finding.
bool read_checkpoint_bytes(std::span<const std::byte> bytes);
