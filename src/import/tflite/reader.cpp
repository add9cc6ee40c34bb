// A TensorFlow Lite file as a graph: entries, inputs, constants, subgraphs and operators.
#include "import/tflite/reader.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "import/entry.hpp"
#include "import/tflite/call.hpp"
#include "op/mobile.hpp"
#include "op/unknown.hpp"
#include "util/text.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_known = 1024;  // elements that decide shapes
constexpr std::size_t deepest_call = 48;
constexpr std::size_t most_notes = 50;
constexpr std::uint32_t delegate_code = 51;

/// Custom operators that compilers for accelerators write, and what they are.
std::string_view compiled_for(std::string_view custom) {
  if (custom == "ethos-u") return "Arm's Vela, for an Ethos-U";
  if (custom == "edgetpu-custom-op") return "the Edge TPU's compiler";
  if (custom.starts_with("DISPATCH_OP")) return "LiteRT, for an NPU";
  if (custom.starts_with("QNN") || custom.starts_with("TfLiteQnn")) return "Qualcomm's QNN";
  return {};
}

/// The name of a tensor without what converters put around it.
std::string_view plain_name(std::string_view name) {
  name = name.substr(0, name.find(';'));
  constexpr std::string_view prefixes[] = {"serving_default_", "StatefulPartitionedCall/"};
  for (const std::string_view prefix : prefixes)
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  if (name.ends_with(":0")) name.remove_suffix(2);
  return name;
}

}  // namespace

TfliteReader::TfliteReader(const MappedFile& file, const TraceOptions& options, Graph& graph,
                           ImportNotes& notes, std::string bundled)
    : options_(options),
      graph_(graph),
      notes_(notes),
      bundled_(std::move(bundled)),
      model_(file),
      modules_(graph),
      sizes_(options, notes) {}

void TfliteReader::note(std::string text) {
  if (seen_notes_.size() < most_notes && seen_notes_.insert(text).second)
    notes_.notes.push_back(std::move(text));
}

/// What `--entry` calls it.
std::string TfliteReader::name_of(const TfliteEntry& entry) const {
  return (bundled_.empty() ? "" : bundled_ + "/") + std::string(entry.name);
}

const TfliteEntry& TfliteReader::choose_entry() const {
  const std::vector<TfliteEntry>& entries = model_.entries();
  const bool is_open = options_.entry.empty() || options_.entry == bundled_;
  if (is_open && entries.size() == 1) return entries[0];
  for (const TfliteEntry& entry : entries)
    if (!options_.entry.empty() && name_of(entry) == options_.entry) return entry;
  std::vector<std::string> names;
  for (const TfliteEntry& entry : entries) names.push_back(name_of(entry));
  throw entry_error("the file", "signature", is_open ? "" : options_.entry, names);
}

void TfliteReader::read() {
  notes_.format = fmt::format("TensorFlow Lite, schema {}", model_.version());
  notes_.producer = escape_controls(to_utf8(model_.description().substr(0, 80)));
  const TfliteEntry& entry = choose_entry();
  const TfliteSubgraph& subgraph = model_.subgraph(entry.subgraph);
  modules_.add_root(graph_.arena().copy(to_utf8(entry.name)));
  std::size_t nodes = 0;
  for (std::uint32_t i = 0; i < model_.subgraph_count(); ++i) {
    const TfliteSubgraph& each = model_.subgraph(i);
    nodes += each.nodes.size();
    is_dynamic_ = is_dynamic_ || std::ranges::any_of(each.tensors, [](const TfliteTensor& tensor) {
                    return tensor.unknown != 0;
                  });
    if (each.was_sorted) note("the operators were sorted: the file has them in another order");
  }
  units_left_ = 4096 + 16 * nodes;
  graph_.reserve(3 * subgraph.nodes.size(), subgraph.nodes.size(), 16);
  TfliteFrame frame{subgraph, entry.subgraph, std::vector<TfliteValue>(subgraph.tensors.size())};
  add_inputs(entry, frame);
  running_.push_back(entry.subgraph);
  for (const TfliteNode& node : subgraph.nodes) {
    const std::string_view name = node.code == custom_code ? node.custom : tflite_name(node.code);
    if (operators_.size() < 1000) ++operators_[escape_controls(to_utf8(name))];
  }
  run_nodes(frame);
  add_outputs(entry, frame);
  graph_.copy_views();
  add_notes();
}

