#include "binding.hpp"

namespace zoometer::python {
namespace {

void set_exception(const Error& error) {
  const nb::object make = nb::module_::import_("zoometer._errors").attr("from_core");
  const nb::object exception =
      make(name_of(error.code), error.what(), error.message, error.hint, error.detail.expected,
           error.detail.got, error.place.model, error.place.module_path, error.place.node);
  PyErr_SetObject(exception.type().ptr(), exception.ptr());
}

}  // namespace

void bind_errors() {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& error) {
      set_exception(error);
    }
  });
}

}  // namespace zoometer::python
