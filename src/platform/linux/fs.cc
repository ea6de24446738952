// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/fs.h"

#include <algorithm>
#include <charconv>

#include "base/cpu_list.h"
#include "base/error.h"

namespace limber {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::vector<std::string> parse_words(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = 0; (at = text.find_first_not_of(kBlanks, at)) != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(kBlanks, at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::optional<int64_t> parse_integer(std::string_view text) {
  const auto words = parse_words(text);
  if (words.size() != 1) return std::nullopt;
  int64_t value = 0;
  const char* const end = words[0].data() + words[0].size();
  const auto [next, error] = std::from_chars(words[0].data(), end, value);
  if (error != std::errc() || next != end) return std::nullopt;
  return value;
}

std::optional<int64_t> read_integer(const Fs& fs, const std::string& path) {
  const FsText text = fs.read(path);
  return text.ok() ? parse_integer(text.text) : std::nullopt;
}

std::vector<int64_t> parse_integers(std::string_view text) {
  std::vector<int64_t> numbers;
  for (const std::string& word : parse_words(text))
    if (const auto number = parse_integer(word)) numbers.push_back(*number);
  return numbers;
}

std::vector<std::pair<std::string, std::string>> parse_key_values(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto without_blanks = [](std::string_view part) {
    const size_t from = part.find_first_not_of(" \t");
    return from == std::string_view::npos ? std::string()
                                          : std::string(part.substr(from, part.find_last_not_of(" \t") + 1 - from));
  };
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos)
      pairs.emplace_back(without_blanks(line.substr(0, colon)), without_blanks(line.substr(colon + 1)));
  }
  return pairs;
}

std::vector<int> parse_cpus(const std::string& text) {
  std::vector<int> cpus;
  for (const std::string& word : parse_words(text)) {
    try {
      for (int cpu : parse_cpu_list(word)) cpus.push_back(cpu);
    } catch (const Error&) {
      return {};
    }
  }
  std::sort(cpus.begin(), cpus.end());
  return cpus;
}

bool starts_with_any(std::string_view text, const std::vector<std::string_view>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view b) { return text.substr(0, b.size()) == b; });
}

bool natural_less(const std::string& a, const std::string& b) {
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      size_t iend = i, jend = j;
      while (iend < a.size() && is_digit(a[iend])) ++iend;
      while (jend < b.size() && is_digit(b[jend])) ++jend;
      while (i + 1 < iend && a[i] == '0') ++i;
      while (j + 1 < jend && b[j] == '0') ++j;
      if (iend - i != jend - j) return iend - i < jend - j;
      for (; i < iend; ++i, ++j)
        if (a[i] != b[j]) return a[i] < b[j];
    } else if (a[i] != b[j]) {
      return a[i] < b[j];
    } else {
      ++i, ++j;
    }
  }
  if (i == a.size() && j == b.size()) return a < b;
  return i == a.size();
}

}  // namespace limber