// -- inputs and outputs -------------------------------------------------------------------------

namespace {

/// What an entry's inputs or outputs are called: as the signature does, or as themselves.
class PortNames {
 public:
  PortNames(const TfliteSubgraph& subgraph,
            std::span<const std::pair<std::string_view, std::uint32_t>> given)
      : subgraph_(subgraph) {
    for (const auto& [name, tensor] : given) given_[tensor] = name;
  }
  std::string_view of(std::uint32_t tensor) const {
    const auto found = given_.find(tensor);
    return found != given_.end() ? found->second : plain_name(subgraph_.tensors[tensor].name);
  }

 private:
  const TfliteSubgraph& subgraph_;
  std::map<std::uint32_t, std::string_view> given_;
};

}  // namespace

void TfliteReader::add_inputs(const TfliteEntry& entry, TfliteFrame& frame) {
  const PortNames given(frame.subgraph, entry.inputs);
  for (std::size_t i = 0; i < frame.subgraph.inputs.size(); ++i) {
    const auto tensor = static_cast<std::uint32_t>(frame.subgraph.inputs[i]);
    const TfliteTensor& declared = frame.subgraph.tensors[tensor];
    const std::string name = names_.next(given.of(tensor));
    const Shape shape = sizes_.next({name, declared.shape, declared.unknown, declared.has_shape});
    frame.values[tensor].id = graph_.add_input(graph_.arena().copy(name), shape, declared.dtype);
  }
  sizes_.finish(graph_);
  is_dynamic_ = is_dynamic_ || sizes_.is_changed();
}

void TfliteReader::add_outputs(const TfliteEntry& entry, TfliteFrame& frame) {
  names_.clear();
  const PortNames given(frame.subgraph, entry.outputs);
  std::vector<ValueId> outputs;
  for (const std::int32_t output : frame.subgraph.outputs) {
    const auto tensor = static_cast<std::uint32_t>(output);
    const Tensor value = enter(frame, output, TfliteRole::data);
    graph_.add_output(graph_.arena().copy(names_.next(given.of(tensor))), value.id);
    outputs.push_back(value.id);
  }
  modules_.finish(outputs);
}

// -- values -------------------------------------------------------------------------------------

const TfliteKnown* TfliteReader::keep(TfliteKnown known) {
  return &known_.emplace_back(std::move(known));
}

const TfliteKnown* TfliteReader::known(TfliteFrame& frame, std::int32_t tensor) {
  TfliteValue& value = frame.values[static_cast<std::size_t>(tensor)];
  if (value.known != nullptr) return value.known;
  const TfliteTensor& stored = frame.subgraph.tensors[static_cast<std::size_t>(tensor)];
  if (!stored.is_constant || is_floating(stored.dtype) || stored.scales() > 0) return nullptr;
  std::optional<std::vector<std::int64_t>> elements = model_.integers(stored, most_known);
  if (!elements) return nullptr;
  value.known = keep({stored.shape, stored.dtype, std::move(*elements)});
  return value.known;
}

