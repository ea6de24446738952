// SPDX-License-Identifier: Apache-2.0
// SHA-256, SHA-1 (FIPS 180-4) and MD5 (RFC 1321). The last two only for checksums that others published. Layer: base.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace limber {

// Shared buffering of both hashes: 64-byte blocks, padding with the bit count.
template <typename Algorithm>
class Digest {
 public:
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text.data(), text.size()))); }
  // The digest in lower-case hexadecimal; the object is spent.
  std::string hex();

 private:
  Algorithm algorithm_;
  std::array<std::byte, 64> block_{};
  std::size_t filled_ = 0;
  uint64_t length_ = 0;
};

struct Sha256Algorithm {
  static constexpr bool kBigEndian = true;
  std::array<uint32_t, 8> state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  void block(const std::byte* data);
};

struct Sha1Algorithm {
  static constexpr bool kBigEndian = true;
  std::array<uint32_t, 5> state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  void block(const std::byte* data);
};

struct Md5Algorithm {
  static constexpr bool kBigEndian = false;
  std::array<uint32_t, 4> state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  void block(const std::byte* data);
};

using Sha256 = Digest<Sha256Algorithm>;
using Sha1 = Digest<Sha1Algorithm>;
using Md5 = Digest<Md5Algorithm>;

std::string sha256(std::span<const std::byte> bytes);
std::string sha256(std::string_view text);

}  // namespace limber
