// SPDX-License-Identifier: Apache-2.0
// Pickles that want to run code, and broken ones.
#include "formats/pickle.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "formats/test_pickle.h"

namespace limber {
namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view kAllowed[] = {"collections.OrderedDict", "torch._utils._rebuild_tensor_v2"};

Pickle parse(const std::string& bytes) {
  return read_pickle(std::as_bytes(std::span(bytes)), kAllowed, "test");
}

std::string refusal(const std::string& bytes) {
  try {
    parse(bytes);
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::kBadFile || error.code() == ErrorCode::kUnsupported);
    return error.what();
  }
  return "";
}

#define EXPECT_REFUSED(bytes, text) EXPECT_NE(refusal(bytes).find(text), std::string::npos) << refusal(bytes)

TEST(Pickle, Values) {
  const auto one = [](const std::string& bytes) {  // its texts outlive `bytes` here only because none is read
    const Pickle pickle = parse(bytes);
    EXPECT_EQ(pickle.size, bytes.size());
    return pickle.at(pickle.root);
  };
  EXPECT_EQ(one(pickled("N")).kind, Kind::kNone);
  EXPECT_EQ(one(pickled("\x88")).number, 1);
  EXPECT_EQ(one(pickled("J\xff\xff\xff\xff")).number, -1);
  EXPECT_EQ(one(pickled("M\xe9\x03")).number, 1001);
  EXPECT_EQ(one(pickled("\x8a\x01\x80")).number, -128);
  EXPECT_EQ(one(pickled(std::string("\x8a\x02\x80\x00", 4))).number, 128);
  EXPECT_EQ(one(pickled(std::string("\x8a\x00", 2))).number, 0);
  EXPECT_EQ(one(pickled(p_integer(INT64_MIN))).number, INT64_MIN);
  EXPECT_EQ(one(pickled(cat("\x8a\x0a", std::string(10, 'x')))).kind, Kind::kLong);
  EXPECT_EQ(one(pickled(std::string("G\x3f\xe0\0\0\0\0\0\0", 9))).real, 0.5);
  EXPECT_EQ(one(pickled(p_integers({1, 2, 3}))).items.size(), 3u);
  EXPECT_EQ(one(pickled("NNN\x87")).items.size(), 3u);
  EXPECT_EQ(one(pickled("](NNe")).items.size(), 2u);
  EXPECT_EQ(one(pickled("]Na")).items.size(), 1u);
  EXPECT_EQ(one(pickled("}NNs")).items.size(), 2u);
  EXPECT_EQ(one(pickled("N0N")).kind, Kind::kNone);
  const std::string bytes = pickled(p_call(p_global("torch._utils", "_rebuild_tensor_v2"), p_text("a")));
  const Pickle pickle = parse(bytes);
  EXPECT_EQ(pickle.at(pickle.root).kind, Kind::kCall);
  EXPECT_EQ(pickle.at(pickle.at(pickle.root).items[0]).text, "a");
}

TEST(Pickle, OrderedDictionaries) {
  const std::string callee = p_global("collections", "OrderedDict");
  const std::string pair = p_tuple(p_text("a") + p_integer(1));
  for (const std::string& value :
       {p_call(callee, "") + "(" + p_text("a") + p_integer(1) + "u", p_call(callee, "](" + pair + "e"),
        callee + ")\x81" + p_text("a") + p_integer(1) + "s", p_call(callee, "") + p_text("a") + p_integer(1) + "s}b"}) {
    const std::string bytes = pickled(value);
    const Pickle pickle = parse(bytes);
    const PickleValue& dictionary = pickle.at(pickle.root);
    EXPECT_EQ(dictionary.kind, Kind::kDictionary);
    ASSERT_EQ(dictionary.items.size(), 2u);
    EXPECT_EQ(pickle.at(dictionary.items[0]).text, "a");
    EXPECT_EQ(pickle.at(dictionary.items[1]).number, 1);
  }
  EXPECT_REFUSED(pickled(p_call(callee, "](Ne")), "no pair");
  EXPECT_REFUSED(pickled(p_call(callee, "NN")), "not made of one list");
}

