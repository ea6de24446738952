// SPDX-License-Identifier: Apache-2.0
#include "network/session.h"

#include <algorithm>
#include <cstring>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "network/executor.h"
#include "network/image_fitter.h"
#include "network/plan.h"

namespace limber {

struct Session::Impl {
  Impl(std::shared_ptr<const Model> m, SessionOptions o)
      : model(std::move(m)), options(std::move(o)), pool(options.cores), active(model->largest_member()) {
    const Plan* exits = options.anytime ? model->exit_plan() : nullptr;
    if (options.anytime && exits == nullptr) {
      fail(ErrorCode::kInvalidArgument, "model '{}' has no exit plan: its members do not nest; use infer",
           model->network().name);
    }
    if (options.max_images < 1 || options.max_images > kMostImages) {
      fail(ErrorCode::kInvalidArgument, "max_images is {}; legal: 1 to {}", options.max_images, kMostImages);
    }
    std::vector<const Plan*> plans;
    for (int member = 0; member < model->members(); ++member) plans.push_back(&model->plan(member));
    if (exits != nullptr) plans.push_back(exits);
    executor =
        std::make_unique<Executor>(*model, plans, exits != nullptr ? options.max_images * exits->per_image : 0, pool);
    if (exits != nullptr) {
      staged.resize(static_cast<std::size_t>(options.max_images * model->outputs()));
      next_exit.resize(static_cast<std::size_t>(options.max_images));
    }
  }

  static constexpr int64_t kMostImages = 1 << 20;

  std::shared_ptr<const Model> model;
  SessionOptions options;
  ThreadPool pool;
  int active;
  std::unique_ptr<Executor> executor;
  std::vector<float> staged;             // answers of the exit that is being computed
  std::vector<std::uint16_t> next_exit;  // of each image: what advance() may run beside exit 0

  const Plan& exit_plan(const Batch& batch) const {
    if (!options.anytime) fail(ErrorCode::kInvalidArgument, "this session was made without SessionOptions::anytime");
    if (batch.images > options.max_images) {
      fail(ErrorCode::kInvalidArgument, "a batch of {} images; this session was made for up to {}", batch.images,
           options.max_images);
    }
    return *model->exit_plan();
  }

  void check_image_size(int64_t height, int64_t width) const {
    if (height < 1 || width < 1 || height > ImageFitter::kMostPixels || width > ImageFitter::kMostPixels) {
      fail(ErrorCode::kInvalidArgument, "images of {} x {} pixels (height, width); legal: 1 to {} a side", height,
           width, ImageFitter::kMostPixels);
    }
    if (!model->network().graph.symbols.empty()) {
      fail(ErrorCode::kInvalidArgument, "a size of images for model '{}', which reads sequences; give none",
           model->network().name);
    }
  }

  void check_image_size(const Batch& batch) const {
    if (batch.height == 0 && batch.width == 0) return;
    if (batch.pixels.empty() && batch.images > 0) {
      fail(ErrorCode::kInvalidArgument, "a size of images beside planes, which are never resized; give pixels");
    }
    check_image_size(batch.height, batch.width);
  }

