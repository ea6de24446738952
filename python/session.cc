// SPDX-License-Identifier: Apache-2.0
// limber.Session.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cmath>
#include <memory>
#include <variant>

#include "arrays.h"
#include "bindings.h"
#include "in_use.h"
#include "limber/limber.hpp"

namespace py = pybind11;
using namespace pybind11::literals;

namespace limber::python {
namespace {

// time.monotonic() is the library's clock.
Session::Clock::time_point moment(const std::optional<double>& deadline) {
  constexpr double kCenturies = 9e9;  // seconds that nanoseconds in 64 bits can count
  if (!deadline || *deadline > kCenturies) return Session::kNoDeadline;
  if (std::isnan(*deadline)) {
    throw Error(ErrorCode::kInvalidArgument, "deadline is nan; legal: seconds of time.monotonic(), or None");
  }
  const std::chrono::duration<double> seconds(*deadline < 0 ? 0 : *deadline);
  return Session::Clock::time_point(std::chrono::duration_cast<Session::Clock::duration>(seconds));
}

class PythonSession {
 public:
  PythonSession(std::shared_ptr<Model> model, const std::vector<int>& cores, int64_t anytime_images)
      : model_(std::move(model)), session_(*model_, {.cores = cores, .anytime_images = anytime_images}) {}

  int active() const { return session_.active(); }
  std::shared_ptr<Model> model() const { return model_; }
  void select(const std::variant<int, std::string>& member) {
    const InUse now(used_);
    std::visit([this](const auto& which) { session_.select(which); }, member);
  }
  void set_image_size(int64_t height, int64_t width) {
    const InUse now(used_);
    session_.set_image_size(height, width);
    height_ = height;
    width_ = width;
  }
  void set_symbol(const std::string& name, int64_t value) {
    const InUse now(used_);
    session_.set_symbol(name, value);
    any_height_ = true;
  }
  void reset_state() {
    const InUse now(used_);
    session_.reset_state();
  }

  py::array_t<float> infer(const py::array& array, const py::object& out) {
    const InUse now(used_);
    const MemberInfo member = model_->member(session_.active());
    const Images images(array, wanted(member, "member '" + std::string(member.name) + "' reads"));
    py::array_t<float> answers = room_for_answers(out, images, member.outputs);
    const std::span<float> room = span_of(answers);
    const py::gil_scoped_release others_run;
    if (images.are_planes()) {
      session_.infer(images.values<float>(), room, images.count());
    } else {
      session_.infer(images.values<uint8_t>(), room, images.count());
    }
    return answers;
  }

  py::tuple infer_anytime(const py::array& array, const std::optional<double>& deadline, const py::object& publish,
                          const py::object& out) {
    const InUse now(used_);
    const auto until = moment(deadline);
    const MemberInfo largest = model_->member(model_->largest());
    const Images images(array, wanted(largest, "anytime reads, as the largest member does"));
    py::array_t<float> answers = room_for_answers(out, images, largest.outputs);
    const std::span<float> room = span_of(answers);
    const auto published = [&](int exit) {
      if (publish.is_none()) return true;
      const py::gil_scoped_acquire python;
      return !publish(exit, answers).is(py::bool_(false));
    };
    int exits = 0;
    {
      const py::gil_scoped_release others_run;
      exits = images.are_planes()
                  ? session_.infer_anytime(images.values<float>(), room, images.count(), until, published)
                  : session_.infer_anytime(images.values<uint8_t>(), room, images.count(), until, published);
    }
    return py::make_tuple(exits, exits == 0 ? py::object(py::none()) : py::object(answers));
  }

 private:
  static std::span<float> span_of(py::array_t<float>& answers) {
    return {answers.mutable_data(), static_cast<std::size_t>(answers.size())};
  }
  Wanted wanted(const MemberInfo& member, std::string reader) const {
    Wanted wanted{member.image, member.image, any_height_, std::move(reader)};
    if (height_ == 0) return wanted;
    wanted.pixels.height = height_;
    wanted.pixels.width = width_;
    wanted.reader = "set_image_size() said";
    return wanted;
  }

  std::shared_ptr<Model> model_;
  Session session_;
  int64_t height_ = 0, width_ = 0;  // of pixels; 0: the member's
  bool any_height_ = false;         // a symbol was set: rows are the library's to check
  std::atomic<bool> used_ = false;
};

}  // namespace

void bind_session(py::module_& module) {
  py::class_<PythonSession>(module, "Session",
                            "What changes while a model runs: activations, threads, the active member. Starts with the "
                            "smallest member. Belongs to one thread at a time; sessions of one model run at once.")
      .def(py::init<std::shared_ptr<Model>, std::vector<int>, int64_t>(), py::call_guard<py::gil_scoped_release>(),
           "model"_a.none(false), "cores"_a = std::vector<int>(), "anytime_images"_a = 0,
           "Allocates once. cores: logical CPUs; the thread that infers moves to the lowest and stays there, a helper "
           "thread sits on each further one; empty: the calling thread alone, wherever it is. anytime_images: the "
           "largest batch of infer_anytime, 0 for none; its memory grows with it.")
      .def_property_readonly("model", &PythonSession::model, "The Model that it runs.")
      .def_property_readonly("active", &PythonSession::active, "The index of the active member.")
      .def("select", &PythonSession::select, "member"_a,
           "Switches to a member, by index or by name: an index is stored, nothing is copied or allocated.")
      .def("set_image_size", &PythonSession::set_image_size, "height"_a, "width"_a,
           "Of the pixels of the calls that follow: the size of their images, 1 to 16384 a side, which the session "
           "resizes to what the active member reads. 0, 0: they have its size already (anytime: the largest "
           "member's), as at first.")
      .def("set_symbol", &PythonSession::set_symbol, "name"_a, "value"_a,
           "Of networks over sequences: a run-time length, of the inferences that follow.")
      .def("reset_state", &PythonSession::reset_state, "Of networks over sequences: forgets their state.")
      .def("infer", &PythonSession::infer, "images"_a, "out"_a = py::none(),
           "Runs the active member and returns its answers, float32 (outputs,), or (n, outputs) for a batch. images: "
           "uint8 pixels (height, width, channels) or (n, height, width, channels), which are normalised as the model "
           "says (one grey image may be (height, width)); or float32 planes (channels, height, width) or (n, "
           "channels, height, width), normalised already. An array that is not C-contiguous is copied first. out: "
           "an array for the answers, which is returned; without it a new one is made. Other Python threads run "
           "meanwhile; do not change the arrays.")
      .def("infer_anytime", &PythonSession::infer_anytime, "images"_a, "deadline"_a = py::none(),
           "publish"_a = py::none(), "out"_a = py::none(),
           "Computes one exit after another until all are published, the deadline has passed (seconds of "
           "time.monotonic(); None: no deadline) or publish(exit, answers) returns False. After exit n the answers are "
           "what member n answers, bit for bit. Returns (exits, answers): how many exits were published, and the last "
           "one's answers; (0, None) if none was in time. publish gets the array that the next exit overwrites. Images "
           "have the largest member's size. Needs a Session with anytime_images, of a model with exits.");
}

}  // namespace limber::python
