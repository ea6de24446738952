// SPDX-License-Identifier: Apache-2.0
// How long each member takes here, and how many images make a frame. Layer: tool.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "manager/policy.h"
#include "network/model.h"

namespace limber::tool {

// Median CPU time of one image of every member, measured in batches, members interleaved; CPU time, so that others who
// use the core meanwhile do not count. Takes some 0.2 s.
std::vector<PolicyMember> time_members(const std::shared_ptr<const Model>& model);

// The same out of a file of `limber profile`: points of one core, one image at a time. Fails as read_profile,
// check_profile and policy_members do; warnings go to `warn`, one call each.
std::vector<PolicyMember> read_members(const std::string& path, const Model& model,
                                       const std::function<void(const std::string&)>& warn);

constexpr int64_t kMostBurst = 1 << 16;  // images of a frame; the anytime policy keeps memory for each

// "auto": as many images as the largest member answers in `work_ms`; or a number. At most `most`. Fails naming what is
// legal.
int64_t burst_size(const std::string& asked, double work_ms, double image_ms, int64_t most);

}  // namespace limber::tool
