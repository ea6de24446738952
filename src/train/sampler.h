// SPDX-License-Identifier: Apache-2.0
// Which sub-networks of a design space an update trains. Layer: train.
#pragma once
#include <string>
#include <vector>

#include "network/design_space.h"
#include "train/batches.h"
#include "train/recipe.h"

namespace limber::train {

// The space with fewer choices. pattern: comma-separated NAME=VALUE, NAME>=VALUE or NAME<=VALUE, or the words "largest"
// and "smallest" (every dimension not named); NAME may hold * for any characters ("*.kernel=7"), and what comes later
// restricts further. Fails with kBadFile saying `where`, what was found and what is legal.
DesignSpace restricted(const DesignSpace& space, const std::string& pattern, const std::string& where);

// The one choice that the pattern leaves; fails as above when it leaves more, naming the dimensions.
Choice single_choice(const DesignSpace& space, const std::string& pattern, const std::string& where);

Choice largest(const DesignSpace& space);   // the largest value of every dimension
Choice smallest(const DesignSpace& space);  // the smallest one

// What one update trains, in this order: the largest first where it is one of them. Each value of a random choice is
// drawn by itself.
std::vector<Choice> sample(const DesignSpace& space, Sample how, int64_t subnets, Random& random);

}  // namespace limber::train
