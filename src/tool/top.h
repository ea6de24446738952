// SPDX-License-Identifier: Apache-2.0
// limberd's state as a page for people. Layer: tool.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace limber::tool {

// `status` is what limberd answered; what is missing in it is shown as "-". Ends with a newline.
std::string top_page(const nlohmann::json& status);

}  // namespace limber::tool
