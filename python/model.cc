// SPDX-License-Identifier: Apache-2.0
// limber.Model and limber.Member.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "arrays.h"
#include "bindings.h"
#include "limber/limber.hpp"

namespace py = pybind11;
using namespace pybind11::literals;

namespace limber::python {
namespace {

// MemberInfo with strings of its own, for it may outlive the model.
struct Member {
  int index = 0;
  std::string name, choice;
  int64_t macs = 0, outputs = 0;
  ImageSize image;
  std::optional<double> top1_test, top1_validation;
};

Member member_of(const Model& model, int index) {
  const MemberInfo info = model.member(index);
  return {index,      std::string(info.name), std::string(info.choice), info.macs, info.outputs,
          info.image, info.top1_test,         info.top1_validation};
}

std::shared_ptr<Model> open(const std::filesystem::path& path, const std::string& isa,
                            const std::optional<std::filesystem::path>& cache) {
  ModelOptions options{.isa = isa};
  if (cache) options.cache = cache->string();
  const std::string file = path.string();
  const py::gil_scoped_release others_run;
  return std::make_shared<Model>(file, options);
}

py::dict memory_of(const Model& model) {
  const MemoryInfo memory = model.memory();
  return py::dict("weights"_a = memory.weights, "padding"_a = memory.padding, "per_member"_a = memory.per_member,
                  "arena"_a = memory.arena, "exit_plan"_a = memory.exit_plan, "exit_arena"_a = memory.exit_arena,
                  "largest_alone"_a = memory.largest_alone, "shared"_a = memory.shared);
}

py::tuple best_of(const Model& model, const py::array& array) {
  const Answer answer(array, model.member(model.largest()).outputs);
  const Best best = model.best(answer.values());
  return py::make_tuple(best.output, best.confidence);
}

void bind_member(py::module_& module) {
  py::class_<Member>(module, "Member", "One sub-network of a model's family, as Model.members lists it.")
      .def_readonly("index", &Member::index, "Its number: 0 is the cheapest.")
      .def_readonly("name", &Member::name, "Its name, for instance '50%'.")
      .def_readonly("choice", &Member::choice, "What it chooses in the design space, for instance 'groups=2'.")
      .def_readonly("macs", &Member::macs, "Multiply-accumulates of one image.")
      .def_property_readonly(
          "image",
          [](const Member& member) {
            return py::make_tuple(member.image.height, member.image.width, member.image.channels);
          },
          "(height, width, channels) of the images that it reads.")
      .def_readonly("outputs", &Member::outputs, "Length of the answer for one image.")
      .def_readonly("top1_test", &Member::top1_test,
                    "Top-1 accuracy on the test images, 0..1, as the file states; None where it states none.")
      .def_readonly("top1_validation", &Member::top1_validation, "The same of the validation images.")
      .def("__repr__", [](const Member& member) {
        return "<limber.Member " + std::to_string(member.index) + " '" + member.name + "'>";
      });
}

}  // namespace

void bind_model(py::module_& module) {
  bind_member(module);
  py::class_<Model, std::shared_ptr<Model>>(
      module, "Model",
      "A model file, read, checked and compiled for this machine: the whole family of members. Immutable; share it "
      "among threads.")
      .def(py::init(&open), "path"_a, "isa"_a = "", "cache"_a = py::none(),
           "Reads a model file: milliseconds to seconds. isa: '' for the best of this machine, or 'avx512', 'avx2', "
           "'sse4', 'neon', 'reference'. cache: folder of the packed weights that processes share; '' for none, None "
           "for $LIMBER_CACHE or the user's cache folder.")
      .def_property_readonly("name", &Model::name, "What the file calls itself.")
      .def_property_readonly("hash", &Model::hash, "SHA-256 of the weights, hexadecimal.")
      .def_property_readonly("isa", &Model::isa, "The kernels in use, for instance 'avx512'.")
      .def_property_readonly(
          "members",
          [](const Model& model) {
            py::tuple members(static_cast<std::size_t>(model.members()));
            for (int i = 0; i < model.members(); ++i) members[static_cast<std::size_t>(i)] = member_of(model, i);
            return members;
          },
          "A tuple of Member, ascending in cost.")
      .def("find_member", &Model::find_member, "name"_a,
           "The index of the member of this name; InvalidArgument lists the legal names.")
      .def_property_readonly("exits", &Model::exits,
                             "Exits of the anytime plan (Session.infer_anytime); 0 where members do not nest.")
      .def_property_readonly(
          "memory", &memory_of,
          "Bytes as a dict: weights (packed, once for the family), padding (of these), per_member, "
          "arena (a session's), exit_plan, exit_arena, largest_alone; and shared (a bool: with other "
          "processes).")
      .def(
          "normalisation",
          [](const Model& model, int64_t channel) {
            const Normalisation found = model.normalisation(channel);
            return py::make_tuple(found.mean, found.deviation);
          },
          "channel"_a,
          "(mean, deviation) of a channel: planes must hold (pixel / 255 - mean) / deviation. Pixels are normalised by "
          "the session.")
      .def("label", &Model::label, "output"_a, "The name of a class; '' where the model has none for it.")
      .def("best", &best_of, "answer"_a,
           "(output, confidence) of one image's answer: its largest output and that output's softmax probability.")
      .def("__repr__", [](const Model& model) {
        return "<limber.Model '" + std::string(model.name()) + "', " + std::to_string(model.members()) + " members>";
      });
}

}  // namespace limber::python
