// A file of OpenVINO IR as a graph: inputs, constants, layers and bodies.
#include "import/openvino/reader.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "import/openvino/call.hpp"
#include "op/mobile.hpp"
#include "op/unknown.hpp"
#include "util/text.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_known = 1024;  // elements that decide shapes
constexpr std::size_t most_notes = 50;
constexpr std::int64_t newest_version = 11;

std::string shown(std::string_view text) { return escape_controls(to_utf8(text.substr(0, 100))); }

/// Whether an operator set is OpenVINO's own, whose types the tables know.
bool is_own(std::string_view version) {
  constexpr std::string_view relaxed = "type_relaxed_";  // operators of other element types
  if (version.starts_with(relaxed)) version.remove_prefix(relaxed.size());
  return version.starts_with("opset");
}

/// The first of a tensor's names.
std::string_view first_name(std::string_view names) { return names.substr(0, names.find(',')); }

}  // namespace

OpenvinoReader::OpenvinoReader(const MappedFile& file, const TraceOptions& options, Graph& graph,
                               ImportNotes& notes)
    : options_(options),
      graph_(graph),
      notes_(notes),
      model_(file),
      modules_(graph),
      sizes_(options, notes) {}

void OpenvinoReader::note(std::string text) {
  if (seen_notes_.size() < most_notes && seen_notes_.insert(text).second)
    notes_.notes.push_back(std::move(text));
}

void OpenvinoReader::read() {
  const OpenvinoNet& net = model_.net();
  notes_.format = fmt::format("OpenVINO IR, version {}", model_.version());
  notes_.producer = escape_controls(to_utf8(model_.producer()));
  if (model_.version() > newest_version)
    note("the file is of a later version than 11: it is read as that");
  modules_.add_root(graph_.arena().copy(to_utf8(net.name)));
  units_left_ = 4096 + 16 * model_.layer_count();
  graph_.reserve(2 * net.layers.size(), net.layers.size(), 16);
  for (const OpenvinoLayer& layer : net.layers)
    if (types_.size() < 1000) ++types_[shown(layer.type)];
  OpenvinoFrame frame{net, std::vector<OpenvinoValue>(net.value_count)};
  add_inputs(frame);
  run_layers(frame);
  add_outputs(frame);
  graph_.copy_views();
  model_.check();
  add_notes();
}

// -- inputs and outputs -------------------------------------------------------------------------

/// Sizes of Parameters that the file leaves open and a weight decides: the last one of a product's
/// operand, and the channels of a convolution's.
void OpenvinoReader::find_decided_sizes(const OpenvinoNet& net) {
  for (const OpenvinoLayer& layer : net.layers) {
    if (layer.sources.size() < 2) continue;
    const OpenvinoLayer& parameter = net.layers[layer.sources[0].layer];
    const OpenvinoPort& weight = net.layers[layer.sources[1].layer].outputs[layer.sources[1].port];
    if (parameter.type != "Parameter" || weight.shape.size() < 2) continue;
    const OpenvinoPort& x = parameter.outputs[0];
    const auto is_set = [&](std::string_view name) {
      const std::string_view* value = layer.find(name);
      return value != nullptr && (*value == "true" || *value == "1");
    };
    std::size_t axis = 1, from = 1;
    if (layer.type == "MatMul" && !is_set("transpose_a")) {
      axis = x.shape.size() - 1;
      from = weight.shape.size() - (is_set("transpose_b") ? 1 : 2);
    } else if (layer.type != "Convolution") {
      continue;
    }
    const bool is_open = axis < x.shape.size() && (x.unknown >> axis & 1U) != 0;
    const bool is_decided = (weight.unknown >> from & 1U) == 0;
    if (is_open && is_decided) decided_.emplace(&parameter, DecidedSize{axis, weight.shape[from]});
  }
}

