// SPDX-License-Identifier: Apache-2.0
// The opcodes are those of Python's Lib/pickletools.py.
#include "formats/pickle.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "base/error.h"

namespace limber {
namespace {

using Kind = PickleValue::Kind;

constexpr std::size_t kBytes = std::size_t{32} << 20;   // of one pickle: weights lie beside it
constexpr std::size_t kValues = std::size_t{2} << 20;   // a state dict has some ten for each tensor
constexpr std::size_t kCopies = std::size_t{16} << 20;  // items copied from one value to another
constexpr std::size_t kTextShown = 80;

std::string shown(std::string_view text) {
  std::string result;
  for (const char c : text.substr(0, kTextShown)) result += c >= ' ' && c <= '~' ? c : '?';
  return text.size() > kTextShown ? result + "..." : result;
}

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, std::span<const std::string_view> allowed, const std::string& where)
      : bytes_(bytes.first(std::min(bytes.size(), kBytes))), allowed_(allowed), where_(where) {}

  Pickle run() {
    while (step(static_cast<char>(number(1)))) {
    }
    pickle_.size = at_;
    return std::move(pickle_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void bad(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::kBadFile, "{}: the pickle is broken at byte {}: {}", where_, at_,
         fmt::format(format, std::forward<Args>(args)...));
  }

  // --- bytes ---
  std::string_view take(uint64_t count) {
    if (count > bytes_.size() - at_) {
      bad("{} bytes are to be read, {} are there; it is truncated, or longer than the {} that are read", count,
          bytes_.size() - at_, kBytes);
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + at_, count);
    at_ += count;
    return text;
  }
  uint64_t number(int size) {
    uint64_t value = 0;
    const std::string_view text = take(static_cast<uint64_t>(size));
    for (int i = 0; i < size; ++i) value |= uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
    return value;
  }
  std::string_view line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_, bytes_.size() - at_);
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) bad("a line without an end");
    at_ += end + 1;
    return rest.substr(0, end);
  }

  // --- values and the stack: what handles an opcode says that the pickle goes on ---
  bool push(PickleRef ref) {
    stack_.push_back(ref);
    return true;
  }
  bool push(Kind kind, std::string_view text = {}, std::vector<PickleRef> items = {}) {
    if (pickle_.values.size() >= kValues) bad("more than {} values", kValues);
    pickle_.values.push_back({kind, 0, 0, text, std::move(items)});
    return push(static_cast<PickleRef>(pickle_.values.size() - 1));
  }
  bool push_number(Kind kind, int64_t value) {
    push(kind);
    pickle_.values.back().number = value;
    return true;
  }
  bool push_long(uint64_t size) {
    const std::string_view text = take(size);
    if (size > 8) return push(Kind::kLong, text);
    uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
    if (size > 0 && size < 8 && (value >> (8 * size - 1)) != 0) value |= ~uint64_t{0} << (8 * size);
    return push_number(Kind::kInteger, static_cast<int64_t>(value));
  }
  bool push_real() {
    uint64_t bits = 0;  // the one number that is big-endian
    for (const char c : take(8)) bits = bits << 8 | static_cast<unsigned char>(c);
    push(Kind::kReal);
    pickle_.values.back().real = std::bit_cast<double>(bits);
    return true;
  }
  PickleRef top() const {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) bad("it takes a value from an empty stack");
    return stack_.back();
  }
  PickleRef pop() {
    const PickleRef ref = top();
    stack_.pop_back();
    return ref;
  }
  std::vector<PickleRef> pop_pair() {
    const PickleRef value = pop(), key = pop();
    return {key, value};
  }
  std::vector<PickleRef> pop_to_mark() {
    if (marks_.empty()) bad("a mark is missing");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleRef> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }
  bool push_tuple(int count) {
    std::vector<PickleRef> items;
    for (int i = 0; i < count; ++i) items.push_back(pop());
    std::reverse(items.begin(), items.end());
    return push(Kind::kTuple, {}, std::move(items));
  }
  bool extend(Kind kind, const std::vector<PickleRef>& items) {
    PickleValue& value = pickle_.values[top()];
    if (value.kind != kind) bad("items are added to a value that takes none");
    if (kind == Kind::kDictionary && items.size() % 2 != 0) bad("a dictionary's key without a value");
    value.items.insert(value.items.end(), items.begin(), items.end());
    return true;
  }
  bool remember(uint64_t slot) {
    memo_[slot] = top();
    if (memo_.size() > kValues) bad("more than {} values are stored for later", kValues);
    return true;
  }
  bool recall(uint64_t slot) {
    const auto found = memo_.find(slot);
    if (found == memo_.end()) bad("it recalls value {}, which it never stored", slot);
    return push(found->second);
  }

  // --- names and calls ---
  bool push_global() {
    const std::string_view module = line(), name = line();
    return push_global(module, name);
  }
  bool push_global(std::string_view module, std::string_view name) {
    const std::string full = std::string(module) + "." + std::string(name);
    const auto found = std::find(allowed_.begin(), allowed_.end(), full);
    if (found == allowed_.end()) {
      fail(
          ErrorCode::kUnsupported,
          "{}: it names '{}', which no checkpoint of tensors needs: loading it with Python could run code. Nothing was "
          "run. If it is your own model saved whole, save model.state_dict() instead",
          where_, shown(full));
    }
    return push(Kind::kGlobal, *found);
  }
  bool push_stack_global() {
    const PickleValue &name = pickle_.at(pop()), &module = pickle_.at(pop());
    if (name.kind != Kind::kText || module.kind != Kind::kText) bad("a name that is no text");
    return push_global(module.text, name.text);
  }
  // Dictionaries are made, every other call is only noted.
  bool call() {
    const PickleValue &arguments = pickle_.at(pop()), &callee = pickle_.at(pop());
    if (callee.kind != Kind::kGlobal || arguments.kind != Kind::kTuple) bad("a call of something that is no name");
    count_copies(arguments.items.size());
    if (callee.text == "collections.OrderedDict") return push(Kind::kDictionary, {}, pairs(arguments));
    if (callee.text == "collections.defaultdict") return push(Kind::kDictionary);
    return push(Kind::kCall, callee.text, arguments.items);
  }
  // Of OrderedDict([[key, value], ...]), as Python 2 wrote it.
  std::vector<PickleRef> pairs(const PickleValue& arguments) {
    std::vector<PickleRef> items;
    if (arguments.items.empty()) return items;
    const PickleValue& list = pickle_.at(arguments.items[0]);
    if (arguments.items.size() != 1 || list.kind != Kind::kList) bad("a dictionary that is not made of one list");
    count_copies(2 * list.items.size());
    for (const PickleRef ref : list.items) {
      const PickleValue& pair = pickle_.at(ref);
      const bool sequence = pair.kind == Kind::kList || pair.kind == Kind::kTuple;
      if (!sequence || pair.items.size() != 2) bad("an entry of a dictionary that is no pair");
      items.insert(items.end(), pair.items.begin(), pair.items.end());
    }
    return items;
  }
  // A short opcode could copy a long list again and again.
  void count_copies(std::size_t items) {
    copied_ += items;
    if (copied_ > kCopies) bad("calls with more than {} arguments together", kCopies);
  }
  // Attributes of an object are dropped: a state dict has version numbers of modules there.
  bool build() {
    pop();
    const Kind kind = pickle_.at(top()).kind;
    if (kind != Kind::kDictionary && kind != Kind::kCall) bad("attributes for a value that has none");
    return true;
  }
  bool protocol() {
    const uint64_t version = number(1);
    if (version >= 2 && version <= 5) return true;
    fail(ErrorCode::kUnsupported, "{}: pickle protocol {}; 2 to 5 are read", where_, version);
  }
  bool stop() {
    pickle_.root = pop();
    if (!stack_.empty() || !marks_.empty()) bad("values are left over at its end");
    return false;
  }

  bool step(char opcode);

  std::span<const std::byte> bytes_;
  std::span<const std::string_view> allowed_;
  const std::string& where_;
  std::size_t at_ = 0, copied_ = 0;
  Pickle pickle_;
  std::vector<PickleRef> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<uint64_t, PickleRef> memo_;
};

