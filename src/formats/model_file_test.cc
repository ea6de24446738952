// SPDX-License-Identifier: Apache-2.0
#include "formats/model_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "formats/safetensors.h"
#include "formats/test_model.h"

namespace limber {
namespace {

namespace fs = std::filesystem;

std::string temporary(const std::string& name) {
  return testing::TempDir() + name;
}

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string model_bytes() {
  const std::string path = temporary("limber_tiny.safetensors");
  write_model(tiny_model(), path);
  return slurp(path);
}

Network parse(const std::string& bytes, Checksums checksums = Checksums::kVerify) {
  const auto copy = std::make_shared<std::string>(bytes);
  return parse_model(std::as_bytes(std::span(copy->data(), copy->size())), copy, "the file", checksums);
}

std::string message(const std::string& bytes, Checksums checksums = Checksums::kVerify) {
  try {
    parse(bytes, checksums);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadFile) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(ModelFile, RoundTrip) {
  for (const DType dtype : {DType::kF16, DType::kF32}) {
    Network before = tiny_model(dtype);
    before.preprocessing.crop = 0.875;
    const std::string path = temporary("limber_round_trip.safetensors");
    write_model(before, path);
    const Network after = read_model(path);
    EXPECT_EQ(after.path, path);
    EXPECT_EQ(after.name, before.name);
    EXPECT_EQ(print_graph(after.graph), print_graph(before.graph));
    EXPECT_EQ(after.hash, weight_hash(before.tensors));
    EXPECT_EQ(after.labels, before.labels);
    EXPECT_EQ(after.training_record, before.training_record);
    EXPECT_EQ(after.preprocessing.mean, before.preprocessing.mean);
    EXPECT_EQ(after.preprocessing.deviation, before.preprocessing.deviation);
    EXPECT_EQ(after.preprocessing.crop, 0.875);
    ASSERT_EQ(after.family.size(), 2u);
    EXPECT_EQ(after.family[1].choice, Choice{2});
    EXPECT_EQ(after.family[1].norms.at(0).second.mean, "a.mean");
    EXPECT_EQ(after.family[0].accuracies.at(0).top1, 0.5);
    EXPECT_EQ(after.family[0].accuracies.at(0).samples, 2000);
    ASSERT_EQ(after.tensors.size(), before.tensors.size());
    write_model(after, path + ".again");
    EXPECT_EQ(slurp(path), slurp(path + ".again"));
  }
}

TEST(ModelFile, EveryChangedBitIsNoticed) {
  const std::string good = model_bytes();
  for (std::size_t bit = 0; bit < good.size() * 8; bit += bit < 128 ? 1 : 37) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    if (message(bad) != "accepted") continue;
    const Network network = parse(bad);  // spaces that pad the header may change
    EXPECT_EQ(network.hash, parse(good).hash) << bit;
    EXPECT_EQ(print_graph(network.graph), print_graph(parse(good).graph)) << bit;
  }
}

TEST(ModelFile, DamageDoesNotCrashWithoutChecksumsEither) {
  const std::string good = model_bytes();
  for (std::size_t bit = 0; bit < good.size() * 8; bit += 11) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    message(bad, Checksums::kIgnore);
  }
}

TEST(ModelFile, EveryTruncationIsRefused) {
  const std::string good = model_bytes();
  for (std::size_t size = 0; size < good.size(); size += 7)
    EXPECT_NE(message(good.substr(0, size)), "accepted") << size;
  EXPECT_NE(message(good + "x"), "accepted");
}

std::string with_header(const std::string& header, const std::string& data = "") {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(uint64_t{header.size()} >> (8 * i));
  return bytes + header + data;
}

void expect_refused(const std::string& bytes, const std::string& part) {
  EXPECT_NE(message(bytes).find(part), std::string::npos) << message(bytes);
}

TEST(ModelFile, HostileHeaders) {
  expect_refused("\xff\xff\xff\xff\xff\xff\xff\xff", "header would be");
  expect_refused("PK\x03\x04 and more bytes", "zip");
  expect_refused(with_header("[]"), "not a JSON object");
  expect_refused(with_header("{"), "not JSON");
  expect_refused(with_header("{}"), "not a Limber model");
  expect_refused(with_header(R"({"a":1,"a":2})"), "twice");
  expect_refused(with_header(std::string(100000, '[')), "deeper");
  const auto tensor = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return with_header(R"({"t":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}",
                       std::string(16, 'x'));
  };
  expect_refused(tensor("F32", "[4]", "[0,16]"), "not a Limber model");
  expect_refused(tensor("BF16", "[8]", "[0,16]"), "legal: F32, F16, I8");
  expect_refused(tensor("F32", "[-4]", "[0,16]"), "not legal");
  expect_refused(tensor("F32", "[0]", "[0,0]"), "not legal");
  expect_refused(tensor("F32", "[4611686018427387904,4]", "[0,16]"), "not legal");
  expect_refused(tensor("F32", "[99999999999999999999999]", "[0,16]"), "whole number");
  expect_refused(tensor("F32", "[4]", "[0,17]"), "data_offsets");
  expect_refused(tensor("F32", "[4]", "[16,0]"), "data_offsets");
  expect_refused(tensor("F32", "[4]", "[-1,15]"), "data_offsets");
  expect_refused(tensor("F32", "[5]", "[0,16]"), "need 20");
  expect_refused(tensor("F32", "[3]", "[4,16]"), "must touch");
  expect_refused(tensor("F32", "[3]", "[0,12]"), "appended");
  expect_refused(with_header(R"({"a":{"dtype":"I8","shape":[9],"data_offsets":[0,9]},)"
                             R"("b":{"dtype":"I8","shape":[8],"data_offsets":[8,16]}})",
                             std::string(16, 'x')),
                 "must touch");
  expect_refused(with_header(R"({"__metadata__":{"format":7}})"), "expected a text");
}

