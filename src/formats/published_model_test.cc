// SPDX-License-Identifier: Apache-2.0
#include "formats/published_model.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/test_folder.h"

namespace limber {
namespace {

class PublishedModels : public FolderTest {
 protected:
  PublishedModel model(const std::string& checksum) const {
    return {"tiny", {"tiny.pth", "file://" + path("server/file"), checksum}, "", "", ""};
  }
  std::string get(const PublishedModel& model, const std::string& sha256 = "") {
    return download_model(model, path("cache"), sha256, &recorded_);
  }
  bool recorded_ = false;
};

TEST_F(PublishedModels, ChecksumsOfSeveralKinds) {
  put("server/file", "what is published\n");
  const std::string whole = sha256("what is published\n");
  EXPECT_EQ(slurp(get(model(whole))), "what is published\n");
  EXPECT_EQ(slurp(get(model(whole.substr(0, 8)))), "what is published\n");
  EXPECT_EQ(slurp(get(model("b5a063fe8c2196dea163c0d4d9fdb7777b68427b"))), "what is published\n");  // git hash-object
  EXPECT_THROW(get(model(std::string(8, '0'))), Error);
  EXPECT_THROW(get(model(std::string(40, '0'))), Error);
  EXPECT_FALSE(recorded_);
}

// Without a published checksum the first download is trusted and every later one compared with it.
TEST_F(PublishedModels, TrustOnFirstUse) {
  put("server/file", "the first");
  const std::string file = get(model(""));
  EXPECT_TRUE(recorded_);
  EXPECT_EQ(slurp(file + ".sha256"), sha256("the first"));
  get(model(""));
  EXPECT_FALSE(recorded_);
  std::filesystem::remove(file);
  put("server/file", "another one");
  EXPECT_THROW(get(model("")), Error);
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(PublishedModels, ADemandedChecksumDecides) {
  put("server/file", "the first");
  EXPECT_THROW(get(model(""), sha256("something else")), Error);
  EXPECT_THROW(get(model(""), "abc"), Error);
  EXPECT_EQ(slurp(get(model(""), sha256("the first"))), "the first");
  EXPECT_FALSE(recorded_);
}

TEST_F(PublishedModels, Catalogue) {
  EXPECT_EQ(published_model("ofa-mbv3-w1.0").file.checksum.size(), 40u);
  EXPECT_THROW(published_model("nonsense"), Error);
}

}  // namespace
}  // namespace limber