Tensor TfliteReader::enter(TfliteFrame& frame, std::int32_t tensor, TfliteRole role) {
  const auto index = static_cast<std::size_t>(tensor);
  TfliteValue& value = frame.values[index];
  if (value.id != no_id) return {&graph_, value.id};
  const TfliteTensor& stored = frame.subgraph.tensors[index];
  if (value.known != nullptr && !stored.is_constant) {
    const std::vector<std::int64_t>& elements = value.known->elements;
    const double first = elements.empty() ? 0 : static_cast<double>(elements[0]);
    value.id = full(graph_, value.known->shape, first, value.known->dtype).id;
    return {&graph_, value.id};
  }
  const std::pair constant{frame.index, tensor};
  const auto found = constants_.find(constant);
  if (found != constants_.end()) {
    value.id = found->second;
    return {&graph_, value.id};
  }
  const bool is_learnt = role == TfliteRole::weight || is_floating(stored.dtype) ||
                         stored.scales() > 0 || stored.quantization.has(5);
  const ParameterKind kind = stored.is_variable ? ParameterKind::buffer
                             : is_learnt        ? ParameterKind::parameter
                                                : ParameterKind::constant;
  if (!stored.is_constant && !stored.is_variable && numel(stored.shape) > 0) {
    note(fmt::format("no operator makes the tensor {}, and the file has no data of it: it is taken "
                     "as a constant",
                     escape_controls(to_utf8(stored.name.substr(0, 100)))));
  }
  const std::string name = names_.next(plain_name(stored.name));
  value.id = graph_.add_parameter(modules_.current(), graph_.arena().copy(name), stored.shape,
                                  stored.dtype, kind);
  constants_.emplace(constant, value.id);
  std::uint32_t buffer = 0;
  const auto parameter = static_cast<ParameterId>(graph_.parameters().size() - 1);
  if (stored.is_constant && stored.buffer > 0) {
    const auto [shared, is_new] = by_buffer_.emplace(stored.buffer, parameter);
    if (is_new) {
      buffer = stored.buffer;
    } else if (graph_.shape(graph_.parameters()[shared->second].value) == stored.shape) {
      graph_.share_parameter(parameter, shared->second);
    }
    const auto bytes = static_cast<std::int64_t>(model_.data(stored.buffer).size());
    const std::int64_t wanted = bytes_of(numel(stored.shape), stored.dtype);
    if (stored.sparsity) {
      note(fmt::format("the tensor {} is sparse: {} of its {} bytes are stored; figures are those "
                       "of the dense one",
                       escape_controls(name), bytes, wanted));
    } else if (bytes > 0 && bytes != wanted && bits_of(stored.dtype) > 0) {
      note(
          fmt::format("the tensor {} has {} bytes of data where its shape has {}; the shape counts",
                      escape_controls(name), bytes, wanted));
    }
  }
  entered_.push_back({constant, buffer});
  return {&graph_, value.id};
}

Tensor TfliteReader::scale_of(TfliteFrame& frame, std::int32_t tensor) {
  const TfliteTensor& stored = frame.subgraph.tensors[static_cast<std::size_t>(tensor)];
  const std::string name = names_.next(fmt::format("{}.scale", plain_name(stored.name)));
  return {&graph_, graph_.add_parameter(modules_.current(), graph_.arena().copy(name), Shape{1},
                                        DType::float32, ParameterKind::quantisation)};
}

void TfliteReader::rewind(const Mark& mark) {
  while (entered_.size() > mark.entered) {
    constants_.erase(entered_.back().constant);
    if (entered_.back().buffer != 0) by_buffer_.erase(entered_.back().buffer);
    entered_.pop_back();
  }
  graph_.rewind(mark.graph);
  modules_.forget(static_cast<ValueId>(mark.graph.values));
}

// -- operators ----------------------------------------------------------------------------------