// Each way there is to name a function: only the name is read, nothing is looked up and nothing called.
TEST(Pickle, CodeIsNamedAndNotRun) {
  const std::string touch = p_text("touch /tmp/limber-was-here");
  EXPECT_REFUSED(pickled(p_call(p_global("posix", "system"), touch)), "'posix.system'");
  EXPECT_REFUSED("cos\nsystem\n(S'id'\ntR.", "'os.system'");                                            // protocol 0
  EXPECT_REFUSED(pickled(p_text("os") + p_text("system") + "\x93" + touch + "\x85R"), "'os.system'");   // STACK_GLOBAL
  EXPECT_REFUSED(pickled(cat("(", touch, "ios\nsystem\n")), "'os.system'");                             // INST
  EXPECT_REFUSED(pickled(cat("(", p_global("os", "system"), touch, "o")), "'os.system'");               // OBJ
  EXPECT_REFUSED(pickled(p_global("subprocess", "Popen") + touch + "\x85\x81"), "'subprocess.Popen'");  // NEWOBJ
  EXPECT_REFUSED(pickled(p_global("builtins", "exec") + touch + "\x85R"), "'builtins.exec'");
  EXPECT_REFUSED(pickled(p_global("collections", "OrderedDict.__reduce__")), "'collections.OrderedDict.__reduce__'");
  EXPECT_REFUSED(pickled(p_global("a\x1b[2Jb", "c")), "'a?[2Jb.c'");  // no control characters reach a terminal
  EXPECT_REFUSED(pickled("\x82\x01"), "opcode 0x82");                 // EXT1: names from a registry
  EXPECT_REFUSED(pickled(p_text("os") + p_text("system") + "\x86R"), "a value from an empty stack");
  EXPECT_REFUSED(pickled(p_text("os.system") + p_tuple(touch) + "R"), "something that is no name");
  EXPECT_REFUSED(pickled("N}b"), "attributes for a value that has none");  // BUILD
  EXPECT_REFUSED(pickled(p_global("torch._utils", "_rebuild_tensor_v2") + "}b"), "attributes");
}

TEST(Pickle, BrokenOnes) {
  EXPECT_REFUSED("", "truncated");
  EXPECT_REFUSED(pickled(""), "empty stack");
  EXPECT_REFUSED(pickled("NN"), "left over");
  EXPECT_REFUSED(pickled("(N"), "left over");
  EXPECT_REFUSED(pickled("e"), "a mark is missing");
  EXPECT_REFUSED(pickled("N(Ne"), "takes none");
  EXPECT_REFUSED(pickled("}(Nu"), "without a value");
  EXPECT_REFUSED(pickled("h\x05"), "never stored");
  EXPECT_REFUSED("\x80\x07N.", "protocol 7");
  EXPECT_REFUSED(pickled("X\xff\xff\xff\xff"), "truncated");
  EXPECT_REFUSED(pickled("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"), "truncated");
  EXPECT_REFUSED(pickled("cos"), "a line without an end");
  const std::string whole = pickled(p_dictionary(p_text("a") + p_tensor(p_storage("x", "s", 1), 0, {1}, {1})));
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
}

TEST(Pickle, AListInItselfIsRead) {
  const std::string bytes = pickled(
      "]q\x01h\x01"
      "a");
  const Pickle pickle = parse(bytes);
  EXPECT_EQ(pickle.at(pickle.root).items[0], pickle.root);
}

// A short file must not ask for much memory: values, marks, stored values and copies are all counted.
TEST(Pickle, BombsAreBounded) {
  EXPECT_REFUSED(pickled(std::string(3 << 20, 'N')), "more than 2097152 values");
  EXPECT_REFUSED(pickled(cat("N", std::string(3 << 20, '\x94'))), "stored for later");
  EXPECT_REFUSED(pickled(std::string(1 << 20, '(')), "empty stack");
  std::string list = "](";
  for (int i = 0; i < 100000; ++i) list += p_tuple("NN");
  std::string calls = list +
                      "e\x85q\x01"
                      "0";
  for (int i = 0; i < 1000; ++i) calls += p_global("collections", "OrderedDict") + "h\x01R0";
  EXPECT_REFUSED(pickled(calls + "N"), "arguments together");
}

}  // namespace
}  // namespace limber
