// SPDX-License-Identifier: Apache-2.0
// A few images of a set that stand for all of it. Layer: design.
#pragma once
#include "formats/data_set.h"

namespace limber {

// n images, of every class as many as of any other (as far as the classes reach), drawn with the seed, in the set's
// order; all if there are not more. Data sets are often sorted by class: their first n images are of one class.
Images stratified_images(const Images& images, int64_t n, uint64_t seed);

}  // namespace limber