  void check_batch(const Batch& batch, int member, std::size_t answers, int64_t outputs) const {
    check_image_size(batch);
    const bool resized = batch.height != 0;
    const int64_t height = resized ? batch.height : executor->input_rows(member),
                  width = resized ? batch.width : model->input_width(member), channels = model->input_channels(member);
    const int64_t size = height * width * channels;
    if (batch.images < 0 || batch.images > kMostImages) {
      fail(ErrorCode::kInvalidArgument, "a batch of {} images; legal: 0 to {}", batch.images, kMostImages);
    }
    if (batch.pixels.empty() == batch.planes.empty() && batch.images > 0) {
      fail(ErrorCode::kInvalidArgument, "a batch has either pixels or planes; exactly one must be set");
    }
    const std::size_t found = batch.pixels.empty() ? batch.planes.size() : batch.pixels.size();
    if (found != static_cast<std::size_t>(batch.images * size)) {
      fail(ErrorCode::kInvalidArgument, "{} values for {} images; {} {} x {} x {} (channels, height, width) each: {}",
           found, batch.images,
           resized ? "the batch says" : fmt::format("member '{}' reads", model->member(member).name), channels, height,
           width, batch.images * size);
    }
    if (answers != static_cast<std::size_t>(batch.images * outputs)) {
      fail(ErrorCode::kInvalidArgument, "room for {} answers' values; legal: {} images times {}", answers, batch.images,
           outputs);
    }
  }
};

Session::Session(std::shared_ptr<const Model> model, SessionOptions options)
    : impl_(std::make_unique<Impl>(std::move(model), std::move(options))) {}
Session::Session(Session&&) noexcept = default;
Session::~Session() = default;

const Model& Session::model() const {
  return *impl_->model;
}
int Session::active() const {
  return impl_->active;
}

void Session::select(int member) {
  if (member < 0 || member >= impl_->model->members()) {
    fail(ErrorCode::kInvalidArgument, "member {}; legal: 0 to {}", member, impl_->model->members() - 1);
  }
  impl_->active = member;
}

void Session::expect_images(int64_t height, int64_t width) {
  impl_->check_image_size(height, width);
  impl_->executor->expect_images(height, width);
}

void Session::infer(const Batch& batch, std::span<float> answers) {
  Impl& impl = *impl_;
  const Plan& plan = impl.model->plan(impl.active);
  const int64_t outputs = impl.executor->outputs(plan, plan.segments.front());
  impl.check_batch(batch, impl.active, answers.size(), outputs);
  if (plan.state > 0 && batch.images > 1) {
    fail(ErrorCode::kInvalidArgument, "a batch of {} images for a network with state; legal: 1", batch.images);
  }
  impl.pool.enter();
  for (int64_t image = 0; image < batch.images; ++image) {
    impl.executor->run(plan, plan.segments.front(), batch, image, {}, impl.options.observe, impl.options.stepped);
    impl.executor->read_answer(plan, plan.segments.front(), image, answers.data() + image * outputs);
  }
}

int Session::infer_anytime(const Batch& batch, std::span<float> answers, const std::function<bool(int)>& publish,
                           const std::function<bool()>& check) {
  Impl& impl = *impl_;
  const Plan& plan = impl.exit_plan(batch);
  const int64_t outputs = impl.executor->outputs(plan, plan.segments.front());
  impl.check_batch(batch, impl.model->largest_member(), answers.size(), outputs);
  std::fill(impl.next_exit.begin(), impl.next_exit.end(), std::uint16_t{0});
  impl.pool.enter();
  int exit = 0;
  for (const Segment& segment : plan.segments) {
    for (int64_t image = 0; image < batch.images; ++image) {
      if (!impl.executor->run(plan, segment, batch, image, check, impl.options.observe)) return exit;
      impl.executor->read_answer(plan, segment, image, impl.staged.data() + image * outputs);
    }
    if (check && !check()) return exit;  // the last layer came too late
    std::copy_n(impl.staged.data(), answers.size(), answers.data());
    if (!publish(exit++)) break;
  }
  return exit;
}

bool Session::advance(const Batch& batch, int64_t image, int exit, std::span<float> answer,
                      const std::function<bool()>& check) {
  Impl& impl = *impl_;
  const Plan& plan = impl.exit_plan(batch);
  const int64_t outputs = impl.executor->outputs(plan, plan.segments.front());
  impl.check_batch(batch, impl.model->largest_member(), answer.size() * static_cast<std::size_t>(batch.images),
                   outputs);
  if (image < 0 || image >= batch.images) {
    fail(ErrorCode::kInvalidArgument, "image {}; legal: 0 to {}", image, batch.images - 1);
  }
  std::uint16_t& next = impl.next_exit[static_cast<std::size_t>(image)];
  if (exit != 0 && (exit != next || static_cast<std::size_t>(exit) >= plan.segments.size())) {
    fail(ErrorCode::kInvalidArgument, "exit {} of image {}; legal: 0{}", exit, image,
         next > 0 && next < plan.segments.size() ? fmt::format(" and {}", next) : "");
  }
  const Segment& segment = plan.segments[static_cast<std::size_t>(exit)];
  impl.pool.enter();
  next = 0;
  if (!impl.executor->run(plan, segment, batch, image, check, impl.options.observe)) return false;
  impl.executor->read_answer(plan, segment, image, answer.data());
  next = static_cast<std::uint16_t>(exit + 1);
  return true;
}

void Session::set_symbol(const std::string& name, int64_t value) {
  const std::vector<Symbol>& symbols = impl_->model->network().graph.symbols;
  std::string legal;
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    if (symbols[i].name == name) {
      if (value < 0 || value > symbols[i].maximum) {
        fail(ErrorCode::kInvalidArgument, "symbol '{}' is {}; legal: 0 to {}", name, value, symbols[i].maximum);
      }
      impl_->executor->set_symbol(static_cast<int>(i), value);
      return;
    }
    legal += (legal.empty() ? "" : ", ") + symbols[i].name;
  }
  fail(ErrorCode::kInvalidArgument, "no symbol '{}'; legal: {}", name, legal.empty() ? "none" : legal);
}

void Session::reset_state() {
  impl_->executor->reset_state();
}
int64_t Session::arena_bytes() const {
  return impl_->executor->bytes();
}

}  // namespace limber
