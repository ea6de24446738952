// SPDX-License-Identifier: Apache-2.0
// The narrow door to the kernel's files: small text files in, one value out, errno as data. Layer: platform.
//
// Everything the platform reads or sets goes through here, so that the same code works on this machine, on a copied
// tree and on a tree that refuses, rounds or vanishes (tests). Two kinds of things are no files but are reached as if
// they were, so that they are set, checked, logged and restored in the same way:
//   /task/TID[.START]/{affinity,nice,uclamp}   settings of a thread: "0,2-3", "-5", "MIN MAX" (0..1024). START is field
//   22
//                                              of its stat: another thread with that number is ESRCH
//   /command/NAME ARGUMENTS                    what a tool of a closed list prints (kTools in command_output.h)
// Not thread-safe. A file costs some microseconds, a tool milliseconds.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace limber {

struct FsText {
  int error = 0;     // errno; 0: read
  std::string text;  // without blanks and newlines at its end
  bool ok() const { return error == 0; }
};

struct FsNames {
  int error = 0;
  std::vector<std::string> names;  // ascending, digits by value ("policy10" after "policy4"), without . and ..
};

class Fs {
 public:
  virtual ~Fs() = default;
  // At most 1 MiB; EFBIG above.
  virtual FsText read(const std::string& path) const = 0;
  // One open, one write, one close of a file that exists; the first errno of the three, or 0.
  virtual int write(const std::string& path, std::string_view value) = 0;
  virtual FsNames list(const std::string& path) const = 0;
  virtual bool exists(const std::string& path) const = 0;
  // What this process may do by its rights; the kernel may still refuse a value.
  virtual bool writable(const std::string& path) const = 0;
  virtual int make_directory(const std::string& path) = 0;
  virtual int remove_directory(const std::string& path) = 0;
  // Whether tasks and tools are those of a running machine; false for a copied tree without them.
  virtual bool live() const = 0;
};

// Of a number and nothing else (blanks around it are fine).
std::optional<int64_t> parse_integer(std::string_view text);
std::optional<int64_t> read_integer(const Fs& fs, const std::string& path);
// "200000 300000": the numbers that are there; what is none is left out.
std::vector<int64_t> parse_integers(std::string_view text);
std::vector<std::string> parse_words(std::string_view text);
// Lines "key<blanks>: value" of /proc/cpuinfo and the like, in order; others are left out.
std::vector<std::pair<std::string, std::string>> parse_key_values(std::string_view text);
// CPUs of "0-3,5" or of "0 1 2 3" (related_cpus); empty where it is none.
std::vector<int> parse_cpus(const std::string& text);

bool starts_with_any(std::string_view text, const std::vector<std::string_view>& beginnings);
bool natural_less(const std::string& a, const std::string& b);

}  // namespace limber