TEST(ModelFile, MetadataErrorsNameThePlace) {
  const std::string path = temporary("limber_metadata.safetensors");
  write_model(tiny_model(), path);
  const auto change = [&](const std::string& key, const std::string& from, const std::string& to) {
    SafeTensors content = read_safetensors(path);
    std::string& text = content.metadata[key];
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << text;
    text.replace(at, from.size(), to);
    write_safetensors(content, path + ".changed");
    if (key != "version") {
      EXPECT_NE(message(slurp(path + ".changed")).find("damaged"), std::string::npos);
    }
    return message(slurp(path + ".changed"), Checksums::kIgnore);
  };
  EXPECT_NE(change("graph", "\"padding\"", "\"paddling\"").find("unknown key"), std::string::npos);
  EXPECT_NE(change("graph", "conv2d", "conv9d").find("legal: input, conv2d"), std::string::npos);
  EXPECT_NE(change("graph", "\"image\"", "\"mirage\"").find("no earlier node"), std::string::npos);
  EXPECT_NE(change("family", "groups", "grapes").find("groups"), std::string::npos);
  EXPECT_NE(change("family", "0.5", "1.5").find("top1"), std::string::npos);
  EXPECT_NE(change("version", "1", "2").find("version"), std::string::npos);
}

TEST(ModelFile, MissingAndForeignFiles) {
  EXPECT_THROW(read_model("/nowhere/model.safetensors"), Error);
  EXPECT_THROW(read_model(testing::TempDir()), Error);
}

TEST(ModelFile, AFailedWriteLeavesTheOldFile) {
  const std::string path = temporary("limber_kept.safetensors");
  write_model(tiny_model(), path);
  const std::string before = slurp(path);
  Network broken = tiny_model();
  broken.tensors.pop_back();
  EXPECT_THROW(write_model(broken, path), Error);
  EXPECT_EQ(slurp(path), before);
}

}  // namespace
}  // namespace limber
