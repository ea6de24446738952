// SPDX-License-Identifier: Apache-2.0
#include "network/packed_weights.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/half.h"
#include "base/test_folder.h"
#include "network/session.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

namespace fs = std::filesystem;

class Cache : public FolderTest {
 protected:
  std::shared_ptr<const Model> build(const std::string& folder, unsigned char hash = 'a') const {
    Network network = toy::ofa();
    network.hash = std::string(64, static_cast<char>(hash));
    ModelOptions options;
    options.cache_directory = folder;
    return Model::build(std::move(network), options);
  }
  static std::vector<float> answer(const std::shared_ptr<const Model>& model) {
    std::vector<float> input(3 * 11 * 11, 0.5f), answers(7);
    Session(model).infer({1, {}, input}, answers);
    return answers;
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path());
    return found;
  }
};

TEST_F(Cache, IsMadeOnceAndShared) {
  const auto first = build(folder_);
  EXPECT_TRUE(first->memory().packed_shared);
  ASSERT_EQ(files().size(), 1u);
  const auto time = fs::last_write_time(files()[0]);
  const auto second = build(folder_);
  EXPECT_TRUE(second->memory().packed_shared);
  ASSERT_EQ(files().size(), 1u);
  EXPECT_EQ(fs::last_write_time(files()[0]), time) << "the cache was written again";
  EXPECT_EQ(answer(first), answer(second));
  build(folder_, 'b');
  EXPECT_EQ(files().size(), 2u) << "other weights share the file";
}

TEST_F(Cache, WhatIsCorruptOrTruncatedIsRebuilt) {
  const std::vector<float> expected = answer(build(folder_));
  const fs::path file = files()[0];
  const auto size = fs::file_size(file);
  for (const std::uintmax_t at :
       {std::uintmax_t{0}, std::uintmax_t{60}, std::uintmax_t{4095}, std::uintmax_t{5000}, size - 1}) {
    {
      std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
      stream.seekg(static_cast<std::streamoff>(at));
      const char flipped = static_cast<char>(stream.get() ^ 0x10);
      stream.seekp(static_cast<std::streamoff>(at));
      stream.put(flipped);
    }
    const auto model = build(folder_);
    EXPECT_EQ(answer(model), expected) << "byte " << at;
    EXPECT_TRUE(model->memory().packed_shared);
    EXPECT_EQ(fs::file_size(file), size);
  }
  for (const std::uintmax_t left : {std::uintmax_t{0}, std::uintmax_t{100}, std::uintmax_t{4096}, size - 4}) {
    fs::resize_file(file, left);
    EXPECT_EQ(answer(build(folder_)), expected) << "cut to " << left;
    EXPECT_EQ(fs::file_size(file), size);
  }
}

TEST_F(Cache, WithoutAWritablePlaceTheMemoryIsPrivate) {
  put("file", "not a folder");  // also root cannot make a folder inside a file
  const auto model = build(path("file/cache"));
  EXPECT_FALSE(model->memory().packed_shared);
  EXPECT_EQ(answer(model), answer(build(folder_)));
}

TEST_F(Cache, ANetworkMadeInMemoryHasNone) {
  ModelOptions options;
  options.cache_directory = folder_;
  EXPECT_FALSE(Model::build(toy::ofa(), options)->memory().packed_shared);
  EXPECT_TRUE(files().empty());
}

TEST(PackedWeights, HalvesBecomeFloats) {
  Network network;
  const std::vector<float> values = {1.5f, -0.25f, 3.0f};
  auto bytes = std::make_shared<std::vector<std::byte>>(6);
  for (std::size_t i = 0; i < 3; ++i) {
    const uint16_t half = float_to_half(values[i]);
    std::memcpy(bytes->data() + 2 * i, &half, 2);
  }
  network.tensors.push_back({"half", DType::kF16, {3}, *bytes, bytes});
  EXPECT_EQ(PackedWeights(network).values("half"), values);
}

TEST(PackedWeights, PanelsStartWhereBlocksDo) {
  Network network;
  std::vector<float> values(40 * 2);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i + 1);
  network.tensors.push_back(toy::tensor("w", {40, 2}, values));
  Node node;
  node.weight = "w";
  PackedWeights weights(network);
  const std::size_t index = weights.add(node, 1, {{0, 20}, 40}, false);
  EXPECT_EQ(weights.add(node, 1, {{0, 20}, 40}, false), index);
  weights.build({});
  EXPECT_FALSE(weights.shared());
  ASSERT_EQ(weights.tensor(index).bytes(), 4 * 2 * 16 * 4);  // 16 + 4 and 16 + 4 channels
  const auto* data = reinterpret_cast<const float*>(weights.data(index));
  for (int64_t n = 0; n < 40; ++n) {
    const int64_t lane = n < 20 ? n : n + 12;
    for (int64_t k = 0; k < 2; ++k)
      EXPECT_EQ(data[(lane / 16 * 2 + k) * 16 + lane % 16], values[static_cast<std::size_t>(n * 2 + k)]);
  }
  EXPECT_EQ(data[(1 * 2 + 0) * 16 + 4], 0);
}

TEST(Blocks, LanesAndPieces) {
  const Blocks blocks{{0, 20, 24}, 60};
  EXPECT_EQ(blocks.planes(), 2 + 1 + 3);
  EXPECT_EQ(blocks.plane_of(20), 2);
  EXPECT_EQ(blocks.plane_of(24), 3);
  EXPECT_EQ(blocks.lane_of(19), 19);
  EXPECT_EQ(blocks.lane_of(21), 33);
  EXPECT_EQ(blocks.lane_of(40), 64);
  const std::vector<Piece> found = pieces(blocks, 20, 30);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].plane, 3);
  EXPECT_EQ(found[1].channels, 26);
  EXPECT_EQ(found[1].from, 4);
  EXPECT_EQ(pieces({{0, 32, 40}, 60}, 0, 60).size(), 2u) << "full planes need no cut";
}

}  // namespace
}  // namespace limber
