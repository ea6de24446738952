// SPDX-License-Identifier: Apache-2.0
// Sets things and remembers how they were found, so that all is put back at the end, even by a successor of a process
// that was killed. Layer: platform.
//
// With a state file, what is about to change is noted there before it changes; the file is replaced whole, twice a
// change: some 100 us on a tmpfs such as /run, ten milliseconds on a disk, so keep it in /run. It means nothing after a
// reboot and is dropped then. A value is put back only where it is still ours: what others set in the meantime stays.
// Not thread-safe. The Fs must outlive the log.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "platform/linux/fs.h"
#include "platform/linux/outcome.h"

namespace limber {

class RestoreLog {
 public:
  // `state_file`: "" for none. Where one is left behind by a process that is gone, it is taken over: restore() puts
  // back what that one changed. Fails with kBadFile on a file that is no such state or names what is no setting,
  // kInvalidArgument where its process still runs or it is another user's.
  explicit RestoreLog(Fs& fs, std::string state_file = "");
  ~RestoreLog();  // restores
  RestoreLog(const RestoreLog&) = delete;
  RestoreLog& operator=(const RestoreLog&) = delete;

  // Writes a file's value; remembers the first one found. A value that cannot be read back later is not written.
  Outcome set(const std::string& path, const std::string& value);
  // The same for what needs no restoring, because it means nothing once something else is restored.
  Outcome set_passing(const std::string& path, const std::string& value);
  // What stands in a file now is not what its owner asked for: this is, and is what is put back should it be set.
  void note_original(const std::string& path, const std::string& value) { noted_[path] = value; }
  // Makes a folder (a control group), removed at the end. One that is there already is left there.
  Outcome make_directory(const std::string& path);
  // Puts a process into the control group of `path` (a cgroup.procs file); back into that of `original` at the end.
  Outcome move_process(int pid, const std::string& path, const std::string& original);

  struct Report {
    int restored = 0;
    std::vector<std::string> left;  // and why
  };
  // Everything, in reverse order. What the kernel refused at first is tried once more after the rest: limits depend on
  // each other. The state file is removed unless something failed.
  Report restore() { return restore({""}); }
  // The same of what lies below one of these beginnings of paths: for a thread or a group that is no longer ours.
  Report restore(const std::vector<std::string>& beginnings);

  const Fs& fs() const { return fs_; }
  std::size_t size() const { return entries_.size(); }

 private:
  enum class Kind { kValue, kDirectory, kProcess };
  struct Entry {
    Kind kind = Kind::kValue;
    std::string path, original;
    std::string ours;      // as the kernel read it back
    bool pending = false;  // about to be written: a successor cannot know what the kernel made of it
  };
  Entry* find(Kind kind, const std::string& path, const std::string& ours = "");
  // Empty: done. `retry`: the kernel refused.
  std::string restore_entry(const Entry& entry, bool& retry, bool& done);
  void save();
  void load();

  Fs& fs_;
  std::string state_file_;
  std::vector<Entry> entries_;
  std::map<std::string, std::string> noted_;
};

}  // namespace limber
