// SPDX-License-Identifier: Apache-2.0
// limber.ManagedSession.
#include "limber/managed.hpp"

#include <pybind11/stl.h>

#include <tuple>
#include <variant>

#include "bindings.h"
#include "in_use.h"

namespace py = pybind11;
using namespace pybind11::literals;

namespace limber::python {
namespace {

using Members = std::vector<std::pair<std::string, double>>;
using Option =
    std::variant<std::tuple<int, double>, std::tuple<int, double, int>, std::tuple<int, double, int, std::string>>;

ManagedTarget target_of(double deadline_ms, double rate_hz, double accuracy, double confidence, double weight,
                        const std::string& prefer) {
  if (prefer != "efficiency" && prefer != "accuracy") {
    throw Error(ErrorCode::kInvalidArgument, "prefer '" + prefer + "'; legal: efficiency, accuracy");
  }
  return {deadline_ms, rate_hz, accuracy,
          confidence,  weight,  prefer == "accuracy" ? Prefer::kAccuracy : Prefer::kEfficiency};
}

ManagedOptionInfo info_of(const Option& option) {
  return std::visit(
      [](const auto& given) {
        return std::apply(
            [](int member, double ms, const auto&... rest) {
              return ManagedOptionInfo{member, ms, rest...};
            },
            given);
      },
      option);
}

struct Managed {
  explicit Managed(const ManagedOptions& options) : session(options) {}
  ManagedSession session;
  std::atomic<bool> used = false;
};

// Calls a method while other Python threads run: it may block.
template <typename Result, typename... Arguments>
auto call(Result (ManagedSession::*method)(Arguments...)) {
  return [method](Managed& managed, Arguments... arguments) -> Result {
    const InUse now(managed.used);
    const py::gil_scoped_release others_run;
    return (managed.session.*method)(arguments...);
  };
}

// Reads what is known.
template <typename Result>
auto get(Result (ManagedSession::*method)() const noexcept) {
  return [method](Managed& managed) -> Result {
    const InUse now(managed.used);
    return (managed.session.*method)();
  };
}

std::unique_ptr<Managed> open(const std::string& name, const Members& members, const std::vector<Option>& options,
                              double deadline_ms, double rate_hz, double accuracy, double confidence, double weight,
                              const std::string& prefer, const std::vector<int>& threads, bool place, bool announces,
                              const std::string& socket) {
  ManagedOptions all{.name = name,
                     .members = {},
                     .options = {},
                     .target = target_of(deadline_ms, rate_hz, accuracy, confidence, weight, prefer),
                     .threads = threads,
                     .place = place,
                     .announces = announces,
                     .socket = socket};
  for (const auto& [member, top1] : members) all.members.push_back({member, top1});
  for (const Option& option : options) all.options.push_back(info_of(option));
  return std::make_unique<Managed>(all);
}

void set_target(Managed& managed, double deadline_ms, double rate_hz, double accuracy, double confidence, double weight,
                const std::string& prefer) {
  const InUse now(managed.used);
  managed.session.set_target(target_of(deadline_ms, rate_hz, accuracy, confidence, weight, prefer));
}

void report(Managed& managed, double elapsed_ms, bool met, int member, std::optional<double> confidence) {
  const InUse now(managed.used);
  managed.session.report(elapsed_ms, met, member, confidence.value_or(-1));
}

std::vector<int> cpus_of(Managed& managed) {
  const InUse now(managed.used);
  return managed.session.cpus();
}

}  // namespace

void bind_managed(py::module_& module) {
  py::class_<Managed>(
      module, "ManagedSession",
      "An application's side of limberd, which divides a device among applications: it says what it must reach and "
      "reports its frames, and hears which cores and members it may use. Without a limberd everything is allowed, and "
      "reason says why. Belongs to one thread at a time. What it was given goes back when it is deleted.")
      .def(py::init(&open), "name"_a, "members"_a, "options"_a, py::kw_only(), "deadline_ms"_a, "rate_hz"_a = 0.0,
           "accuracy"_a = 0.0, "confidence"_a = 0.0, "weight"_a = 1.0, "prefer"_a = "efficiency",
           "threads"_a = std::vector<int>(), "place"_a = false, "announces"_a = false, "socket"_a = "",
           "members: (name, accuracy 0..1) of each, in ascending cost. options: (member, ms), (member, ms, cores) or "
           "(member, ms, cores, processor): how long a frame takes at the highest clock. The target: see set_target. "
           "threads: by number (threading.get_native_id()); empty: all the process has now. place: limberd puts them "
           "on the cores. announces: begin() is called for each frame. socket: '' for $LIMBERD_SOCKET, else "
           "/run/limber/limberd.sock.")
      .def("set_target", &set_target, py::kw_only(), "deadline_ms"_a, "rate_hz"_a = 0.0, "accuracy"_a = 0.0,
           "confidence"_a = 0.0, "weight"_a = 1.0, "prefer"_a = "efficiency",
           "From now on: deadline_ms of a frame; rate_hz, frames a second (0: one a deadline); accuracy, the floor, "
           "0..1; confidence, the same for how sure answers are on average, as reported (0: not asked); weight among "
           "the applications; prefer 'efficiency' or 'accuracy' above the floor.")
      .def("update", call(&ManagedSession::update),
           "Reads what limberd has said; True: something changed. Does not block.")
      .def("wait", call(&ManagedSession::wait), "milliseconds"_a,
           "Waits up to so long for the first decision; False: it manages itself.")
      .def("begin", call(&ManagedSession::begin), "left_ms"_a,
           "A frame begins, whose deadline is in so many milliseconds. True: ceiling, processor, cpus and reason are "
           "this frame's now, until its report. Waits at most 5 ms or a tenth of left_ms. Needs announces=True.")
      .def("report", &report, "elapsed_ms"_a, "met"_a, "member"_a, "confidence"_a = py::none(),
           "After a frame: how long the work took, whether it was in time, which member answered, and how sure its "
           "answers were on average, 0..1 (None: not known).")
      .def("fileno", get(&ManagedSession::fd),
           "Readable when there is something for update(), so that select() takes the session; -1 without a "
           "connection. May change at every call.")
      .def_property_readonly("managed", get(&ManagedSession::managed), "False: it manages itself.")
      .def_property_readonly("ceiling", get(&ManagedSession::ceiling), "The largest member that may answer.")
      .def_property_readonly("floor", get(&ManagedSession::floor), "The smallest member that should answer.")
      .def_property_readonly("cpus", &cpus_of, "Logical CPUs to run on; empty: any.")
      .def_property_readonly("processor", get(&ManagedSession::processor), "The processor to run on; '': any.")
      .def_property_readonly("khz", get(&ManagedSession::khz),
                             "The clock that is planned; 0: it is not limberd's to set.")
      .def_property_readonly("met", get(&ManagedSession::met), "Whether the plan meets the target; else best effort.")
      .def_property_readonly("reason", get(&ManagedSession::reason), "Why it is so: one line for people.");
}

}  // namespace limber::python
