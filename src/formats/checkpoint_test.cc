// SPDX-License-Identifier: Apache-2.0
// Files that PyTorch 1.13 wrote, and tensors that lie.
#include "formats/checkpoint.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>

#include "base/error.h"
#include "base/half.h"
#include "base/mapped_file.h"
#include "formats/test_pickle.h"

namespace limber {
namespace {

Checkpoint parse(const std::string& bytes, const std::string& entry = "") {
  const auto copy = std::make_shared<std::string>(bytes);
  return parse_checkpoint(std::as_bytes(std::span(*copy)), copy, "test", entry);
}

// "" if it is read; else the code's first letter and the message.
std::string refusal(const std::string& bytes, const std::string& entry = "") {
  try {
    parse(bytes, entry);
  } catch (const Error& error) {
    EXPECT_NE(error.code(), ErrorCode::kInternal);
    return error.what();
  }
  return "";
}

#define EXPECT_REFUSED(bytes, text) EXPECT_NE(refusal(bytes).find(text), std::string::npos) << refusal(bytes)

std::string corpus(const std::string& name) {
  const MappedFile file(cat(LIMBER_CHECKPOINTS "/", name));
  return {reinterpret_cast<const char*>(file.bytes().data()), file.size()};
}

// The i-th value as a float.
float at(const Tensor& tensor, std::size_t i) {
  uint16_t half = 0;
  float value = 0;
  if (tensor.dtype == DType::kF16) {
    std::memcpy(&half, tensor.bytes.data() + 2 * i, 2);
    return half_to_float(half);
  }
  std::memcpy(&value, tensor.bytes.data() + 4 * i, 4);
  return value;
}

void expect_tensor(const Checkpoint& checkpoint, const std::string& name, const std::vector<int64_t>& shape,
                   const std::function<float(std::size_t)>& value, DType dtype = DType::kF32) {
  SCOPED_TRACE(name);
  for (const Tensor& tensor : checkpoint.tensors) {
    if (tensor.name != name) continue;
    EXPECT_EQ(tensor.shape, shape);
    EXPECT_EQ(tensor.dtype, dtype);
    std::size_t count = 1;
    for (const int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    ASSERT_EQ(tensor.bytes.size(), count * (dtype == DType::kF16 ? 2 : 4));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.bytes.data()) % (dtype == DType::kF16 ? 2 : 4), 0u);
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(at(tensor, i), value(i)) << i;
    return;
  }
  ADD_FAILURE() << "not there";
}

// Both files hold the same: {'epoch': 3, ..., 'state_dict': ...}, with views, three widths and a parameter.
TEST(Checkpoint, AsPyTorchWritesIt) {
  for (const char* file : {"valid-zip", "valid-pickles"}) {
    SCOPED_TRACE(file);
    const Checkpoint checkpoint = read_checkpoint(cat(LIMBER_CHECKPOINTS "/", file));
    EXPECT_EQ(checkpoint.entry, "state_dict");
    EXPECT_EQ(checkpoint.others, (std::vector<std::string>{"counter", "mask"}));
    EXPECT_EQ(checkpoint.tensors.size(), 10u);
    const std::vector<int64_t> shape = {2, 3, 2, 2};
    const auto eighths = [](std::size_t i) { return static_cast<float>(i) / 8; };
    expect_tensor(checkpoint, "weight", shape, eighths);
    expect_tensor(checkpoint, "half", shape, eighths, DType::kF16);
    expect_tensor(checkpoint, "bfloat", shape, eighths);
    expect_tensor(checkpoint, "double", shape,
                  [](std::size_t i) { return static_cast<float>(static_cast<double>(i) / 8 / 3); });
    expect_tensor(checkpoint, "transposed", {10, 10},
                  [](std::size_t i) { return static_cast<float>(i % 10 * 10 + i / 10); });
    expect_tensor(checkpoint, "strided", {3, 4},
                  [](std::size_t i) { return static_cast<float>((2 + i / 4) * 10 + 1 + i % 4 * 2); });
    expect_tensor(checkpoint, "parameter", {3}, [](std::size_t) { return 1.0f; });
    expect_tensor(checkpoint, "expanded", {3, 4}, [](std::size_t) { return 2.5f; });
    expect_tensor(checkpoint, "scalar", {}, [](std::size_t) { return 1.5f; });
    expect_tensor(checkpoint, "empty", {0}, [](std::size_t) { return 0.0f; });
  }
}

const std::string kFloats = p_storage("FloatStorage", "s", 6);
const RawStorage kSix{"s", 6, std::string(24, '\0')};

std::string with_tensor(const std::string& tensor) {
  return pickles_file(p_dictionary(p_text("w") + tensor), {kSix});
}

TEST(Checkpoint, ViewsStayInTheirStorage) {
  const int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(refusal(with_tensor(p_tensor(kFloats, 0, {2, 3}, {3, 1}))), "");
  EXPECT_EQ(refusal(with_tensor(p_tensor(kFloats, 5, {1, 1}, {huge, huge}))), "");  // strides that are never taken
  EXPECT_EQ(refusal(with_tensor(p_tensor(kFloats, 6, {0, 5}, {1, 1}))), "");        // nothing is read
  for (const std::string& tensor :
       {p_tensor(kFloats, 1, {2, 3}, {3, 1}), p_tensor(kFloats, 0, {2, 3}, {4, 1}), p_tensor(kFloats, 6, {}, {}),
        p_tensor(kFloats, huge, {1}, {1}), p_tensor(kFloats, huge, {2}, {huge}),
        p_tensor(kFloats, 0, {huge, huge}, {0, 0}), p_tensor(kFloats, 0, {huge}, {huge}),
        p_tensor(kFloats, 0, {3, 3}, {huge / 2, huge / 2})}) {
    EXPECT_REFUSED(with_tensor(tensor), "reaches beyond its storage of 6 elements");
  }
  EXPECT_REFUSED(with_tensor(p_tensor(kFloats, -1, {1}, {1})), "offset -1");
  EXPECT_REFUSED(with_tensor(p_tensor(kFloats, 0, {1}, {})), "do not fit each other");
  EXPECT_REFUSED(with_tensor(p_tensor(kFloats, 0, {-1}, {1})), "numbers from 0");
  EXPECT_REFUSED(with_tensor(p_tensor(kFloats, 0, {2}, {-1})), "numbers from 0");
  EXPECT_REFUSED(with_tensor(p_tensor(kFloats, 0, std::vector<int64_t>(9, 1), std::vector<int64_t>(9, 1))), "up to 8");
  EXPECT_REFUSED(with_tensor(p_tensor(kFloats, 0, {1 << 20, 1 << 20}, {0, 0})), "far larger than the file");
  EXPECT_REFUSED(with_tensor(p_call(p_global("torch._utils", "_rebuild_tensor_v2"), kFloats)), "not rebuilt");
  EXPECT_REFUSED(pickles_file(p_dictionary(p_text("w") + p_tensor(p_text("no storage"), 0, {1}, {1})), {}),
                 "where a tensor's storage is expected");
}

TEST(Checkpoint, StoragesAreWhatThePickleSays) {
  const std::string value = p_dictionary(p_text("w") + p_tensor(kFloats, 0, {6}, {1}));
  EXPECT_EQ(refusal(pickles_file(value, {kSix})), "");
  EXPECT_REFUSED(pickles_file(value, {}), "0 of 1 storages");
  EXPECT_REFUSED(pickles_file(value, {kSix, kSix}), "one twice");
  EXPECT_REFUSED(pickles_file(value, {{"other", 6, kSix.bytes}}), "no tensor has");
  EXPECT_REFUSED(pickles_file(value, {{"s", 5, kSix.bytes}}), "not there whole");
  EXPECT_REFUSED(pickles_file(value, {{"s", 6, "short"}}), "not there whole");
  EXPECT_REFUSED(pickles_file(value, {{"s", 6, kSix.bytes + "x"}}), "1 bytes are left over");
  const auto sized = [](const std::string& type, int64_t count) {
    return pickles_file(p_dictionary(p_text("w") + p_tensor(p_storage(type, "s", count), 0, {1}, {1})),
                        {{"s", static_cast<uint64_t>(count), ""}});
  };
  EXPECT_REFUSED(sized("FloatStorage", -1), "has -1 elements");
  EXPECT_REFUSED(sized("FloatStorage", std::numeric_limits<int64_t>::max()), "elements");
  EXPECT_REFUSED(sized("FloatStorage", int64_t{1} << 40), "not there whole");
  EXPECT_REFUSED(sized("Tensor", 1), "which is none");
  EXPECT_REFUSED(pickles_file(p_dictionary(p_text("a") + p_tensor(kFloats, 0, {6}, {1}) + p_text("b") +
                                           p_tensor(p_storage("HalfStorage", "s", 6), 0, {6}, {1})),
                              {kSix}),
                 "two types or sizes");
}

TEST(Checkpoint, FindsTheDictionary) {
  const std::string tensors = p_dictionary(p_text("w") + p_tensor(kFloats, 0, {6}, {1}));
  const auto file = [](const std::string& value) { return pickles_file(value, {kSix}); };
  EXPECT_EQ(parse(file(tensors)).entry, "");
  EXPECT_EQ(parse(file(p_dictionary(p_text("net") + tensors + p_text("model") + p_integer(1)))).entry, "net");
  const std::string nested = file(p_dictionary(p_text("model") + p_dictionary(p_text("state_dict") + tensors)));
  EXPECT_EQ(parse(nested).entry, "model/state_dict");
  EXPECT_EQ(parse(nested, "model/state_dict").tensors.size(), 1u);
  EXPECT_NE(refusal(nested, "model").find("no dictionary of tensors"), std::string::npos);
  EXPECT_NE(refusal(nested, "model/none").find("no entry 'model/none'; 'model' has 1 entries: state_dict"),
            std::string::npos);
  EXPECT_REFUSED(file(p_dictionary(p_text("weights") + tensors)), "the file has 1 entries: weights");
  EXPECT_REFUSED(file(p_tensor(kFloats, 0, {6}, {1})), "the file is no dictionary");
  EXPECT_REFUSED(file(p_dictionary(p_text("w") + p_tensor(kFloats, 0, {6}, {1}) + p_text("w") + "N")),
                 "'w' is there twice");
  EXPECT_REFUSED(file(p_dictionary(p_integer(1) + p_tensor(kFloats, 0, {6}, {1}))), "no text");
}

// Whatever is cut off or changed, there is an error or an answer, and never more than the file says. A changed byte of
// the weights themselves is not noticed in the older file, which has no checksum.
TEST(Checkpoint, EveryTruncationAndEveryFlippedByte) {
  for (const char* name : {"valid-zip", "valid-pickles"}) {
    const std::string whole = corpus(name);
    for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
    int noticed = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ 0x55);
      noticed += refusal(changed) != "";
    }
    EXPECT_GT(noticed, 1000);
  }
}

