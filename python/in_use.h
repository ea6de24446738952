// SPDX-License-Identifier: Apache-2.0
// One call at a time. While a call waits or infers other Python threads run, and a callback may call anything: what is
// in use refuses rather than races.
#pragma once
#include <atomic>

#include "limber/limber.hpp"

namespace limber::python {

class InUse {
 public:
  explicit InUse(std::atomic<bool>& flag) : flag_(flag) {
    if (flag_.exchange(true)) {
      throw Error(ErrorCode::kInvalidArgument,
                  "the session is in use by another call; legal: one at a time, so give each thread its own");
    }
  }
  ~InUse() { flag_ = false; }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;

 private:
  std::atomic<bool>& flag_;
};

}  // namespace limber::python
