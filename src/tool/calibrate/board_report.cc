// SPDX-License-Identifier: Apache-2.0
#include "tool/calibrate/board_report.h"

#include <fmt/core.h>

namespace limber::tool {
namespace {

using Json = nlohmann::ordered_json;

std::string line(const std::string& name, const FitErrors& errors, const char* note = "") {
  return fmt::format("{:>12}  {:>5}  {:>7.2f}  {:>7.2f}{}\n", name, errors.rows, 100 * errors.mean, 100 * errors.worst,
                     note);
}

Json errors_json(const FitErrors& errors) {
  if (errors.rows == 0) return nullptr;
  return {{"rows", errors.rows}, {"mean", errors.mean}, {"worst", errors.worst}};
}

}  // namespace

std::string report(const PowerFit& fit, bool whole_board) {
  const PowerModel& model = fit.model;
  std::string text = fmt::format("clock    {:.4f} W per GHz and V^2\n", model.clock_w_per_ghz_v2);
  text += fmt::format("core     {:.4f} W per GHz and V^2; a busy core's activity:", model.core_w_per_ghz_v2);
  for (const FittedClass& one : fit.classes)
    text += fmt::format("{} {} {:.3f}", &one == fit.classes.data() ? "" : ",", one.name, one.activity);
  text += fmt::format("\nleakage  {:.4f} W per V^4 at 50 C, {:.1f} % more a K ({})\n", model.leak_w_per_v4,
                      100 * model.leak_per_c,
                      !fit.temperatures       ? "assumed; no temperatures, as if all were 50 C"
                      : fit.leak_per_c_fitted ? "fitted"
                                              : "assumed: no load was measured at temperatures 20 K apart");
  if (model.idle_w > 0) text += fmt::format("idle     {:.4f} W\n", model.idle_w);
  if (whole_board) text += fmt::format("rest     {:.4f} W of the board\n", fit.rest_w);
  text += fmt::format("\n{:>12}  {:>5}  {:>7}  {:>7}\n", "kHz", "rows", "mean %", "worst %");
  for (const FrequencyErrors& one : fit.frequencies)
    text += line(fmt::format("{}", one.khz), one.errors, one.held_out ? "  held out" : "");
  text += line("all", fit.all);
  if (fit.held_out.rows > 0) text += line("fitted", fit.fitted) + line("held out", fit.held_out);
  for (const Outlier& one : fit.outliers)
    text += fmt::format("{}: left out of the fit, modelled watts are {:+.0f} % off\n", one.place, 100 * one.error);
  return text;
}

std::string report(const ThermalFit& fit) {
  return fmt::format(
      "heat     {:.1f} C + {:.3f} K per W, time constant {:.2f} s; {} rows over {:.0f} s, {:.2f} K off on average, "
      "{:.2f} "
      "K at worst\n",
      fit.ambient_c, fit.k_per_w, fit.tau_s, fit.rows, fit.seconds, fit.mean_k, fit.worst_k);
}

Json report_json(const PowerFit& fit, bool whole_board) {
  Json classes = Json::array(), frequencies = Json::array(), outliers = Json::array();
  for (const FittedClass& one : fit.classes)
    classes.push_back({{"name", one.name},
                       {"core_w_per_ghz_v2", one.core_w_per_ghz_v2},
                       {"activity", one.activity},
                       {"rows", one.rows}});
  for (const FrequencyErrors& one : fit.frequencies)
    frequencies.push_back({{"khz", one.khz}, {"held_out", one.held_out}, {"errors", errors_json(one.errors)}});
  for (const Outlier& one : fit.outliers) outliers.push_back({{"place", one.place}, {"error", one.error}});
  Json json = {{"clock_w_per_ghz_v2", fit.model.clock_w_per_ghz_v2}, {"core_w_per_ghz_v2", fit.model.core_w_per_ghz_v2},
               {"leak_w_per_v4", fit.model.leak_w_per_v4},           {"leak_per_c", fit.model.leak_per_c},
               {"leak_per_c_fitted", fit.leak_per_c_fitted},         {"idle_w", fit.model.idle_w}};
  json["rest_w"] = whole_board ? Json(fit.rest_w) : Json();
  json["classes"] = classes;
  json["errors"] = {
      {"all", errors_json(fit.all)}, {"fitted", errors_json(fit.fitted)}, {"held_out", errors_json(fit.held_out)}};
  json["frequencies"] = frequencies;
  json["outliers"] = outliers;
  return json;
}

Json report_json(const ThermalFit& fit) {
  return {{"ambient_c", fit.ambient_c}, {"k_per_w", fit.k_per_w},     {"tau_s", fit.tau_s},          {"rows", fit.rows},
          {"seconds", fit.seconds},     {"mean_error_k", fit.mean_k}, {"worst_error_k", fit.worst_k}};
}

}  // namespace limber::tool
