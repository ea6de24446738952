// SPDX-License-Identifier: Apache-2.0
// What the fuzz target does with its bytes, also run over the corpus by the tests.
#pragma once
#include <cstddef>
#include <span>

// Reads the bytes as a model file, with and without verifying checksums; a small valid one is built and run once per
// member. True if it is valid but for checksums. Only limber::Error is caught; anything else is a finding.
bool read_model_bytes(std::span<const std::byte> bytes);
