// SPDX-License-Identifier: Apache-2.0
// Python pickles as data: a machine that builds values and runs nothing. Layer: formats.
//
// Goals: what a PyTorch checkpoint needs (protocols 2 to 5), in memory and time linear in the bytes, whatever they say.
// A pickle can name any function of Python and have it called; here a call is only written down, and only for names on
// the caller's list. Everything else is an error that says which name the file wanted.
// Non-goals: writing; protocols 0 and 1; objects; out-of-band buffers; extension codes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace limber {

using PickleRef = uint32_t;  // index into Pickle::values

struct PickleValue {
  enum class Kind {
    kNone,
    kBoolean,     // number 0 or 1
    kInteger,     // number
    kLong,        // text: little-endian two's complement, more than 8 bytes
    kReal,        // real
    kText,        // text
    kBytes,       // text
    kTuple,       // items
    kList,        // items; also sets
    kDictionary,  // items: key, value, key, value; also collections.OrderedDict and defaultdict. A key may come twice
    kGlobal,      // text: "module.name", one of the allowed
    kCall,        // text: the global that would be called; items: its arguments
    kPersistent,  // items: one, the identity
  };
  Kind kind = Kind::kNone;
  int64_t number = 0;
  double real = 0;
  std::string_view text;  // into the bytes that were read, or the caller's list
  std::vector<PickleRef> items;
};

// Values refer to each other by index, so a list may contain itself: walk them with a bound on the depth.
struct Pickle {
  std::deque<PickleValue> values;
  PickleRef root = 0;
  std::size_t size = 0;  // bytes up to and with the pickle's end

  const PickleValue& at(PickleRef ref) const { return values[ref]; }
};

// Reads one pickle from the start of `bytes`, which must outlive the result. `allowed` holds "module.name" literals.
// Fails with kBadFile or kUnsupported; `where` opens the message.
Pickle read_pickle(std::span<const std::byte> bytes, std::span<const std::string_view> allowed,
                   const std::string& where);

}  // namespace limber
