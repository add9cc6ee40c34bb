#include "binding.hpp"

NB_MODULE(_core, core) {
  using namespace zoometer::python;
  // What a script's other modules hold until the end, as torch.library its functions, is no leak of
  // ours. A test asks for the warnings, in an interpreter without such modules.
  nb::set_leak_warnings(false);
  core.def("set_leak_warnings", &nb::set_leak_warnings, "warn"_a,
           "Whether objects, types and functions of this module that the interpreter's end leaves "
           "are listed.");
  core.doc() = "The core of zoometer. Import zoometer instead, whose functions have the options.";
  core.attr("__version__") = std::string(zoometer::version());
  bind_errors();
  bind_network(core);
  bind_load(core);
  bind_documents(core);
  bind_analysis(core);
  bind_roofline(core);
  bind_catalogue(core);
}
