// SPDX-License-Identifier: Apache-2.0
// Which sub-networks of a design space an update trains. Layer: train.
#pragma once
#include <string>
#include <vector>

#include "network/design_space.h"
#include "train/batches.h"
#include "train/recipe.h"

namespace limber::train {

// The space with fewer choices. pattern: comma-separated NAME=VALUE, NAME>=VALUE or NAME<=VALUE; NAME may hold * for
// any characters ("*.kernel=7"). Fails with kBadFile saying `where`, what was found and what is legal.
DesignSpace restricted(const DesignSpace& space, const std::string& pattern, const std::string& where);

// What one update trains, in this order: the largest first where it is one of them. Each value of a random choice is
// drawn by itself.
std::vector<Choice> sample(const DesignSpace& space, Sample how, int64_t subnets, Random& random);

}  // namespace limber::train
