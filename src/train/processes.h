// SPDX-License-Identifier: Apache-2.0
// Several processes that train one network, each with a part of every batch: torch's own c10d over Gloo and TCP.
// Includes torch. Layer: train.
#pragma once
#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "train/parameters.h"

namespace limber::train {

// Another process is gone or does not answer. What was being averaged is lost, nothing else.
class LostProcess : public Error {
 public:
  explicit LostProcess(const std::string& message) : Error(ErrorCode::kIo, message) {}
};

// Not thread-safe. Every member function is called by all processes in the same order; it blocks until all have, at
// most `timeout_seconds`.
class Processes {
 public:
  // rendezvous: HOST:PORT of rank 0, which listens there. Waits for all to come. `work` says what is trained on what:
  // a process whose work differs from rank 0's is refused. Fails with kIo, or kInvalidArgument naming what is legal.
  Processes(int64_t size, int64_t rank, const std::string& rendezvous, const std::string& work, double timeout_seconds);
  ~Processes();
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  int64_t size() const { return size_; }
  int64_t rank() const { return rank_; }
  bool any(bool mine);                                    // is it true for anybody?
  void from_first(torch::Tensor& tensor);                 // rank 0's values for all
  void average(std::vector<Leaf>& leaves, double& loss);  // gradients, and the loss: their mean over all

 private:
  struct Group;
  std::unique_ptr<Group> group_;
  int64_t size_, rank_;
};

}  // namespace limber::train
