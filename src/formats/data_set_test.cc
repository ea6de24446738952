// SPDX-License-Identifier: Apache-2.0
#include "formats/data_set.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <png.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/error.h"
#include "base/test_folder.h"
#include "formats/picture.h"

namespace limber {
namespace {

namespace fs = std::filesystem;

class DataSet : public FolderTest {};

template <typename Call>
std::string message(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

#define EXPECT_SAYS(call, part) \
  EXPECT_NE(message([&] { call; }).find(part), std::string::npos) << message([&] { call; })

std::string png(int height, int width, int channels, int value) {
  std::vector<uint8_t> pixels(static_cast<std::size_t>(height * width * channels), static_cast<uint8_t>(value));
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr);
  std::string bytes(size, '\0');
  png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr);
  return bytes;
}

TEST_F(DataSet, Cifar) {
  std::string records;
  for (int r = 0; r < 30; ++r) {
    records += static_cast<char>(r % 10);
    for (int i = 0; i < 3072; ++i) records += static_cast<char>(i / 1024 + 10 * r);
  }
  for (int batch = 1; batch <= 5; ++batch)
    put("cifar-10-batches-bin/data_batch_" + std::to_string(batch) + ".bin", records);
  put("cifar-10-batches-bin/test_batch.bin", records);
  const Images test = read_data_set(folder_, "test");
  EXPECT_EQ(test.count, 30);
  EXPECT_EQ(test.labels[13], 3);
  EXPECT_EQ(test.pixels[3072 + 3 * 5 + 2], 12);  // planar to interleaved
  const Images train = read_data_set(folder_ + "/cifar-10-batches-bin", "train");
  const Images validation = read_data_set(folder_, "validation");
  EXPECT_EQ(train.count + validation.count, 150);
  put("cifar-10-batches-bin/test_batch.bin", records.substr(1));
  EXPECT_SAYS(read_data_set(folder_, "test"), "truncated");
  records[0] = 77;
  put("cifar-10-batches-bin/test_batch.bin", records);
  EXPECT_SAYS(read_data_set(folder_, "test"), "record 0 has label 77");
}

std::string idx(std::vector<int> extents, std::size_t bytes) {
  std::string text = {0, 0, 8, static_cast<char>(extents.size())};
  for (const int extent : extents) {
    for (int i = 3; i >= 0; --i) text += static_cast<char>(extent >> (8 * i));
  }
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(i % 7);
  return text;
}

TEST_F(DataSet, IdxPlainAndGzipped) {
  put("t10k-images-idx3-ubyte", idx({4, 28, 28}, 4 * 784));
  put("t10k-labels-idx1-ubyte", idx({4}, 4));
  const Images images = read_data_set(folder_, "test");
  EXPECT_EQ(images.count, 4);
  EXPECT_EQ(images.channels, 1);
  EXPECT_EQ(images.labels, (std::vector<int32_t>{0, 1, 2, 3}));
  EXPECT_SAYS(read_data_set(folder_, "train"), "no train-images");
  fs::remove(folder_ + "/t10k-images-idx3-ubyte");
  const std::string bytes = idx({4, 28, 28}, 4 * 784);
  gzFile file = gzopen((folder_ + "/t10k-images-idx3-ubyte.gz").c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  EXPECT_EQ(read_data_set(folder_, "test").hash, images.hash);
  fs::resize_file(folder_ + "/t10k-images-idx3-ubyte.gz", 30);
  EXPECT_SAYS(read_data_set(folder_, "test"), "t10k-images-idx3-ubyte.gz: truncated");
  fs::remove(folder_ + "/t10k-images-idx3-ubyte.gz");
  put("t10k-images-idx3-ubyte", idx({5, 28, 28}, 5 * 784));
  EXPECT_SAYS(read_data_set(folder_, "test"), "4 labels");
  put("t10k-images-idx3-ubyte", idx({2000000000, 28, 28}, 784));
  EXPECT_SAYS(read_data_set(folder_, "test"), "dimension 0 is 2000000000");
  put("t10k-images-idx3-ubyte", idx({4, 28, 28}, 3 * 784));
  EXPECT_SAYS(read_data_set(folder_, "test"), "truncated");
  put("t10k-images-idx3-ubyte", "a text");
  EXPECT_SAYS(read_data_set(folder_, "test"), "starts with");
}

TEST_F(DataSet, ImageFolderAndZip) {
  put("train/cat/1.png", png(4, 6, 3, 10));
  put("train/cat/2.png", png(4, 6, 3, 20));
  put("train/ant/1.png", png(4, 6, 1, 30));
  put("test/cat/1.png", png(4, 6, 1, 40));
  put("train/notes.txt", "no picture");
  const Images test = read_data_set(folder_, "test");
  EXPECT_EQ(test.count, 1);
  EXPECT_EQ(test.channels, 1);
  EXPECT_EQ(test.classes, (std::vector<std::string>{"ant", "cat"}));
  EXPECT_EQ(test.labels[0], 1);
  const Images train = read_image_folder(folder_, "train");
  EXPECT_EQ(train.channels, 3);  // a grey picture among coloured ones
  EXPECT_EQ(train.pixels[0], 30);
  EXPECT_EQ(train.labels, (std::vector<int32_t>{0, 1, 1}));

  const std::string zip_path = testing::TempDir() + "limber_pictures.zip";
  archive* zip = archive_write_new();
  archive_write_set_format_zip(zip);
  ASSERT_EQ(archive_write_open_filename(zip, zip_path.c_str()), ARCHIVE_OK);
  for (const char* name : {"train/cat/2.png", "train/cat/1.png", "train/ant/1.png", "test/cat/1.png"}) {
    std::ifstream in(folder_ + "/" + name, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(zip, entry);
    archive_write_data(zip, bytes.data(), bytes.size());
    archive_entry_free(entry);
  }
  archive_write_free(zip);
  EXPECT_EQ(hash_images(read_image_folder(zip_path, "train")), hash_images(train));
  EXPECT_EQ(read_data_set(zip_path, "test").hash, test.hash);
  fs::resize_file(zip_path, 200);
  EXPECT_SAYS(read_data_set(zip_path, "test"), "limber_pictures.zip");
  fs::remove(zip_path);

  const std::string broken = put("test/cat/2.png", png(4, 6, 1, 40).substr(0, 50));
  EXPECT_SAYS(read_data_set(folder_, "test"), "test/cat/2.png: a broken PNG");
  put("test/cat/2.png", png(5, 6, 1, 40));
  EXPECT_SAYS(read_data_set(folder_, "test"), "test/cat/2.png is 6x5, but test/cat/1.png is 6x4");
  put("test/cat/2.png", "nothing");
  EXPECT_SAYS(read_data_set(folder_, "test"), "neither JPEG nor PNG");
}

TEST_F(DataSet, NamesAndPlaces) {
  EXPECT_SAYS(read_data_set("no-such-set", "test"), "neither a path");
  EXPECT_SAYS(read_data_set("shapes", "dev"), "legal: train, validation, test");
  EXPECT_SAYS(read_data_set("shapes:x", "test"), "shapes:SEED");
  const char* before = std::getenv("LIMBER_DATA");
  const std::string kept = before == nullptr ? "" : before;
  setenv("LIMBER_DATA", folder_.c_str(), 1);
  setenv("XDG_CACHE_HOME", (folder_ + "/cache").c_str(), 1);
  EXPECT_SAYS(read_data_set("mnist", "test"), "limber data get mnist");
  EXPECT_SAYS(read_data_set("mnist", "test"), folder_ + "/mnist, " + folder_ + "/cache/limber/data/mnist");
  put("mnist/t10k-images-idx3-ubyte", idx({4, 28, 28}, 4 * 784));
  put("mnist/t10k-labels-idx1-ubyte", idx({4}, 4));
  EXPECT_EQ(read_data_set("mnist", "test").name, "mnist");
  unsetenv("XDG_CACHE_HOME");
  kept.empty() ? unsetenv("LIMBER_DATA") : setenv("LIMBER_DATA", kept.c_str(), 1);
}

TEST_F(DataSet, ShapesAreSeeded) {
  const Images test = read_data_set("shapes", "test");
  EXPECT_EQ(test.count, 2000);
  EXPECT_EQ(std::set<int32_t>(test.labels.begin(), test.labels.end()).size(), 10u);
  EXPECT_EQ(test.hash, read_data_set("shapes:1", "test").hash);
  EXPECT_NE(test.hash, read_data_set("shapes:2", "test").hash);
  const Images train = read_data_set("shapes", "train"), validation = read_data_set("shapes", "validation");
  EXPECT_EQ(train.count + validation.count, 8000);
  EXPECT_NEAR(static_cast<double>(validation.count), 800, 100);
  EXPECT_EQ(first_images(make_shapes(20, 5), 7).hash, make_shapes(7, 5).hash);
}

TEST(Picture, ResizeKeepsFlatAndAverages) {
  Picture flat{8, 8, 3, std::vector<uint8_t>(192, 77)};
  for (const int64_t side : {1, 3, 5, 8, 13, 32}) {
    const Picture out = fit_picture(flat, side, side, 3);
    for (const uint8_t pixel : out.pixels) ASSERT_EQ(pixel, 77) << side;
  }
  const Picture half = fit_picture({2, 2, 1, {0, 100, 50, 250}}, 1, 1, 1);
  EXPECT_EQ(half.pixels[0], 100);
  EXPECT_EQ(fit_picture({1, 1, 3, {255, 255, 255}}, 1, 1, 1).pixels[0], 255);
  EXPECT_EQ(fit_picture({1, 1, 1, {9}}, 1, 1, 3).pixels, (std::vector<uint8_t>{9, 9, 9}));
}

TEST(Picture, DamagedJpegIsAnError) {
  // 1x1 grey JPEG, as libjpeg writes it at quality 75, cut at several places.
  const std::string where = "cut.jpg";
  const std::string start = "\xff\xd8\xff\xe0";
  EXPECT_SAYS(decode_picture(std::as_bytes(std::span(start)), where), "cut.jpg: a broken JPEG");
}

}  // namespace
}  // namespace limber
