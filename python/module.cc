// SPDX-License-Identifier: Apache-2.0
// `import limber`.
#include "bindings.h"
#include "limber/limber.hpp"

PYBIND11_MODULE(limber, module) {
  module.doc() = R"(One neural network at many speeds.

A Model is a file with a family of members (sub-networks), ascending in cost and accuracy. A Session runs one member at
a time and changes it between any two inferences for free. A ManagedSession shares the device with other applications.

    model = limber.Model("fashion-incremental.safetensors")
    session = limber.Session(model)
    session.select("50%")
    output, confidence = model.best(session.infer(picture))   # uint8, (height, width, channels)
    print(model.label(output), confidence)

What goes wrong raises limber.Error, whose text says what was found and what is legal. A Model may be shared by any
number of threads; a Session belongs to one thread at a time. Other Python threads run while a session infers.)";
  module.attr("__version__") = limber::version();
  limber::python::bind_errors(module);
  limber::python::bind_model(module);
  limber::python::bind_session(module);
  limber::python::bind_managed(module);
}
