// SPDX-License-Identifier: Apache-2.0
// The running machine's files, or those of a tree copied from one. Layer: platform.
#pragma once
#include "platform/linux/fs.h"

namespace limber {

// `root`: the folder under which /sys, /proc and /run are looked up; empty: this machine, with its tasks and tools.
class RealFs : public Fs {
 public:
  explicit RealFs(std::string root = "");

  FsText read(const std::string& path) const override;
  int write(const std::string& path, std::string_view value) override;
  FsNames list(const std::string& path) const override;
  bool exists(const std::string& path) const override;
  bool writable(const std::string& path) const override;
  int make_directory(const std::string& path) override;
  int remove_directory(const std::string& path) override;
  bool live() const override { return root_.empty(); }

 private:
  std::string root_;
};

}  // namespace limber