TEST(Checkpoint, ZipArchivesAreWhatTorchSaves) {
  EXPECT_EQ(refusal(corpus("valid-rezipped")), "");
  EXPECT_REFUSED(corpus("bad-zip-without-pickle"), "without 'data.pkl'");
  EXPECT_REFUSED(corpus("bad-zip-without-storage"), "no entry for storage '0'");
  EXPECT_REFUSED(corpus("bad-zip-short-storage"), "storage '0' has 95 bytes; its 24 elements need 96");
  EXPECT_REFUSED(corpus("bad-zip-twice"), "valid-zip/data/0' is there twice");
  EXPECT_REFUSED(corpus("bad-zip-big-endian"), "big-endian");
  EXPECT_REFUSED(corpus("bad-zip-bomb"), "compressed");
  EXPECT_REFUSED(corpus("bad-zip-no-folder"), "none that torch.save writes");
  EXPECT_REFUSED(corpus("bad-zip-code"), "'posix.system'");
}

TEST(Checkpoint, ForeignFiles) {
  EXPECT_REFUSED("", "not a PyTorch checkpoint");
  EXPECT_REFUSED("PK\x03\x04 but no archive", "truncated, or no zip archive");
  EXPECT_REFUSED(std::string(257, ' ') + "ustar" + std::string(250, ' '), "a tar archive");
  EXPECT_REFUSED("cposix\nsystem\n(S'id'\ntR.", "'posix.system'");
  EXPECT_REFUSED(pickled(p_call(p_global("os", "system"), p_text("id"))), "'os.system'");
}

}  // namespace
}  // namespace limber
