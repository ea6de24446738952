// SPDX-License-Identifier: Apache-2.0
#include "base/digest.h"

#include <gtest/gtest.h>

namespace limber {
namespace {

const char* kTwoBlocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

TEST(Digest, Sha256Vectors) {  // FIPS 180-4 examples
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(kTwoBlocks), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, Sha1Vectors) {  // FIPS 180-4 examples
  const auto sha1 = [](std::string_view text) {
    Sha1 hash;
    hash.update(text);
    return hash.hex();
  };
  EXPECT_EQ(sha1(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(sha1(kTwoBlocks), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

TEST(Digest, Md5Vectors) {  // RFC 1321 A.5
  Md5 abc;
  abc.update("abc");
  EXPECT_EQ(abc.hex(), "900150983cd24fb0d6963f7d28e17f72");
  Md5 empty;
  EXPECT_EQ(empty.hex(), "d41d8cd98f00b204e9800998ecf8427e");
}

TEST(Digest, PiecesDoNotMatter) {
  const std::string text = kTwoBlocks + std::string(200, 'x');
  for (std::size_t piece = 1; piece < 130; piece += 7) {
    Sha256 hash;
    for (std::size_t at = 0; at < text.size(); at += piece) hash.update(std::string_view(text).substr(at, piece));
    EXPECT_EQ(hash.hex(), sha256(text)) << piece;
  }
}

}  // namespace
}  // namespace limber
