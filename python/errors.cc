// SPDX-License-Identifier: Apache-2.0
// limber::Error becomes limber.Error: the same text, the same code.
#include <string>

#include "bindings.h"
#include "limber/limber.hpp"

namespace py = pybind11;

namespace limber::python {
namespace {

// Live as long as the interpreter: exceptions may be raised until its end.
PyObject* error_type = nullptr;
PyObject* invalid_type = nullptr;

py::object new_exception(const char* name, const char* doc, py::handle bases) {
  PyObject* type = PyErr_NewExceptionWithDoc(name, doc, bases.ptr(), nullptr);
  if (type == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(type);
}

void raise(const Error& error) {
  const std::string text = error.what();
  // A file's name need not be UTF-8.
  PyObject* decoded = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape");
  if (decoded == nullptr) return;  // out of memory: Python's own exception is set
  const auto message = py::reinterpret_steal<py::object>(decoded);
  const py::handle type = error.code() == ErrorCode::kInvalidArgument ? invalid_type : error_type;
  const py::object raised = type(message);
  raised.attr("code") = error.code();
  PyErr_SetObject(type.ptr(), raised.ptr());
}

}  // namespace

void bind_errors(py::module_& module) {
  py::enum_<ErrorCode>(module, "ErrorCode", "What kind of thing went wrong: Error.code.")
      .value("INVALID_ARGUMENT", ErrorCode::kInvalidArgument, "Not legal: an unknown member, a wrong size.")
      .value("BAD_FILE", ErrorCode::kBadFile, "Truncated, corrupt, foreign or hostile.")
      .value("NOT_FOUND", ErrorCode::kNotFound, "No such file.")
      .value("IO", ErrorCode::kIo, "Reading or writing failed.")
      .value("UNSUPPORTED", ErrorCode::kUnsupported, "Legal, but this build or machine cannot do it.")
      .value("INTERNAL", ErrorCode::kInternal, "A bug in Limber, or no memory.");
  const py::object error = new_exception(
      "limber.Error", "What Limber refuses or cannot do. `code` is an ErrorCode; the text says what is legal.",
      PyExc_RuntimeError);
  const py::object invalid =
      new_exception("limber.InvalidArgument", "An argument that is not legal: an Error that is a ValueError too.",
                    py::make_tuple(error, py::handle(PyExc_ValueError)));
  module.attr("Error") = error;
  module.attr("InvalidArgument") = invalid;
  error_type = py::object(error).release().ptr();
  invalid_type = py::object(invalid).release().ptr();
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Error& known) {
      raise(known);
    }
  });
}

}  // namespace limber::python
