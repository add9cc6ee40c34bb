// The plug-in's side: lists the models that were given to ZOOMETER_PLUGIN and sends their graphs. A
// plug-in links this file and what traces a model, and nothing else of the library.
#include "models/trace_option.hpp"
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
  for (const PluginOption& given : std::span(request.options, request.option_count)) {
    const std::string name(text_of(given.name));
    const TraceOption* option = find_trace_option(name);
    if (option == nullptr) {
      Error error(ErrorCode::unsupported, "the plug-in does not know the option " + name);
      error.hint = "rebuild the plug-in with this version";
      throw error;
    }
    option->parse(text_of(given.value), options);
  }
  return options;
}

/// Sends a graph value by value, in the order in which it was built.
class GraphSender {
 public:
  GraphSender(const Graph& graph, const PluginSink& sink) : graph_(graph), sink_(sink) {}

  /// False where the host stopped it.
  bool send() {
    if (!graph_.repeats().empty())
      throw Error(ErrorCode::unsupported, "a plug-in cannot send nodes that repeat");
    return send_modules() && send_values() && send_calls() && send_outputs();
  }

 private:
  bool send_modules() {
    for (const ModuleInfo& module : graph_.modules()) {
      if (sink_.add_module(sink_.host, module.parent, borrow(module.name), borrow(module.kind)) !=
          0)
        return false;
    }
    return true;
  }

  bool send_values() {
    for (ValueId id = 0; id < graph_.values().size(); ++id) {
      const Value& value = graph_.value(id);
      if (value.has(Value::is_input)) {
        const PluginTensor tensor = type_of(id, graph_.inputs()[value.producer].name);
        if (sink_.add_input(sink_.host, &tensor) != 0) return false;
      } else if (value.has(Value::is_parameter)) {
        if (!send_parameter(graph_.parameters()[value.producer])) return false;
      } else if (value.output_index == 0) {
        if (!send_node(value.producer)) return false;
      }
    }
    return true;
  }

  bool send_parameter(const Parameter& parameter) {
    const PluginTensor tensor = type_of(parameter.value, parameter.name);
    return sink_.add_parameter(sink_.host, parameter.module, &tensor,
                               static_cast<std::uint32_t>(parameter.kind),
                               parameter.shared_with) == 0;
  }

  bool send_node(NodeId id) {
    const Node& node = graph_.nodes()[id];
    outputs_.clear();
    for (std::uint32_t i = 0; i < node.output_count; ++i)
      outputs_.push_back(type_of(node.first_output + i, {}));
    const auto inputs = graph_.inputs_of(node);
    const PluginNode sent = {borrow(node.op->name),
                             borrow(graph_.node_name(id)),
                             node.attrs,
                             node.op->attrs.size,
                             node.op->attrs.layout,
                             node.module,
                             inputs.data(),
                             inputs.size(),
                             outputs_.data(),
                             outputs_.size()};
    return sink_.add_node(sink_.host, &sent) == 0;
  }

  bool send_calls() {
    for (const ModuleCall& call : graph_.calls()) {
      const auto outputs = graph_.outputs_of(call);
      if (sink_.add_call(sink_.host, call.module, call.first_node, call.end_node, outputs.data(),
                         outputs.size()) != 0)
        return false;
    }
    return true;
  }

  bool send_outputs() {
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

void send_error(const Error& error, const PluginSink& sink) {
  const PluginFailure failure = {static_cast<std::uint32_t>(error.code),
                                 borrow(error.message),
                                 borrow(error.detail.expected),
                                 borrow(error.detail.got),
                                 borrow(error.hint),
                                 borrow(error.place.module_path),
                                 borrow(error.place.node)};
  sink.fail(sink.host, &failure);
}

void send_failure(ErrorCode code, std::string_view message, const PluginSink& sink) {
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
        const PluginModel listed = {
            borrow(model.name),    borrow(family->group.empty() ? family->name : family->group),
            borrow(family->paper), borrow(name_of(family->task)),
            inputs.data(),         inputs.size(),
            untrained.data(),      untrained.size(),
            model.parameters,      model.macs};
        if (add(host, &listed) != 0) return 1;
      }
    }
    return 0;
  } catch (...) {
    return 1;  // out of memory
  }
}

extern "C" void trace_plugin_model(const PluginTable* table, std::size_t number,
                                   const PluginRequest* request, const PluginSink* sink) {
  try {
    const Model* model = model_at(*table, number);
    if (model == nullptr) return send_failure(ErrorCode::internal, "no such model", *sink);
    Graph graph;
    trace(*model, options_of(*request), graph);
    GraphSender(graph, *sink).send();
  } catch (const Error& error) {
    send_error(error, *sink);
  } catch (const std::exception& error) {
    send_failure(ErrorCode::internal, error.what(), *sink);
  } catch (...) {
    send_failure(ErrorCode::internal, "an exception of an unknown type", *sink);
  }
}

}  // namespace zoometer