// clang-format off
bool Machine::step(char opcode) {
  switch (opcode) {
    case '\x80': return protocol();
    case '\x95': take(8); return true;  // a frame: how many bytes belong together, of no consequence here
    case '.': return stop();
    case '(': marks_.push_back(stack_.size()); return true;
    case '0': pop(); return true;
    case '1': pop_to_mark(); return true;
    case '2': return push(top());
    case 'N': return push(Kind::kNone);
    case '\x88': return push_number(Kind::kBoolean, 1);
    case '\x89': return push_number(Kind::kBoolean, 0);
    case 'J': return push_number(Kind::kInteger, static_cast<int32_t>(number(4)));
    case 'K': return push_number(Kind::kInteger, static_cast<int64_t>(number(1)));
    case 'M': return push_number(Kind::kInteger, static_cast<int64_t>(number(2)));
    case '\x8a': return push_long(number(1));
    case '\x8b': return push_long(number(4));
    case 'G': return push_real();
    case 'U': case '\x8c': return push(Kind::kText, take(number(1)));  // 'U', 'T': Python 2's strings, names there
    case 'T': case 'X': return push(Kind::kText, take(number(4)));
    case '\x8d': return push(Kind::kText, take(number(8)));
    case 'C': return push(Kind::kBytes, take(number(1)));
    case 'B': return push(Kind::kBytes, take(number(4)));
    case '\x8e': return push(Kind::kBytes, take(number(8)));
    case ')': return push_tuple(0);
    case '\x85': return push_tuple(1);
    case '\x86': return push_tuple(2);
    case '\x87': return push_tuple(3);
    case 't': return push(Kind::kTuple, {}, pop_to_mark());
    case ']': case '\x8f': return push(Kind::kList);
    case '\x91': return push(Kind::kList, {}, pop_to_mark());
    case 'a': return extend(Kind::kList, {pop()});
    case 'e': case '\x90': return extend(Kind::kList, pop_to_mark());
    case '}': return push(Kind::kDictionary);
    case 's': return extend(Kind::kDictionary, pop_pair());
    case 'u': return extend(Kind::kDictionary, pop_to_mark());
    case 'q': return remember(number(1));
    case 'r': return remember(number(4));
    case '\x94': return remember(memo_.size());
    case 'h': return recall(number(1));
    case 'j': return recall(number(4));
    case 'Q': return push(Kind::kPersistent, {}, {pop()});
    case 'c': return push_global();
    case 'i': push_global(); bad("an object of '{}'", pickle_.at(top()).text);
    case '\x93': return push_stack_global();
    case 'R': case '\x81': return call();
    case 'b': return build();
    default: bad("opcode 0x{:02x} is none that a checkpoint needs", static_cast<unsigned char>(opcode));
  }
}
// clang-format on

}  // namespace

Pickle read_pickle(std::span<const std::byte> bytes, std::span<const std::string_view> allowed,
                   const std::string& where) {
  return Machine(bytes, allowed, where).run();
}

}  // namespace limber