std::vector<TfliteValue> TfliteReader::run(std::uint32_t index,
                                           const std::vector<TfliteValue>& inputs,
                                           std::uint64_t at) {
  const TfliteSubgraph& subgraph = model_.subgraph(index);
  if (running_.size() >= deepest_call || std::ranges::count(running_, index) > 0) {
    FlatBuffer::fail("the call of subgraph " + std::to_string(index), at,
                     "subgraphs that do not call themselves, at most 48 deep",
                     running_.size() >= deepest_call ? "more" : "a recursion");
  }
  if (inputs.size() != subgraph.inputs.size()) {
    FlatBuffer::fail("the call of subgraph " + std::to_string(index), at,
                     std::to_string(subgraph.inputs.size()) + " operands",
                     std::to_string(inputs.size()));
  }
  TfliteFrame frame{subgraph, index, std::vector<TfliteValue>(subgraph.tensors.size())};
  for (std::size_t i = 0; i < inputs.size(); ++i)
    frame.values[static_cast<std::size_t>(subgraph.inputs[i])] = inputs[i];
  running_.push_back(index);
  run_nodes(frame);
  running_.pop_back();
  std::vector<TfliteValue> results;
  for (const std::int32_t output : subgraph.outputs) {
    TfliteValue& value = frame.values[static_cast<std::size_t>(output)];
    if (value.id == no_id && known(frame, output) == nullptr)
      enter(frame, output, TfliteRole::data);
    results.push_back(value);
  }
  return results;
}

void TfliteReader::run_nodes(TfliteFrame& frame) {
  for (const TfliteNode& node : frame.subgraph.nodes) {
    if (units_left_-- == 0) {
      throw Error(ErrorCode::limit, "the subgraphs call each other too often",
                  {"at most 16 times the operators of the file", "more"});
    }
    emit(frame, node);
  }
}

void TfliteReader::emit(TfliteFrame& frame, const TfliteNode& node) {
  if (!node.outputs.empty()) {
    enter_module(
        plain_name(frame.subgraph.tensors[static_cast<std::size_t>(node.outputs[0])].name));
  }
  const TfliteOperator* row = find_tflite_operator(node);
  if (row == nullptr) return emit_unknown(frame, node, tflite_name(node.code));
  const Mark before = mark();
  const std::size_t depth = modules_.depth();
  const std::vector<std::uint32_t> running = running_;
  try {
    TfliteCall call(*this, frame, node, *row);
    if (row->emit(call)) {
      call.note_unread();
      return compare(frame, node);
    }
    note(
        fmt::format("{} has sizes that depend on data: its results have those that the file states",
                    tflite_name(node.code)));
  } catch (const Error& error) {
    if (error.code != ErrorCode::shape || modules_.depth() != depth) throw;
    misfits_.add(tflite_name(node.code), fmt::format("at byte {}", node.at), error.what());
  }
  running_ = running;
  forget(frame, node, before);
  rewind(before);
  emit_unknown(frame, node, tflite_name(node.code));
}

/// Forgets what an operator made since then. Only its own tensors, and constants that it entered,
/// can have that: a look at all tensors for each operator would be quadratic.
void TfliteReader::forget(TfliteFrame& frame, const TfliteNode& node, const Mark& before) {
  const auto forget_one = [&](std::int32_t tensor) {
    if (tensor < 0) return;
    TfliteValue& value = frame.values[static_cast<std::size_t>(tensor)];
    if (value.id != no_id && value.id >= before.graph.values) value.id = no_id;
    if (value.planar != no_id && value.planar >= before.graph.values) value.planar = no_id;
  };
  std::ranges::for_each(node.inputs, forget_one);
  std::ranges::for_each(node.outputs, forget_one);
  for (std::size_t i = before.entered; i < entered_.size(); ++i)
    if (entered_[i].constant.first == frame.index) forget_one(entered_[i].constant.second);
}