ValueId OpenvinoReader::add_input(const OpenvinoLayer& layer, std::string_view own_name) {
  OpenvinoPort port = layer.outputs[0];
  const std::string_view* sizes = layer.find("shape");
  const bool has_rank = sizes == nullptr || sizes->find("...") == std::string_view::npos;
  const std::string name = names_.next(own_name);
  if (has_rank && sizes != nullptr && sizes->find("..") != std::string_view::npos)
    note(fmt::format("the file bounds the sizes of the input {}: {}", shown(name), shown(*sizes)));
  states_sizes_ = states_sizes_ && has_rank;
  if (const auto found = decided_.find(&layer); found != decided_.end()) {
    const auto [axis, size] = found->second;
    port.shape.set_dim(static_cast<std::int64_t>(axis), size);
    port.unknown &= ~(UnknownSizes{1} << axis);
    note(fmt::format("size {} of the input {} is {}, as the weights that it meets have it", axis,
                     shown(name), size));
  }
  const Shape shape = sizes_.next({name, port.shape, port.unknown, has_rank});
  return graph_.add_input(graph_.arena().copy(name), shape, port.dtype);
}

/// The Parameters, and then the states, which a model keeps from one inference to the next.
void OpenvinoReader::add_inputs(OpenvinoFrame& frame) {
  find_decided_sizes(frame.net);
  for (const OpenvinoLayer& layer : frame.net.layers)
    if (layer.type == "Parameter" && !layer.outputs.empty())
      frame.values[layer.first_value].id = add_input(layer, layer.name);
  for (const OpenvinoLayer& layer : frame.net.layers) {
    const std::string_view* variable =
        layer.type == "ReadValue" ? layer.find("variable_id") : nullptr;
    if (variable == nullptr || layer.outputs.empty() || states_.contains(*variable)) continue;
    states_.emplace(*variable, add_input(layer, xml_text(*variable, layer.at)));
  }
  sizes_.finish(graph_);
  states_sizes_ = states_sizes_ && !sizes_.is_changed();
}

void OpenvinoReader::add_outputs(OpenvinoFrame& frame) {
  names_.clear();
  std::vector<ValueId> outputs;
  for (const OpenvinoLayer& layer : frame.net.layers) {
    if (layer.type != "Result") continue;
    for (const OpenvinoSource& source : layer.sources) {
      const OpenvinoLayer& maker = frame.net.layers[source.layer];
      const std::string names = xml_text(first_name(maker.outputs[source.port].names), maker.at);
      const Tensor value = enter(frame, source);
      graph_.add_output(graph_.arena().copy(names_.next(names.empty() ? maker.name : names)),
                        value.id);
      outputs.push_back(value.id);
    }
  }
  for (const auto& [variable, value] : updates_) {
    graph_.add_output(graph_.arena().copy(names_.next(xml_text(variable, frame.net.at))), value);
    outputs.push_back(value);
  }
  modules_.finish(outputs);
}

// -- values -------------------------------------------------------------------------------------

OpenvinoValue& OpenvinoReader::value(OpenvinoFrame& frame, const OpenvinoSource& source) const {
  return frame.values[frame.net.layers[source.layer].first_value + source.port];
}

const OpenvinoKnown* OpenvinoReader::known(OpenvinoFrame& frame, const OpenvinoSource& source) {
  OpenvinoValue& found = value(frame, source);
  const OpenvinoLayer& layer = frame.net.layers[source.layer];
  if (found.known != nullptr || layer.type != "Const") return found.known;
  std::optional<std::vector<double>> elements = model_.numbers(layer, most_known);
  if (elements) {
    found.known = keep({layer.outputs[0].shape, layer.outputs[0].dtype, std::move(*elements)});
  } else if (!model_.has_data() && numel(layer.outputs[0].shape) <= most_known) {
    needs_data_ = true;
  }
  return found.known;
}

