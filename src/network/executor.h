// SPDX-License-Identifier: Apache-2.0
// Runs plans: turns steps into calls on one arena. Layer: network; used by Session only.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "network/image_fitter.h"
#include "network/model.h"
#include "network/plan.h"
#include "network/session.h"

namespace limber {

// Owns all memory that changes. One thread at a time; nothing allocates after construction (but an observer).
class Executor {
 public:
  using Check = std::function<bool()>;
  using Observe = std::function<void(const std::string&, std::span<const float>)>;
  using Stepped = std::function<void(std::size_t)>;

  // per_image: floats of all images together that an exit plan keeps.
  Executor(const Model& model, const std::vector<const Plan*>& plans, int64_t per_image, ThreadPool& pool);

  // Runs one segment for one image. False: check said to stop; the arena is then of no use until the next run.
  bool run(const Plan& plan, const Segment& segment, const Batch& batch, int64_t image, const Check& check,
           const Observe& observe, const Stepped& stepped = {});
  void read_answer(const Plan& plan, const Segment& segment, int64_t image, float* answer) const;

  int64_t outputs(const Plan& plan, const Segment& segment) const;  // length of an answer, with the symbols as they are
  int64_t input_rows(int member) const;
  void set_symbol(int symbol, int64_t value) { symbols_[static_cast<std::size_t>(symbol)] = value; }
  void reset_state();
  void expect_images(int64_t height, int64_t width) { images_.expect({height, width}); }
  int64_t bytes() const {
    return static_cast<int64_t>(arena_.size() + kept_.size() + state_.size() + scores_.size()) + images_.bytes();
  }

 private:
  void run_step(const Plan& plan, const Step& step, const Batch& batch, int64_t image);
  void write_input(const Plan& plan, const Step& step, const Batch& batch, int64_t image);
  void run_conv(const Plan& plan, const Step& step, int64_t image);
  void run_depthwise(const Plan& plan, const Step& step, int64_t image);
  void run_attention(const Plan& plan, const Step& step, int64_t image);
  void run_pool(const Plan& plan, const Step& step, int64_t image);
  void run_pixelwise(const Plan& plan, const Step& step, int64_t image);
  void clear_halo(const PlanTensor& tensor, float* first_pixel) const;
  float* data(const Plan& plan, int tensor, int64_t image) const;
  kernels::ConstPlanes view(const Plan& plan, int tensor, int64_t plane, int64_t image) const;
  kernels::Planes output(const Plan& plan, const Step& step, int tensor, int64_t image) const;
  int64_t rows(const PlanTensor& t) const {
    return t.rows_symbol < 0 ? t.rows_constant
                             : t.rows_constant + t.rows_per_symbol * symbols_[static_cast<std::size_t>(t.rows_symbol)];
  }
  int64_t rows_of(const Plan& plan, int tensor) const { return rows(plan.tensors[static_cast<std::size_t>(tensor)]); }
  void read(const Plan& plan, int tensor, int64_t image, float* dense) const;
  template <typename Args>
  void call(const Plan& plan, const Step& step, const kernels::Kernel<Args>& kernel, const Args& args);

  const Model& model_;
  const kernels::KernelTable& kernels_;
  ThreadPool& pool_;
  AlignedBuffer arena_, kept_, state_, scores_;
  std::vector<kernels::ConvRange> ranges_;  // scratch of the longest step
  std::vector<float> preprocessed_;         // [channels][256]: what each pixel value becomes
  std::vector<int64_t> symbols_;
  ImageFitter images_;
};

}  // namespace limber
