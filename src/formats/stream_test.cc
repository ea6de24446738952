// SPDX-License-Identifier: Apache-2.0
#include "formats/stream.h"

#include <gtest/gtest.h>
#include <png.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "formats/data_set.h"

namespace limber {
namespace {

namespace fs = std::filesystem;

std::string put(const std::string& name, const std::string& bytes) {
  const std::string path = testing::TempDir() + "limber_stream_" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string message(const std::string& input) {
  try {
    const auto stream = open_stream(input, 4, 4, 3);
    Frame frame;
    while (stream->next(&frame)) {
    }
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

void expect_says(const std::string& input, const std::string& part) {
  EXPECT_NE(message(input).find(part), std::string::npos) << message(input);
}

TEST(Stream, Y4mLayouts) {
  const std::pair<const char*, int> layouts[] = {
      {"C420jpeg", 6}, {"C422", 9}, {"C444", 15}, {"Cmono", 0}, {"", 6}};  // 5 x 3 pixels: chroma samples of one plane
  for (const auto& [layout, samples] : layouts) {
    std::string text = std::string("YUV4MPEG2 W5 H3 F25:1 ") + layout + "\n";
    for (int frame = 0; frame < 2; ++frame)
      text += "FRAME\n" + std::string(15, '\xeb') + std::string(2 * samples, '\x80');
    const auto stream = open_stream("y4m:" + put("video.y4m", text), 3, 5, 3);
    Frame frame;
    ASSERT_TRUE(stream->next(&frame)) << layout;
    ASSERT_EQ(frame.picture.pixels, std::vector<uint8_t>(45, 255)) << layout;
    EXPECT_EQ(frame.label, -1);
    ASSERT_TRUE(stream->next(&frame));
    EXPECT_EQ(frame.name, "frame 1");
    EXPECT_FALSE(stream->next(&frame));
  }
}

TEST(Stream, Y4mColour) {  // BT.601 limited range: pure red is (81, 90, 240)
  std::string text = "YUV4MPEG2 W1 H1 C444\nFRAME\n";
  for (const int value : {81, 90, 240}) text += static_cast<char>(value);
  const auto stream = open_stream("y4m:" + put("red.y4m", text), 1, 1, 3);
  Frame frame;
  ASSERT_TRUE(stream->next(&frame));
  EXPECT_NEAR(frame.picture.pixels[0], 255, 2);
  EXPECT_NEAR(frame.picture.pixels[1], 0, 2);
  EXPECT_NEAR(frame.picture.pixels[2], 0, 2);
}

TEST(Stream, RawIsFitted) {
  const auto stream = open_stream("raw:4x2:grey:" + put("raw", std::string(16, 'A')), 2, 2, 3);
  Frame frame;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(stream->next(&frame));
    EXPECT_EQ(frame.picture.pixels, std::vector<uint8_t>(12, 'A'));
  }
  EXPECT_FALSE(stream->next(&frame));
}

TEST(Stream, DataSetHasLabels) {
  const auto stream = open_stream("shapes", 32, 32, 3);
  Frame frame;
  ASSERT_TRUE(stream->next(&frame));
  EXPECT_EQ(frame.label, read_data_set("shapes", "test").labels[0]);
}

TEST(Stream, FolderOfPicturesByName) {
  const std::string folder = testing::TempDir() + "limber_stream_folder";
  fs::create_directories(folder);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = 2;
  image.format = PNG_FORMAT_GRAY;
  for (const int value : {2, 1}) {
    const std::vector<uint8_t> pixels(4, static_cast<uint8_t>(value));
    png_image_write_to_file(&image, (folder + "/" + std::to_string(value) + ".png").c_str(), 0, pixels.data(), 0,
                            nullptr);
  }
  const auto stream = open_stream(folder, 2, 2, 1);
  Frame frame;
  for (int value = 1; value <= 2; ++value) {
    ASSERT_TRUE(stream->next(&frame));
    EXPECT_EQ(frame.picture.pixels, std::vector<uint8_t>(4, static_cast<uint8_t>(value)));
  }
  EXPECT_FALSE(stream->next(&frame));
  const auto one = open_stream(folder + "/2.png", 1, 1, 3);
  ASSERT_TRUE(one->next(&frame));
  EXPECT_FALSE(one->next(&frame));
  fs::remove_all(folder);
}

TEST(Stream, ErrorsNameTheLegalForms) {
  expect_says("nothing-here", "An input is a picture");
  expect_says("v4l2:/dev/video-not-here", "v4l2:/dev/video-not-here: No such file");
  expect_says("v4l2:/dev/null", "not a video device");
  expect_says("raw:4y2:rgb:-", "raw:WIDTHxHEIGHT");
  expect_says("raw:4x2:cmyk:-", "raw:WIDTHxHEIGHT");
  expect_says("raw:4x999999:rgb:-", "legal: 1 to 16384");
  expect_says("y4m:/nowhere.y4m", "/nowhere.y4m");
  expect_says("y4m:" + put("bad.y4m", "RIFF"), "a header line without end");
  expect_says("y4m:" + put("bad.y4m", "RIFF\n"), "does not start with YUV4MPEG2");
  expect_says("y4m:" + put("bad.y4m", "YUV4MPEG2 W4 H4 C420p10\n"), "colour layout '420p10'");
  expect_says("y4m:" + put("bad.y4m", "YUV4MPEG2 W4\n"), "names no size");
  expect_says("y4m:" + put("bad.y4m", "YUV4MPEG2 W4 H4\nFRAME\nabc"), "frame 0 ends after 3 of 24 bytes");
  expect_says("y4m:" + put("bad.y4m", "YUV4MPEG2 W4 H4\nFRAME\n"), "ends after the header");
}

}  // namespace
}  // namespace limber
