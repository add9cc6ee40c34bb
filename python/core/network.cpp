#include "analysis/convention.hpp"
#include "binding.hpp"
#include "zoometer/ir/graph.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer::python {
namespace {

/// The cost of each operator by a convention, of all its runs.
std::vector<std::int64_t> costs_of(const Network& network, const std::string& name) {
  const Convention* convention = find_convention(name);
  if (convention == nullptr) throw Error(ErrorCode::unknown_name, "no such convention: " + name);
  const Graph& graph = network.graph();
  std::vector<std::int64_t> costs;
  for (const Node& node : graph.nodes()) {
    const std::int64_t each = convention->cost(NodeView(graph, node));
    costs.push_back(checked_mul(each, graph.runs_of(node).times));
  }
  return costs;
}

/// The shapes that go into each operator; an absent input is None.
nb::list inputs_of(const Network& network) {
  const Graph& graph = network.graph();
  nb::list operators;
  for (const Node& node : graph.nodes()) {
    const NodeView view(graph, node);
    nb::list inputs;
    for (std::size_t i = 0; i < view.input_count(); ++i) {
      if (view.has(i)) {
        inputs.append(to_tuple(view.in(i)));
      } else {
        inputs.append(nb::none());
      }
    }
    operators.append(inputs);
  }
  return operators;
}

void bind_figures(nb::module_& core) {
  nb::class_<Metrics> metrics(core, "Metrics", "The figures of a module, an operator kind or all.");
  add_metrics<Metrics>(metrics);

  nb::class_<ModuleProfile> module(core, "Module", "A module with its figures, children included.");
  add_module<ModuleProfile>(module);
  add_metrics<ModuleProfile>(module);
  module.def("__repr__", [](const ModuleProfile& self) {
    return "<Module '" + self.path + "' " + self.type + ">";
  });

  nb::class_<OperatorProfile> kind(core, "OperatorKind",
                                   "What one kind of operator costs: the figures of all its runs.");
  kind.def_ro("name", &OperatorProfile::name, "'conv2d'; without a definition 'domain::type'")
      .def_ro("count", &OperatorProfile::count, "How often it runs");
  add_metrics<OperatorProfile>(kind);
  kind.def("__repr__", [](const OperatorProfile& self) {
    return "<OperatorKind " + self.name + " x " + std::to_string(self.count) + ">";
  });

  nb::class_<CoverageLedger::Unknown>(core, "UnknownOperator", "A kind without a definition.")
      .def_ro("name", &CoverageLedger::Unknown::name, "'domain::type'")
      .def_ro("count", &CoverageLedger::Unknown::count, "How often it runs");
  nb::class_<CoverageLedger>(core, "Coverage",
                             "Every operator is counted, zero by definition, or unknown.")
      .def_ro("counted", &CoverageLedger::counted, "Operators counted by a formula")
      .def_ro("zero", &CoverageLedger::zero, "Zero by definition: views, reshapes, constants")
      .def_ro("unknown", &CoverageLedger::unknown, "Kinds of operators without a formula");

  nb::class_<NetworkProfile>(core, "Figures", "What a network costs.")
      .def_ro("total", &NetworkProfile::total, "Of the whole network")
      .def_ro("peak_activation_bytes", &NetworkProfile::peak_activation_bytes,
              "The most bytes of activations that are alive at one time")
      .def_ro("modules", &NetworkProfile::modules, "In the order of registration")
      .def_ro("operators", &NetworkProfile::operators, "By kind, most FLOPs first")
      .def_ro("coverage", &NetworkProfile::coverage, "What was counted and what is unknown");
}

void bind_values(nb::module_& core) {
  nb::class_<TensorInfo>(core, "Tensor", "A named tensor: an input or an output.")
      .def_ro("name", &TensorInfo::name, "'x'")
      .def_prop_ro(
          "shape", [](const TensorInfo& self) { return to_tuple(self.shape); },
          "The size of each dimension")
      .def_ro("dtype", &TensorInfo::dtype, "PyTorch's name of the element type: 'float32'")
      .def("__repr__", [](const TensorInfo& self) {
        return "<Tensor " + self.name + " " + to_short_string(self.shape) + " " + self.dtype + ">";
      });
  nb::class_<StateEntry>(core, "StateEntry", "A tensor of the state dict.")
      .def_ro("name", &StateEntry::name, "'layer1.0.conv1.weight'")
      .def_prop_ro(
          "shape", [](const StateEntry& self) { return to_tuple(self.shape); },
          "The size of each dimension")
      .def_ro("dtype", &StateEntry::dtype, "'float32'")
      .def_ro("is_buffer", &StateEntry::is_buffer, "Stored, but not learnt");
  nb::class_<NetworkOperator>(core, "Operator", "One run of an operator.")
      .def_ro("name", &NetworkOperator::name, "'conv2d'")
      .def_ro("module", &NetworkOperator::module, "Path of the module in which it runs")
      .def_prop_ro(
          "output_shapes",
          [](const NetworkOperator& self) { return to_tuples(self.output_shapes); },
          "The shapes of its outputs, in order");
}

}  // namespace

void bind_network(nb::module_& core) {
  bind_figures(core);
  bind_values(core);
  const nb::call_guard<nb::gil_scoped_release> released;
  nb::class_<Network>(
      core, "Network",
      "Which operators run on which shapes. Immutable; copies share their contents.")
      .def_prop_ro("name", &Network::name, "The model's name, or the file's path")
      .def_prop_ro("source", &Network::source, "'builtin', a file's format, or what added it")
      .def_prop_ro("variant", &Network::variant, "'published' or 'untrained'; empty for a file")
      .def_prop_ro("notes", &Network::notes, "The assumptions of its figures, one sentence each")
      .def_prop_ro("inputs", &Network::inputs, "The tensors that go in")
      .def_prop_ro("outputs", &Network::outputs, "The tensors that come out")
      .def_prop_ro("operator_count", &Network::operator_count, "How many operators run")
      .def("state_dict", &Network::state_dict, "Tensors in the order of PyTorch's state_dict()")
      .def("operators", &Network::operators, "The operators in the order in which they run")
      .def("operator_inputs", &inputs_of,
           "The shapes that go into each of `operators()`; None for an absent one")
      .def("costs", &costs_of, "convention"_a, released,
           "The cost of each of `operators()` by a convention.")
      .def(
          "profile",
          [](const Network& self, std::string_view convention) {
            return profile(self, convention);
          },
          "convention"_a = "native", released, "Counts by the rules of a convention.");
}

}  // namespace zoometer::python