Tensor OpenvinoReader::enter(OpenvinoFrame& frame, const OpenvinoSource& source, bool is_weight) {
  OpenvinoValue& found = value(frame, source);
  const OpenvinoLayer& layer = frame.net.layers[source.layer];
  if (layer.type == "Const") {
    if (found.id == no_id || is_weight) found.id = add_constant(layer, is_weight);
  } else if (found.id == no_id && found.integers != no_id) {
    Tensor real = to({&graph_, found.integers}, found.dtype);
    if (found.zero_point != no_id) real = real - to({&graph_, found.zero_point}, found.dtype);
    found.id = real.id;
  } else if (found.id == no_id && found.known != nullptr) {
    const std::vector<double>& elements = found.known->elements;
    const double first = elements.empty() ? 0 : elements[0];
    found.id = full(graph_, found.known->shape, first, found.known->dtype).id;
  }
  if (found.id == no_id) {
    fail_xml(fmt::format("the layer {} ({})", layer.id, shown(layer.type)), layer.at,
             "a value that it has or gets", "none");
  }
  return {&graph_, found.id};
}

ValueId OpenvinoReader::add_constant(const OpenvinoLayer& layer, bool is_weight) {
  const OpenvinoPort& port = layer.outputs[0];
  const bool is_learnt = is_weight || is_floating(port.dtype) || is_packed_type(port.dtype);
  Constant& constant = constants_[&layer];
  if (constant.id != no_id) {
    const auto parameter = static_cast<ParameterId>(graph_.value(constant.id).producer);
    if (is_learnt && graph_.parameters()[parameter].kind == ParameterKind::constant)
      graph_.set_parameter_kind(parameter, ParameterKind::parameter);
    return constant.id;
  }
  if (port.dtype == DType::unknown) {
    note(fmt::format(
        "the type {} of constants is not known: they have no bytes",
        shown(layer.find("element_type") == nullptr ? "" : *layer.find("element_type"))));
  }
  if (constant.name.empty())
    constant.name = graph_.arena().copy(names_.next(parameter_name(layer.name)));
  constant.id =
      graph_.add_parameter(modules_.current(), constant.name, port.shape, port.dtype,
                           is_learnt ? ParameterKind::parameter : ParameterKind::constant);
  const auto parameter = static_cast<ParameterId>(graph_.parameters().size() - 1);
  const auto [shared, is_new] =
      by_place_.emplace(std::pair(*layer.find("offset"), *layer.find("size")), parameter);
  const bool is_stored = numel(port.shape) > 0;
  if (!is_new && is_stored) {
    const Value& other = graph_.value(graph_.parameters()[shared->second].value);
    if (other.type->shape == port.shape && other.dtype == port.dtype)
      graph_.share_parameter(parameter, shared->second);
  }
  entered_.push_back({&layer, is_new});
  return constant.id;
}

void OpenvinoReader::mark_quantisation(Tensor operand) {
  ValueId id = operand.id;
  while (graph_.value(id).is_computed()) {
    const Node& node = graph_.nodes()[graph_.value(id).producer];
    if (node.op != &reshape_op && node.op != &to_op) return;
    id = graph_.inputs_of(node)[0];
  }
  if (graph_.value(id).has(Value::is_parameter)) {
    graph_.set_parameter_kind(static_cast<ParameterId>(graph_.value(id).producer),
                              ParameterKind::quantisation);
  }
}

void OpenvinoReader::rewind(const Mark& mark) {
  while (entered_.size() > mark.entered) {
    const auto& [layer, is_first] = entered_.back();
    constants_[layer].id = no_id;
    if (is_first) by_place_.erase(std::pair(*layer->find("offset"), *layer->find("size")));
    entered_.pop_back();
  }
  updates_.resize(mark.updates);
  graph_.rewind(mark.graph);
  modules_.forget(static_cast<ValueId>(mark.graph.values));
}

std::optional<Tensor> OpenvinoReader::state(std::string_view variable) const {
  const auto found = states_.find(variable);
  return found == states_.end() ? std::nullopt : std::optional(Tensor{&graph_, found->second});
}

