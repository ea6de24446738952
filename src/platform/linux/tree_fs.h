// SPDX-License-Identifier: Apache-2.0
// A machine's files in memory, and as one text: what `limber doctor --report` writes. Layer: platform.
//
//   limber-report 1
//   # a line for people
//   /sys/class/thermal/                     a folder, named where it is empty
//   /sys/class/thermal/thermal_zone0/temp   a file; " ro" after it: not writable; " !61": reading gives errno 61
//   <tab>45000                              a line of its content
#pragma once
#include <map>
#include <set>

#include "platform/linux/fs.h"

namespace limber {

struct TreeFile {
  std::string text;
  int error = 0;
  bool writable = true;
};

// Writes change the memory only; a write to what is no file is ENOENT, to what is not writable EACCES.
class TreeFs : public Fs {
 public:
  TreeFs() = default;
  // Fails with kBadFile on what is no such text.
  static TreeFs parse(const std::string& text, const std::string& where);

  FsText read(const std::string& path) const override;
  int write(const std::string& path, std::string_view value) override;
  FsNames list(const std::string& path) const override;
  bool exists(const std::string& path) const override;
  bool writable(const std::string& path) const override;
  int make_directory(const std::string& path) override;
  int remove_directory(const std::string& path) override;
  bool live() const override { return false; }

  void put(const std::string& path, TreeFile file) { files_[path] = std::move(file); }
  void put_directory(const std::string& path) { directories_.insert(path); }
  void erase(const std::string& path);  // a file, or a folder with all below it
  const std::map<std::string, TreeFile>& files() const { return files_; }
  std::string print(const std::string& comment) const;  // each line of the comment after "# "

 private:
  std::map<std::string, TreeFile> files_;
  std::set<std::string> directories_;
};

// Passes everything on to another and keeps what was read and listed, for a report: nothing of /proc/PID, nothing of
// threads.
class RecordingFs : public Fs {
 public:
  explicit RecordingFs(Fs& below) : below_(below) {}
  FsText read(const std::string& path) const override;
  int write(const std::string& path, std::string_view value) override { return below_.write(path, value); }
  FsNames list(const std::string& path) const override;
  bool exists(const std::string& path) const override;
  bool writable(const std::string& path) const override;
  int make_directory(const std::string& path) override { return below_.make_directory(path); }
  int remove_directory(const std::string& path) override { return below_.remove_directory(path); }
  bool live() const override { return below_.live(); }

  const TreeFs& seen() const { return seen_; }

 private:
  Fs& below_;
  mutable TreeFs seen_;
};

}  // namespace limber
