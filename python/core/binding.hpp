#pragma once

/// \file
/// What the files of zoometer._core share. Each binds one topic; python/zoometer is the package
/// that users see.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "zoometer/analysis.hpp"
#include "zoometer/zoometer.hpp"

namespace zoometer::python {

namespace nb = nanobind;
using namespace nanobind::literals;

/// Errors of the library become the exceptions of zoometer._errors.
void bind_errors();
/// Metrics, Module, Operator, Network and its profile.
void bind_network(nb::module_& core);
/// Models by name, from files and from bytes.
void bind_load(nb::module_& core);
/// Reports, tables, graphs.
void bind_documents(nb::module_& core);
/// Memory, training, conventions, differences.
void bind_analysis(nb::module_& core);
/// Devices and rooflines.
void bind_roofline(nb::module_& core);
/// Lists of models, sweeps, discovery.
void bind_catalogue(nb::module_& core);

/// What users pass as options: names of the command line with values as it takes them.
using Words = std::vector<std::pair<std::string, std::string>>;

/// The recipe of a training step from words like ("optimizer", "adam"). Throws Error{usage}.
TrainingRecipe recipe_from(const Words& words);

/// A result that knows what it is a result of, so that it can show its report.
template <class Result, class Settings>
struct ResultOf : Result {
  ResultOf(Result result, Network from, Settings by)
      : Result(std::move(result)),
        network(std::move(from)),
        settings(std::move(by)) {}

  Network network;
  Settings settings;
};

/// Adds the report that `text` gives: what `print` shows, and a notebook. `summary` is for one
/// line.
template <class T, class Text, class Summary>
void add_report(nb::class_<T>& bound, Text text, Summary summary) {
  bound
      .def("__str__", text, nb::call_guard<nb::gil_scoped_release>(),
           "The report of the command line.")
      .def("__repr__", [=](const T& self) { return "<" + summary(self) + ">"; })
      .def("_repr_html_", [=](const T& self) {
        return nb::module_::import_("zoometer._tables").attr("preformatted")(text(self));
      });
}

/// A shape as a tuple of integers.
inline nb::tuple to_tuple(const Shape& shape) {
  nb::list sizes;
  for (const std::int64_t size : shape) sizes.append(size);
  return nb::tuple(sizes);
}

/// Shapes as a list of tuples.
inline nb::list to_tuples(const std::vector<Shape>& shapes) {
  nb::list list;
  for (const Shape& shape : shapes) list.append(to_tuple(shape));
  return list;
}

/// Adds the figures of a class that has those of Metrics.
template <class T, class Class>
void add_metrics(Class& bound) {
  bound.def_ro("parameters", &T::parameters, "Elements of learnt tensors; shared ones once")
      .def_ro("buffers", &T::buffers, "Elements of stored tensors that are not learnt")
      .def_ro("parameter_bytes", &T::parameter_bytes, "Bytes of both, in their own types")
      .def_ro("macs", &T::macs, "Multiply-accumulates; of attention those of all pairs")
      .def_ro("macs_masked", &T::macs_masked, "Those of `macs` that causal masks leave")
      .def_ro("flops", &T::flops, "Floating-point operations: 2 x macs and all others")
      .def_ro("activations", &T::activations, "Elements of outputs of operators that have MACs")
      .def_ro("bytes_read", &T::bytes_read, "Bytes of inputs and weights")
      .def_ro("bytes_written", &T::bytes_written, "Bytes of outputs")
      .def_ro("cost", &T::cost, "By the chosen convention; 0 for the native one")
      .def_ro("bounded", &T::bounded, "Depends on a size that is an upper bound")
      .def_ro("macs_bounded", &T::macs_bounded, "The MACs, too, and not only other figures")
      .def_ro("assumed", &T::assumed, "Depends on a size that is not known: no bound")
      .def_ro("macs_assumed", &T::macs_assumed, "The MACs, too, and not only other figures")
      .def_prop_ro(
          "intensity", [](const T& figures) { return figures.intensity(); },
          "FLOPs for each byte moved; 0 where nothing moves");
}

/// Adds what every module has: its place in the tree and its calls.
template <class T, class Class>
void add_module(Class& bound) {
  bound.def_ro("path", &T::path, "'layer1.0.conv1'; empty for the root")
      .def_ro("type", &T::type, "Its class: 'Conv2d'")
      .def_ro("depth", &T::depth, "0 for the root")
      .def_ro("parent", &T::parent, "Its index in the list of modules; None for the root")
      .def_ro("children", &T::children, "Their indices, in the order of their registration")
      .def_ro("calls", &T::calls, "0 for a module that only owns parameters")
      .def_prop_ro(
          "output_shapes", [](const T& module) { return to_tuples(module.output_shapes); },
          "The shapes of the results of all its calls, in order");
}

}  // namespace zoometer::python
