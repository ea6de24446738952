// SPDX-License-Identifier: Apache-2.0
// Settings of threads, reached as if they were files (fs.h says how). Layer: platform.
#pragma once
#include "platform/linux/fs.h"

namespace limber {

bool is_task_path(std::string_view path);

// "/task/TID.START/SETTING"; without ".START" where the thread's start cannot be read.
std::string task_path(const Fs& fs, int tid, const std::string& setting);

// System calls on this machine; `fs` is where /proc/TID/stat is read. EINVAL: no such setting or a value that is none;
// ESRCH: the thread is gone.
FsText read_task(const Fs& fs, const std::string& path);
int write_task(const Fs& fs, const std::string& path, std::string_view value);

}  // namespace limber
