// SPDX-License-Identifier: Apache-2.0
// What the commands that run a model share: inputs to measure with, core sets, texts. Layer: tool.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/data_set.h"
#include "network/model.h"

namespace limber::tool {

// Fails, naming both, when the member reads images of another number of channels. Other sizes are resized.
void check_channels(const Model& model, int member, const Images& images);

// `count` images of the member's input size: of the data set (resized), over and over, or noise with a fixed seed.
// Times hardly depend on which. Fails when the data set's images have other channels.
std::vector<uint8_t> measuring_pixels(const Model& model, int member, int64_t count, const Images* images = nullptr);

// The core set that --core/--cores asks for; "" is the first CPU this process may use. Fails on CPUs it may not use.
std::vector<int> core_set(const std::string& text);

// "a,b" as its parts; empty parts are left out.
std::vector<std::string> split_list(const std::string& text);

// The members named in "25%,100%", ascending, each once; "" is all of them. Fails listing the legal names.
std::vector<int> chosen_members(const Model& model, const std::string& text);

// The accuracy that the model file tells of this member: on the data set with this hash, else the first on its test
// split, else the first; nullopt if there is none.
std::optional<Accuracy> stored_accuracy(const Model& model, int member, const std::string& data_hash = "");

// On stderr, if any of the times named are unreliable (samples.h).
void warn_of_disturbance(const std::vector<std::string>& what);

}  // namespace limber::tool
