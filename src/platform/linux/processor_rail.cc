// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/processor_rail.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace limber {
namespace {

// "VDD_CPU_GPU_CV": VDD, CPU, GPU, CV.
std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      words.back() += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    else if (!words.back().empty())
      words.emplace_back();
  }
  return words;
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The XU3's device tree names its sensors by address only: both clusters, memory, GPU.
struct Addressed {
  const char *ending, *processor;
};
constexpr std::array<Addressed, 4> kXu3 = {{{"@40", "A15"}, {"@41", ""}, {"@44", "gpu"}, {"@45", "A7"}}};

bool ends_with(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

bool is_xu3(const std::vector<Rail>& rails, const std::vector<LinuxProcessor>& processors) {
  const auto there = [&](const Addressed& one) {
    return std::any_of(rails.begin(), rails.end(), [&](const Rail& rail) { return ends_with(rail.name, one.ending); });
  };
  const auto named = [&](const char* name) {
    return std::any_of(processors.begin(), processors.end(), [&](const LinuxProcessor& p) { return p.name == name; });
  };
  return rails.size() == kXu3.size() && std::all_of(kXu3.begin(), kXu3.end(), there) && named("A15") && named("A7");
}

}  // namespace

std::optional<ProcessorRail> rail_of(const std::vector<Rail>& rails, const std::vector<LinuxProcessor>& processors,
                                     std::size_t index) {
  const LinuxProcessor& processor = processors.at(index);
  const auto cpus = std::count_if(processors.begin(), processors.end(), [](const LinuxProcessor& p) { return p.cpu; });
  const auto same_kind = processor.cpu ? cpus : static_cast<std::ptrdiff_t>(processors.size()) - cpus;
  if (is_xu3(rails, processors)) {
    for (const Addressed& one : kXu3) {
      if (processor.name != one.processor) continue;
      for (const Rail& rail : rails)
        if (ends_with(rail.name, one.ending)) return ProcessorRail{rail.name, true, false};
    }
    return std::nullopt;
  }
  // "cpu" and "gpu" are what a processor is called that has no better name.
  const std::string kind = processor.cpu ? "CPU" : "GPU", own = words_of(processor.name).front();
  for (const Rail& rail : rails) {
    if (own != kind && has(words_of(rail.name), own)) return ProcessorRail{rail.name, true, false};
  }
  for (const Rail& rail : rails) {
    const std::vector<std::string> words = words_of(rail.name);
    if (!has(words, kind)) continue;
    const std::vector<std::string> others = {processor.cpu ? "GPU" : "CPU", "CV", "SOC", "DDR", "MEM"};
    const bool shared = std::any_of(others.begin(), others.end(), [&](const auto& word) { return has(words, word); });
    return ProcessorRail{rail.name, !shared && same_kind == 1, false};
  }
  if (processor.cpu && rails.size() == 1 && rails[0].name.rfind("package", 0) == 0)
    return ProcessorRail{rails[0].name, false, true};
  return std::nullopt;
}

}  // namespace limber
