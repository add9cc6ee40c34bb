#include "binding.hpp"

NB_MODULE(_core, core) {
  using namespace zoometer::python;
  // What a script's other modules hold until the end, as torch.library its functions, is no leak of
  // ours.
  nb::set_leak_warnings(false);
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
