// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "checkpoint_reader.h"
#include "model_reader.h"
#ifdef LIMBER_HAS_ONNX
#include "onnx_reader.h"
#endif

namespace {

// Every file of the folder goes through `read`; those called valid-* must be good, and some must be neither.
void replay(const std::string& folder, bool (*read)(std::span<const std::byte>), int at_least) {
  int valid = 0, files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(LIMBER_CORPUS "/" + folder)) {
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const bool good = read(std::as_bytes(std::span(bytes)));
    const std::string name = entry.path().filename().string();
    EXPECT_TRUE(good || !name.starts_with("valid-"));
    EXPECT_FALSE(good && name.starts_with("bad-"));
    valid += good;
    ++files;
  }
  EXPECT_GE(valid, at_least);  // else the corpus no longer reaches past the header
  EXPECT_GT(files, valid);
}

}  // namespace

TEST(Corpus, ModelReader) {
  replay("model_reader", read_model_bytes, 3);
}

TEST(Corpus, CheckpointReader) {
  replay("checkpoint_reader", read_checkpoint_bytes, 3);
}

#ifdef LIMBER_HAS_ONNX
TEST(Corpus, OnnxReader) {
  replay("onnx_reader", read_onnx_bytes, 3);
}
#endif
