// SPDX-License-Identifier: Apache-2.0
// The Python module: include/limber's C++ API for Python and NumPy, one file a header's part.
#pragma once
#include <pybind11/pybind11.h>

namespace limber::python {

void bind_errors(pybind11::module_& module);  // first: the others refer to ErrorCode
void bind_model(pybind11::module_& module);
void bind_session(pybind11::module_& module);
void bind_managed(pybind11::module_& module);

}  // namespace limber::python
