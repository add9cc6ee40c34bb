// The plug-in's side: tells the models that were given to ZOOMETER_PLUGIN and their graphs. This
// file and what traces a model are all that a plug-in takes from the archive.
#include "zoometer/models/model.hpp"
#include "zoometer/plugin.hpp"

namespace zoometer {
namespace {

PluginText borrow(std::string_view text) { return {text.data(), text.size()}; }

PluginTensor borrow(const Shape& shape, DType dtype, std::string_view name = {},
                    std::uint32_t flags = 0) {
  return {borrow(name), shape.begin(), shape.size(), borrow(name_of(dtype)), flags};
}

std::string_view text_of(const PluginText& text) {
  return text.size == 0 ? std::string_view() : std::string_view(text.data, text.size);
}

std::span<const Family* const> families_of(const PluginTable& table) {
  return {static_cast<const Family* const*>(table.families), table.family_count};
}

/// The tensors of the inputs that a row declares.
std::vector<PluginTensor> borrow_inputs(const InputSpecs& inputs) {
  std::vector<PluginTensor> tensors;
  for (const InputSpec& input : inputs.list())
    tensors.push_back(borrow(input.shape, input.dtype, input.name));
  return tensors;
}

const Model* model_at(const PluginTable& table, std::size_t index) {
  for (const Family* family : families_of(table)) {
    if (index < family->models.size()) return &family->models[index];
    index -= family->models.size();
  }
  return nullptr;
}

TraceOptions options_of(const PluginRequest& request) {
  TraceOptions options;
  if (request.untrained != 0) options.variant = Variant::untrained;
  for (const PluginTensor& tensor : std::span(request.inputs, request.input_count)) {
    options.inputs.push_back(
        {std::string(text_of(tensor.name)), Shape(std::span(tensor.sizes, tensor.rank))});
  }
  if (request.batch > 0) options.batch = request.batch;
  if (request.proposals >= 0) options.proposals = request.proposals;
  if (request.detections >= 0) options.detections = request.detections;
  return options;
}

/// Tells a graph value by value, which is the order in which it was made.
class Teller {
 public:
  Teller(const Graph& graph, const PluginSink& sink) : graph_(graph), sink_(sink) {}

  /// False where the host wants no more.
  bool tell() { return tell_modules() && tell_values() && tell_calls() && tell_outputs(); }

 private:
  bool tell_modules() {
    for (const ModuleInfo& module : graph_.modules()) {
      if (sink_.add_module(sink_.host, module.parent, borrow(module.name), borrow(module.kind)) !=
          0)
        return false;
    }
    return true;
  }

  bool tell_values() {
    for (ValueId id = 0; id < graph_.values().size(); ++id) {
      const Value& value = graph_.value(id);
      if (value.has(Value::is_input)) {
        const PluginTensor tensor = type_of(id, graph_.inputs()[value.producer].name);
        if (sink_.add_input(sink_.host, &tensor) != 0) return false;
      } else if (value.has(Value::is_parameter)) {
        if (!tell_parameter(graph_.parameters()[value.producer])) return false;
      } else if (value.output_index == 0) {
        if (!tell_node(value.producer)) return false;
      }
    }
    return true;
  }

  bool tell_parameter(const Parameter& parameter) {
    const PluginTensor tensor = type_of(parameter.value, parameter.name);
    return sink_.add_parameter(sink_.host, parameter.module, &tensor,
                               static_cast<std::uint32_t>(parameter.kind),
                               parameter.shared_with) == 0;
  }

  bool tell_node(NodeId id) {
    const Node& node = graph_.nodes()[id];
    outputs_.clear();
    for (std::uint32_t i = 0; i < node.output_count; ++i)
      outputs_.push_back(type_of(node.first_output + i, {}));
    const auto inputs = graph_.inputs_of(node);
    const PluginNode told = {borrow(node.op->name),
                             borrow(graph_.node_name(id)),
                             node.attrs,
                             node.op->attrs.size,
                             node.op->attrs.layout,
                             node.module,
                             inputs.data(),
                             inputs.size(),
                             outputs_.data(),
                             outputs_.size()};
    return sink_.add_node(sink_.host, &told) == 0;
  }

  bool tell_calls() {
    for (const ModuleCall& call : graph_.calls()) {
      const auto outputs = graph_.outputs_of(call);
      if (sink_.add_call(sink_.host, call.module, call.first_node, call.end_node, outputs.data(),
                         outputs.size()) != 0)
        return false;
    }
    return true;
  }

  bool tell_outputs() {
    for (const Port& port : graph_.outputs()) {
      if (sink_.add_output(sink_.host, borrow(port.name), port.value) != 0) return false;
    }
    return true;
  }

  PluginTensor type_of(ValueId id, std::string_view name) const {
    const Value& value = graph_.value(id);
    return borrow(graph_.shape(id), value.dtype, name, value.flags);
  }

  const Graph& graph_;
  const PluginSink& sink_;
  std::vector<PluginTensor> outputs_;
};

void tell_error(const Error& error, const PluginSink& sink) {
  const PluginFailure failure = {static_cast<std::uint32_t>(error.code),
                                 borrow(error.message),
                                 borrow(error.detail.expected),
                                 borrow(error.detail.got),
                                 borrow(error.hint),
                                 borrow(error.place.module_path),
                                 borrow(error.place.node)};
  sink.fail(sink.host, &failure);
}

void tell_failure(ErrorCode code, std::string_view message, const PluginSink& sink) {
  const PluginFailure failure = {
      static_cast<std::uint32_t>(code), borrow(message), {}, {}, {}, {}, {}};
  sink.fail(sink.host, &failure);
}

}  // namespace

extern "C" int list_plugin_models(const PluginTable* table, void* host,
                                  int (*add)(void* host, const PluginModel* model)) {
  try {
    for (const Family* family : families_of(*table)) {
      for (const Model& model : family->models) {
        const auto inputs = borrow_inputs(model.inputs);
        const auto untrained = model.untrained_inputs ? borrow_inputs(*model.untrained_inputs)
                                                     : std::vector<PluginTensor>();
        const PluginModel told = {
            borrow(model.name),    borrow(family->group.empty() ? family->name : family->group),
            borrow(family->paper), borrow(name_of(family->task)),
            inputs.data(),         inputs.size(),
            untrained.data(),      untrained.size(),
            model.parameters,      model.macs};
        if (add(host, &told) != 0) return 1;
      }
    }
    return 0;
  } catch (...) {
    return 1;  // only memory can be short
  }
}

extern "C" void trace_plugin_model(const PluginTable* table, std::size_t number,
                                   const PluginRequest* request, const PluginSink* sink) {
  try {
    const Model* model = model_at(*table, number);
    if (model == nullptr) return tell_failure(ErrorCode::internal, "no such model", *sink);
    Graph graph;
    trace(*model, options_of(*request), graph);
    Teller(graph, *sink).tell();
  } catch (const Error& error) {
    tell_error(error, *sink);
  } catch (const std::exception& error) {
    tell_failure(ErrorCode::internal, error.what(), *sink);
  } catch (...) {
    tell_failure(ErrorCode::internal, "an exception of an unknown type", *sink);
  }
}

}  // namespace zoometer
