// SPDX-License-Identifier: Apache-2.0
// Settings of threads: on which CPUs, with which clamps of utilisation, how nice. Layer: platform.
#pragma once
#include <vector>

#include "platform/linux/restore_log.h"

namespace limber {

// Of any thread this process may change: its own user's, others with CAP_SYS_NICE. ESRCH in the outcome: it has ended.
Outcome set_affinity(RestoreLog& log, int tid, const std::vector<int>& cpus);
// 0..1024, lower one first: the scheduler sees the thread as busy as at least `low`, at most `high`.
Outcome set_clamps(RestoreLog& log, int tid, int low, int high);
Outcome set_nice(RestoreLog& log, int tid, int nice);  // -20..19

std::vector<Knob> task_knobs(const Fs& fs);

}  // namespace limber
