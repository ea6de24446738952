// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "model_reader.h"

TEST(Corpus, ModelReader) {
  int valid = 0, files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(LIMBER_CORPUS "/model_reader")) {
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const bool good = read_model_bytes(std::as_bytes(std::span(bytes)));
    const std::string name = entry.path().filename().string();
    EXPECT_TRUE(good || !name.starts_with("valid-"));
    valid += good;
    ++files;
  }
  EXPECT_GE(valid, 3);  // else the corpus no longer reaches past the header
  EXPECT_GT(files, valid);
}