void OpenvinoReader::add_update(std::string_view variable, Tensor value) {
  updates_.emplace_back(variable, value.id);
}

// -- layers -------------------------------------------------------------------------------------

OpenvinoFrame OpenvinoReader::run(
    const OpenvinoNet& body, const std::vector<std::pair<std::uint32_t, OpenvinoValue>>& inputs) {
  OpenvinoFrame frame{body, std::vector<OpenvinoValue>(body.value_count)};
  for (const auto& [layer, value] : inputs)
    if (!body.layers[layer].outputs.empty()) frame.values[body.layers[layer].first_value] = value;
  run_layers(frame);
  return frame;
}

void OpenvinoReader::run_layers(OpenvinoFrame& frame) {
  if (frame.net.was_sorted) note("the layers were sorted: the file has them in another order");
  for (const std::uint32_t index : frame.net.order) {
    const OpenvinoLayer& layer = frame.net.layers[index];
    if (units_left_-- == 0) {
      throw Error(ErrorCode::limit, "the bodies of layers are read too often",
                  {"at most 16 times the layers of the file", "more"});
    }
    if (layer.type == "Const" || layer.type == "Parameter" || layer.type == "Result") continue;
    emit(frame, layer);
  }
}

/// What the layer made since then is no more.
void OpenvinoReader::forget(OpenvinoFrame& frame, const OpenvinoLayer& layer, const Mark& mark) {
  const auto clear = [&](OpenvinoValue& value) {
    for (ValueId* id : {&value.id, &value.integers, &value.zero_point})
      if (*id != no_id && *id >= mark.graph.values) *id = no_id;
  };
  for (const OpenvinoSource& source : layer.sources) clear(value(frame, source));
  for (std::size_t i = 0; i < layer.outputs.size(); ++i) frame.values[layer.first_value + i] = {};
  rewind(mark);
}

void OpenvinoReader::emit(OpenvinoFrame& frame, const OpenvinoLayer& layer) {
  enter_module(layer.name);
  const OpenvinoOperator* row =
      is_own(layer.version) ? find_openvino_operator(layer.type) : nullptr;
  if (row == nullptr) return emit_unknown(frame, layer);
  const Mark before = mark();
  const std::size_t depth = modules_.depth();
  try {
    OpenvinoCall call(*this, frame, layer, *row);
    if (row->emit(call)) {
      call.note_unread();
      mark_constants(frame, layer);
      return compare(frame, layer);
    }
    note(
        fmt::format("{} has sizes that depend on data: its results have those that the file states",
                    shown(layer.type)));
  } catch (const Error& error) {
    if (error.code != ErrorCode::shape || modules_.depth() != depth) throw;
    misfits_.add(shown(layer.type), fmt::format("at byte {}", layer.at), error.what());
  }
  forget(frame, layer, before);
  emit_unknown(frame, layer);
}

void OpenvinoReader::mark_constants(OpenvinoFrame& frame, const OpenvinoLayer& layer) const {
  for (const OpenvinoSource& source : layer.sources)
    if (frame.net.layers[source.layer].type != "Const" && !value(frame, source).is_constant) return;
  for (std::size_t i = 0; i < layer.outputs.size(); ++i)
    frame.values[layer.first_value + i].is_constant = !layer.sources.empty();
}

void OpenvinoReader::emit_unknown(OpenvinoFrame& frame, const OpenvinoLayer& layer) {
  std::vector<ValueId> inputs;
  for (const OpenvinoSource& source : layer.sources) inputs.push_back(enter(frame, source).id);
  std::vector<OutputType> outputs;
  for (const OpenvinoPort& port : layer.outputs) outputs.push_back({port.shape, port.dtype});
  const std::string domain = is_own(layer.version) || layer.version.empty()
                                 ? "openvino"
                                 : "openvino." + to_utf8(layer.version);
  const auto* attrs = graph_.keep(
      UnknownAttrs{graph_.arena().copy(domain), graph_.arena().copy(to_utf8(layer.type))});
  const NodeId made = graph_.append_declared(unknown_op, attrs, inputs, outputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ValueId id = graph_.nodes()[made].first_output + static_cast<ValueId>(i);
    frame.values[layer.first_value + i] = {.id = id};
    if (layer.outputs[i].unknown != 0) graph_.mark_assumed(id, layer.outputs[i].unknown);
    modules_.made(id);
  }
}