void TfliteReader::emit_unknown(TfliteFrame& frame, const TfliteNode& node, std::string_view name) {
  const bool is_custom = node.code == custom_code || node.code == delegate_code;
  std::string label = is_custom ? to_utf8(node.custom) : std::string(name);
  if (label.empty()) label = is_custom ? "CUSTOM" : "operator " + std::to_string(node.code);
  if (const std::string_view compiler = compiled_for(label); !compiler.empty())
    ++compiled_[fmt::format("{}, compiled by {}", label, compiler)];
  std::vector<ValueId> inputs;
  for (const std::int32_t input : node.inputs)
    inputs.push_back(input < 0 ? no_id : enter(frame, input, TfliteRole::data).id);
  std::vector<OutputType> outputs;
  for (const std::int32_t output : node.outputs) {
    const TfliteTensor& declared = frame.subgraph.tensors[static_cast<std::size_t>(output)];
    outputs.push_back({declared.shape, declared.dtype});
  }
  const auto* attrs =
      graph_.keep(UnknownAttrs{is_custom ? "tflite.custom" : "tflite", graph_.arena().copy(label)});
  const NodeId made = graph_.append_declared(unknown_op, attrs, inputs, outputs);
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const auto index = static_cast<std::size_t>(node.outputs[i]);
    const ValueId id = graph_.nodes()[made].first_output + static_cast<ValueId>(i);
    frame.values[index] = {id, no_id, nullptr};
    const TfliteTensor& declared = frame.subgraph.tensors[index];
    const UnknownSizes unknown = declared.has_shape ? declared.unknown : unknown_rank;
    if (unknown != 0) graph_.mark_assumed(id, unknown);
    modules_.made(id);
  }
}

/// The inferred sizes beside those of the file, where it knows all of them.
void TfliteReader::compare(const TfliteFrame& frame, const TfliteNode& node) {
  for (const std::int32_t output : node.outputs) {
    const auto index = static_cast<std::size_t>(output);
    const TfliteTensor& declared = frame.subgraph.tensors[index];
    const ValueId id = frame.values[index].id;
    if (id == no_id || !declared.has_shape || is_dynamic_) continue;
    stated_.compare(graph_.shape(id) == declared.shape);
  }
}

void TfliteReader::add_notes() {
  note("operators of the file: " + names_with_counts(operators_));
  for (std::string& text : sizes_.notes()) note(std::move(text));
  for (std::string& text : misfits_.notes()) note(std::move(text));
  if (auto text = stated_.note()) note(std::move(*text));
  for (const auto& [name, count] : compiled_) {
    note(fmt::format("{} x {}: its cost is not in the file, and its constants are a program and "
                     "weights in a form of its own, no parameters",
                     count, name));
  }
  if (hybrid_ > 0) {
    note(fmt::format("{} of integer weights with real operands: kernels may round the operands "
                     "first and multiply integers",
                     counted(hybrid_, "product")));
  }
  if (fused_ > 0) {
    note(fmt::format("{} of integers clamped where they are rounded to their scale, and counted "
                     "there",
                     counted(fused_, "fused activation")));
  }
  if (!model_.metadata("OfflineMemoryAllocation").empty())
    note("the file has a plan of its arena (OfflineMemoryAllocation), which is not read");
  notes_.ignored = ignored_.notes();
}

// -- modules ------------------------------------------------------------------------------------

namespace {

/// A part of a tensor's name. litert-torch writes packages, the class, "_" and the attribute.
ModuleScope scope_of(std::string_view text) {
  std::string_view rest = text;
  while (!rest.empty() && rest.find('.') != std::string_view::npos) {
    const std::string_view part = rest.substr(0, rest.find('.'));
    const std::string_view letters =
        part.substr(std::min(part.size(), part.find_first_not_of('_')));
    if (!letters.empty() && letters[0] >= 'A' && letters[0] <= 'Z') break;
    rest.remove_prefix(part.size() + 1);
  }
  const std::size_t split = rest.size() == text.size() ? std::string_view::npos : rest.find('_', 1);
  if (split == std::string_view::npos) return {text, rest, {}};
  return {text, rest.substr(split + 1), rest.substr(0, split)};
}

}  // namespace

/// Goes to the module in the name of a tensor.
void TfliteReader::enter_module(std::string_view tensor) {
  path_.clear();
  const std::size_t end = tensor.rfind('/');
  std::string_view scopes =
      end == std::string_view::npos ? std::string_view{} : tensor.substr(0, end);
  while (!scopes.empty()) {
    const std::string_view scope = scopes.substr(0, scopes.find('/'));
    scopes.remove_prefix(std::min(scopes.size(), scope.size() + 1));
    if (!scope.empty()) path_.push_back(scope_of(scope));
  }
  modules_.enter(path_);
}

}  // namespace zoometer
