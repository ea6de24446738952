// SPDX-License-Identifier: Apache-2.0
// What the fuzz target of ONNX files does with its bytes, also run over the corpus by the tests.
#pragma once
#include <cstddef>
#include <span>

// Imports the bytes as an ONNX file; a small network is built and run once. True if it could be imported. Only
// limber::Error is caught; anything else is a finding.
bool read_onnx_bytes(std::span<const std::byte> bytes);