/// The inferred sizes beside those of the file, where it knows all of them.
void OpenvinoReader::compare(const OpenvinoFrame& frame, const OpenvinoLayer& layer) {
  for (std::size_t i = 0; i < layer.outputs.size(); ++i) {
    const ValueId id = frame.values[layer.first_value + i].id;
    if (id == no_id || layer.outputs[i].unknown != 0 || !states_sizes_) continue;
    stated_.compare(graph_.shape(id) == layer.outputs[i].shape);
  }
}

void OpenvinoReader::add_notes() {
  note("layers of the file: " + names_with_counts(types_));
  for (std::string& text : sizes_.notes()) note(std::move(text));
  for (std::string& text : misfits_.notes()) note(std::move(text));
  if (auto text = stated_.note()) note(std::move(*text));
  if (!states_.empty()) {
    note(fmt::format("{} that the model keeps between inferences (ReadValue, Assign): inputs and "
                     "outputs here",
                     counted(states_.size(), "state")));
  }
  if (needs_data_) {
    note(fmt::format("{} is missing: sizes that its numbers decide are those that the file states",
                     model_.data_path().empty() ? "the file of constants"
                                                : escape_controls(to_utf8(model_.data_path()))));
  }
  if (has_fake_quantisation_) {
    note(
        "FakeQuantize rounds the operands of products, which are counted as real ones: kernels may "
        "multiply integers");
  }
  notes_.ignored = ignored_.notes();
}

// -- modules ------------------------------------------------------------------------------------

/// Goes to the module in the name of a layer: "a/b/Conv2D", "/layer1/layer1.0/conv1/Conv" of
/// PyTorch's exporter to ONNX, "__module.layer1.0.conv1/aten::_convolution/Convolution" of
/// OpenVINO's own.
void OpenvinoReader::enter_module(std::string_view name) {
  constexpr std::string_view torch = "__module.";
  path_.clear();
  const bool is_dotted = name.starts_with(torch);
  if (is_dotted) {
    name = name.substr(torch.size());
    name = name.substr(0, name.find('/'));
  } else {
    const std::size_t end = name.rfind('/');
    name = end == std::string_view::npos ? std::string_view{} : name.substr(0, end);
  }
  std::string_view outer;
  while (!name.empty()) {
    const std::string_view part = name.substr(0, name.find(is_dotted ? '.' : '/'));
    name.remove_prefix(std::min(name.size(), part.size() + 1));
    if (part.empty()) continue;
    if (part.find("::") != std::string_view::npos) break;  // an operator of PyTorch
    const bool repeats_outer = !outer.empty() && part.size() > outer.size() + 1 &&
                               part.starts_with(outer) && part[outer.size()] == '.';
    path_.push_back({part, repeats_outer ? part.substr(outer.size() + 1) : part, {}});
    outer = part;
  }
  modules_.enter(path_);
}

/// The name of a constant without the path of the module that is open.
std::string OpenvinoReader::parameter_name(std::string_view name) {
  constexpr std::string_view prefixes[] = {"self.", "__module."};
  for (const std::string_view prefix : prefixes)
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  std::string_view rest = name;
  for (const ModuleScope& scope : path_) {
    const bool is_within = rest.size() > scope.name.size() + 1 && rest.starts_with(scope.name) &&
                           (rest[scope.name.size()] == '.' || rest[scope.name.size()] == '/');
    if (!is_within) return std::string(name);
    rest.remove_prefix(scope.name.size() + 1);
  }
  return std::string(rest);
}

}  // namespace zoometer
