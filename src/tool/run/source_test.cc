// SPDX-License-Identifier: Apache-2.0
#include "tool/run/source.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "base/error.h"
#include "tool/run/test_run.h"

namespace limber::tool {
namespace {

// Ten images of 1x1x1 whose pixel and label are their number.
Images numbers() {
  Images images;
  images.count = 10;
  images.height = images.width = images.channels = 1;
  for (int i = 0; i < 10; ++i) {
    images.pixels.push_back(static_cast<uint8_t>(i));
    images.labels.push_back(i);
  }
  images.classes.assign(10, "c");
  images.name = "numbers";
  return images;
}

std::string put(const std::string& name, const std::string& bytes) {
  const std::string path = testing::TempDir() + "limber_source_" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

TEST(DataSource, EveryImageOnceThenAgain) {
  const auto source = make_data_source(numbers(), 1, 10);
  EXPECT_TRUE(source->labelled());
  EXPECT_FALSE(source->live());
  for (const int64_t burst_images : {3, 10, 17}) {
    source->rewind(7, burst_images);
    std::vector<int> seen(10, 0);
    for (int b = 0; b < 10; ++b) {
      Burst burst;
      ASSERT_TRUE(source->next(&burst));
      ASSERT_EQ(burst.images, burst_images);
      ASSERT_EQ(burst.pixels.size(), static_cast<std::size_t>(burst_images));
      for (std::size_t i = 0; i < burst.pixels.size(); ++i) {
        EXPECT_EQ(burst.pixels[i], burst.labels[i]);
        ++seen[burst.pixels[i]];
      }
    }
    for (const int times : seen) EXPECT_EQ(times, burst_images);  // 10 bursts are every image that often
  }
}

TEST(DataSource, TheSeedDecidesTheOrder) {
  const auto source = make_data_source(numbers(), 1, 10);
  const auto order = [&](uint64_t seed) {
    source->rewind(seed, 10);
    Burst burst;
    source->next(&burst);
    return std::vector<uint8_t>(burst.pixels.begin(), burst.pixels.end());
  };
  EXPECT_EQ(order(1), order(1));
  EXPECT_NE(order(1), order(2));
}

TEST(DataSource, OtherChannelsAndClassesAreRefused) {
  try {
    make_data_source(numbers(), 3, 10);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("images of 1 channels, but the model reads 3"), std::string::npos)
        << error.what();
  }
  EXPECT_THROW(make_data_source(numbers(), 1, 9), Error);
  Images none = numbers();
  none.count = 0;
  EXPECT_THROW(make_data_source(none, 1, 10), Error);
}

TEST(StreamSource, FilesAreReadWholeAndFitted) {
  const std::string input = "raw:2x2:grey:" + put("grey", std::string(4, 'a') + std::string(4, 'b') + "cccc");
  ASSERT_FALSE(is_live_input(input));
  const auto source = make_stream_source(input, {1, 1, 3}, 0);
  EXPECT_EQ(source->images(), 3);
  EXPECT_FALSE(source->labelled());
  for (int play = 0; play < 2; ++play) {
    source->rewind(0, 2);
    Burst burst;
    ASSERT_TRUE(source->next(&burst));
    EXPECT_EQ(burst.images, 2);
    EXPECT_EQ(std::string(burst.pixels.begin(), burst.pixels.end()), "aaabbb");
    EXPECT_TRUE(burst.labels.empty());
    EXPECT_EQ(burst.names.size(), 2u);
    ASSERT_TRUE(source->next(&burst));
    EXPECT_EQ(burst.images, 1);  // what is left
    EXPECT_FALSE(source->next(&burst));
  }
  EXPECT_EQ(make_stream_source(input, {1, 1, 3}, 2)->images(), 2);
}

TEST(StreamSource, DataSetsKeepTheirLabels) {
  const auto source = make_stream_source("shapes", {32, 32, 3}, 5);
  source->rewind(0, 5);
  Burst burst;
  ASSERT_TRUE(source->next(&burst));
  EXPECT_TRUE(source->labelled());
  EXPECT_EQ(burst.labels.size(), 5u);
}

TEST(StreamSource, APipeIsLiveAndPlaysOnce) {
  const std::string pipe = testing::TempDir() + "limber_source_pipe";
  std::filesystem::remove(pipe);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const std::string input = "raw:1x1:grey:" + pipe;
  EXPECT_TRUE(is_live_input(input));
  EXPECT_TRUE(is_live_input("y4m:-"));
  EXPECT_TRUE(is_live_input("v4l2:/dev/video0"));
  EXPECT_FALSE(is_live_input("raw:"));
  EXPECT_FALSE(is_live_input("shapes"));
  std::fstream both(pipe, std::ios::in | std::ios::out | std::ios::binary);  // a reader too, so that opening returns
  both << "xyz" << std::flush;
  const auto source = make_stream_source(input, {1, 1, 1}, 0);
  EXPECT_TRUE(source->live());
  EXPECT_EQ(source->images(), -1);
  source->rewind(0, 2);
  Burst burst;
  ASSERT_TRUE(source->next(&burst));
  EXPECT_EQ(std::string(burst.pixels.begin(), burst.pixels.end()), "xy");
  both.close();
  ASSERT_TRUE(source->next(&burst));  // the writer is gone: what is left, then the end
  EXPECT_EQ(burst.images, 1);
  EXPECT_FALSE(source->next(&burst));
  EXPECT_THROW(source->rewind(0, 2), Error);
  std::filesystem::remove(pipe);
}

}  // namespace
}  // namespace limber::tool
