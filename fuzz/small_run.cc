// SPDX-License-Identifier: Apache-2.0
#include "small_run.h"

#include <vector>

#include "base/error.h"
#include "network/model.h"
#include "network/session.h"

using namespace limber;

constexpr int64_t kMemory = 1 << 22;  // bytes of an arena

void build_and_run(Network network) {
  ModelOptions options;
  options.use_cache = false;
  const auto model = Model::build(std::move(network), options);
  if (model->memory().arena > kMemory) return;
  Session session(model);
  std::vector<float> answers(static_cast<std::size_t>(model->outputs()));
  std::vector<float> planes(
      static_cast<std::size_t>(model->input_channels() * model->input_height() * model->input_width()), 0.5f);
  for (int member = 0; member < model->members(); ++member) {
    if (model->macs(member) > kSmallMacs) continue;
    session.select(member);
    Batch batch;
    batch.images = 1;
    batch.planes = planes;
    try {
      session.infer(batch, answers);
    } catch (const Error& error) {
      // A member may want images of another size than the largest.
      if (error.code() != ErrorCode::kInvalidArgument) throw;
    }
  }
}
