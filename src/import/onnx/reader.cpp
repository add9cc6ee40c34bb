// An ONNX file as a whole.
#include "import/onnx/reader.hpp"

#include <algorithm>

#include "ir/updates.hpp"
#include "op/quantize.hpp"
#include "util/seeded_hash.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

// Reading a node costs one unit and one per input and output. Loops and functions may use as many
// units as the file has bytes, and these.
constexpr std::int64_t spare_units = 1'000'000;
constexpr std::int64_t spare_known = 4'000'000;
constexpr std::int64_t spare_path_bytes = std::int64_t{64} << 20;

}  // namespace

OnnxReader::OnnxReader(const MappedFile& file, const TraceOptions& options, Graph& graph,
                       ImportNotes& notes, OnnxOrder order)
    : file_(file),
      options_(options),
      graph_(graph),
      notes_(notes),
      records_(file.text()),
      modules_(graph, spare_path_bytes + 64 * static_cast<std::int64_t>(file.size())),
      given_(options),
      order_(order),
      units_left_(spare_units + static_cast<std::int64_t>(file.size())),
      known_left_(spare_known + 4 * static_cast<std::int64_t>(file.size())) {
  for (const auto& [name, value] : options.dims) dims_.set(name, value);
}

void OnnxReader::note(std::string text) {
  constexpr std::size_t most = 200;
  if (noted_.size() < most && noted_.insert(text).second) notes_.notes.push_back(std::move(text));
}

void OnnxReader::note_some(std::string_view kind, std::string text, std::string rest) {
  constexpr int few = 8;
  if (noted_.contains(text)) return;
  note(noted_of_kind_[kind]++ < few ? std::move(text) : std::move(rest));
}

std::optional<DeclaredType> OnnxReader::declared(OnnxFrame& frame, std::string_view name) {
  if (!frame.declared) {
    auto& types = frame.declared.emplace();
    for (const std::string_view message : frame.value_infos) {
      const OnnxValueInfo info = records_.value_info(message);
      types.emplace(info.name, info.type);
    }
    for (const OnnxValueInfo& info : frame.outputs) types.emplace(info.name, info.type);
  }
  const auto found = frame.declared->find(name);
  if (found == frame.declared->end()) return std::nullopt;
  const OnnxType type = records_.type(found->second);
  if (type.kind != OnnxType::Kind::tensor || !type.has_shape) return std::nullopt;
  DeclaredType result;
  result.dtype = type.dtype;
  for (std::size_t i = 0; i < type.rank; ++i) {
    const OnnxDimension& dimension = type.dimensions[i];
    std::optional<std::int64_t> size = size_named(dimension.name);
    if (dimension.value >= 0) size = dimension.value;
    if (!size && i == 0 && dimension.name.empty() && batch_ && !has_batches_) {
      size = batch_;
      result.follows_batch = true;
    }
    if (!size) result.unknown |= UnknownSizes{1} << i;
    result.shape.push_back(size.value_or(1));
  }
  return result;
}

namespace {

/// Products of values that DequantizeLinear makes, and that are at most transposed since.
std::size_t count_dequantised_products(const Graph& graph) {
  const auto is_dequantising = [](const Node& node) { return node.op == &dequantize_op; };
  if (std::ranges::none_of(graph.nodes(), is_dequantising)) return 0;
  std::vector<bool> is_dequantised(graph.values().size(), false);
  const auto is_real = [&](ValueId value) { return value != no_id && is_dequantised[value]; };
  std::size_t count = 0;
  for (const Node& node : graph.nodes()) {
    const auto inputs = graph.inputs_of(node);
    const bool moves = node.op == &transpose_op || node.op == &permute_op;
    const bool is_made = is_dequantising(node) || (moves && is_real(inputs[0]));
    for (ValueId k = 0; is_made && k < node.output_count; ++k)
      is_dequantised[node.first_output + k] = true;
    if (node.op->kind == OpKind::product && inputs.size() >= 2 && is_real(inputs[0]) &&
        is_real(inputs[1]))
      ++count;
  }
  return count;
}

}  // namespace

/// Integers are weights where they stand for real numbers: in products of integers, and where they
/// are dequantised, also after they were moved or looked up.
void OnnxReader::find_quantised_weights() {
  if (integers_.empty()) return;
  std::vector<bool> stands_for_reals(graph_.values().size(), false);
  for (std::size_t i = graph_.nodes().size(); i-- > 0;) {
    const Node& node = graph_.nodes()[i];
    const std::span<const ValueId> inputs = graph_.inputs_of(node);
    std::size_t count = 0;  // of inputs that stand for reals
    if (node.op == &dequantize_op) count = 1;
    if (node.op->kind == OpKind::product) count = inputs.size();
    const bool moves = node.op->kind == OpKind::movement || node.op->kind == OpKind::lookup;
    for (ValueId k = 0; moves && k < node.output_count; ++k) {
      if (stands_for_reals[node.first_output + k])
        count = node.op->kind == OpKind::lookup ? 1 : inputs.size();
    }
    for (const ValueId input : inputs.first(std::min(count, inputs.size()))) {
      if (input != no_id) stands_for_reals[input] = true;
    }
  }
  for (const ValueId value : integers_) {
    if (!stands_for_reals[value]) continue;
    const ParameterId parameter = graph_.value(value).producer;
    const ParameterKind kind = graph_.parameters()[parameter].kind;
    const bool is_open = kind == ParameterKind::buffer || kind == ParameterKind::constant;
    if (is_open && declared_names_.empty())
      graph_.set_parameter_kind(parameter, ParameterKind::parameter);
  }
}

/// A number that is called a scale, beside the zero point of the same tensor, is its scale even if
/// another operator multiplies by it.
void OnnxReader::find_quantised_scales() {
  if (!declared_names_.empty()) return;
  constexpr std::string_view zero_point = "_zero_point", scale = "_scale";
  TextSet quantised;
  for (const Parameter& parameter : graph_.parameters()) {
    if (parameter.name.ends_with(zero_point))
      quantised.emplace(parameter.name.substr(0, parameter.name.size() - zero_point.size()));
  }
  if (quantised.empty()) return;
  for (ParameterId id = 0; id < graph_.parameters().size(); ++id) {
    const Parameter& parameter = graph_.parameters()[id];
    if (!parameter.name.ends_with(scale)) continue;
    const std::string_view tensor = parameter.name.substr(0, parameter.name.size() - scale.size());
    if (quantised.contains(std::string(tensor)))
      graph_.set_parameter_kind(id, ParameterKind::quantisation);
  }
}

void OnnxReader::read(OnnxValues* names) {
  model_ = records_.model();
  read_opsets();
  if (model_.graph.data() == nullptr) {
    throw Error(ErrorCode::unsupported, "the ONNX file has no graph, only functions");
  }
  for (const OnnxFunction& function : model_.functions) {
    const OperatorKey key{function.domain, function.name, function.overload};
    handlers_.emplace(key, Handlers{&function, nullptr});
  }
  read_graph(names);
  modules_.finish();
  find_quantised_weights();
  find_quantised_scales();
  if (const std::size_t count = count_dequantised_products(graph_); count > 0) {
    note("convolutions and products of dequantised integers: " + std::to_string(count) +
         ", counted in float as the file has them; runtimes may compute them on the integers");
  }
  given_.check();
  if (order_ == OnnxOrder::sorted)
    note("the nodes were not in topological order; they were sorted");
  for (const std::string& name : missing_files_)
    note("the weights' file " + name + " is missing" +
         (missing_tensors_.empty() ? "; nothing of it is needed" : ""));
  for (const std::string& name : missing_tensors_)
    note("shapes may depend on the tensor " + in_quotes(name) +
         ", whose external data could not be read");
  for (const std::string& name : assumed_) {
    note("the symbolic size " + name + " is taken as 1; set it with --dim " + name + "=N");
  }
  note_guesses();
  if (std::optional<std::string> training = training_note(graph_)) note(std::move(*training));
  notes_.ignored = ignored_.notes();
  for (const auto& entry : dims_.entries()) notes_.dims.emplace_back(entry.name, entry.value);
  std::sort(notes_.dims.begin(), notes_.dims.end());
}

void OnnxReader::read_graph(OnnxValues* names) {
  OnnxGraph graph = records_.graph(model_.graph);
  constexpr std::size_t most = 1'000'000;  // the nodes of a hostile file may have two bytes each
  const std::size_t nodes = std::min(graph.nodes.size(), most);
  const std::size_t modules = nodes + nodes / 8;  // one each, and some around them
  graph_.reserve(nodes, std::min(graph.initializers.size(), most), modules);
  modules_.reserve(modules);
  read_metadata(graph);
  OnnxFrame frame(nullptr, graph.nodes.size() + graph.initializers.size() + graph.inputs.size());
  frame.opsets = model_.opsets;
  frame.value_infos = graph.value_infos;
  frame.outputs = graph.outputs;
  for (const auto& [domain, version] : model_.opsets) {
    if (domain.empty() || domain == "ai.onnx") frame.default_opset = version;
  }
  add_initializers(graph, frame);
  std::vector<OnnxInitializer>().swap(graph.initializers);  // megabytes in a large file
  add_inputs(graph, frame);
  enter_declared(frame);
  try {
    run_nodes(graph.nodes, frame);
  } catch (Error& error) {
    add_size_hint(error);
    throw;
  }
  add_outputs(graph, frame);
  // A runtime may write a cache's rows into the input's memory.
  std::vector<ValueId> inputs;
  for (const Port& input : graph_.inputs()) inputs.push_back(input.value);
  write_updates_in_place(graph_, inputs);
  add_unused_weights();
  check_declared(frame);
  if (names == nullptr) return;
  frame.scope.for_each(
      [&](std::string_view name, const OnnxValue& value) { names->emplace(name, value); });
}

/// Where sizes do not fit, those that were taken as 1 may be the reason.
void OnnxReader::add_size_hint(Error& error) const {
  const bool may_be_size = error.code == ErrorCode::shape || error.message == "invalid node";
  if (!error.hint.empty() || !may_be_size) return;
  if (assumed_.size() == 1) {
    error.hint = "the symbolic size " + assumed_.front() + " was taken as 1: set it with --dim " +
                 assumed_.front() + "=N";
  } else if (!assumed_.empty()) {
    error.hint = "symbolic sizes were taken as 1: set them with --dim " + assumed_.front() + "=N";
    for (std::size_t i = 1; i < std::min<std::size_t>(assumed_.size(), 4); ++i)
      error.hint += " --dim " + assumed_[i] + "=N";
  }
  if (unsized_.empty()) return;
  error.hint +=
      (error.hint.empty() ? "" : "; ") +
      ("sizes without a name were taken as 1: set them with --input-shape " + unsized_.front());
  for (std::size_t i = 1; i < std::min<std::size_t>(unsized_.size(), 4); ++i)
    error.hint += " --input-shape " + unsized_[i];
}

void OnnxReader::read_opsets() {
  std::int64_t version = 1;
  for (const auto& [domain, number] : model_.opsets) {
    if (domain.empty() || domain == "ai.onnx") version = number;
  }
  notes_.format = "ONNX, opset " + std::to_string(version);
  notes_.producer = std::string(model_.producer_name);
  if (!model_.producer_version.empty()) {
    notes_.producer.append(" ").append(model_.producer_version);
  }
}

namespace {

/// A constant that is a result as it is was computed, not learnt.
OnnxRole role_of_result(const OnnxValue& value) {
  const bool is_constant = value.stored != nullptr && value.stored->is_constant;
  return is_constant ? OnnxRole::setting : OnnxRole::data;
}

}  // namespace

void OnnxReader::add_outputs(const OnnxGraph& graph, OnnxFrame& frame) {
  graph_.set_current_module(0);
  for (const OnnxValueInfo& info : graph.outputs) {
    const OnnxValue* value = frame.scope.find(info.name);
    if (value == nullptr) {
      records_.fail(graph.message, "no node makes the output " + in_quotes(info.name));
    }
    if (value->is_tensor()) {
      graph_.add_output(graph_.arena().copy(info.name),
                        enter(*value, role_of_result(*value), info.name));
    } else if (value->kind == OnnxValue::Kind::sequence) {
      // Every element is an output of that name, which reports repeat.
      const std::string_view name = graph_.arena().copy(info.name);
      spend(static_cast<std::int64_t>(value->sequence->size()) * (1 + name_units(info.name)));
      for (const OnnxValue& element : *value->sequence) {
        if (element.is_tensor())
          graph_.add_output(name, enter(element, role_of_result(element), info.name));
      }
    }
  }
}

/// Weights that no node reads are parameters of the model nevertheless.
void OnnxReader::add_unused_weights() {
  graph_.set_current_module(0);
  for (StoredTensor* stored : stored_) {
    if (stored->is_constant || stored->was_read || stored->id != no_id) continue;
    if (!is_floating(stored->dtype) || !is_learnt(*stored)) continue;
    enter(OnnxValue::of(stored), Role::data, stored->name);
  }
}

/// Compares what the file declares with what was inferred.
void OnnxReader::check_declared(OnnxFrame& frame) {
  if (!options_.inputs.empty() || !options_.dims.empty()) return;
  std::string first;
  const auto check = [&](const OnnxValueInfo& info) {
    const OnnxType type = records_.type(info.type);
    const OnnxValue* value = frame.scope.find(info.name);
    if (type.kind != OnnxType::Kind::tensor || !type.has_shape || value == nullptr) return;
    if (!value->is_tensor() || value->shapeless) return;
    ++shapes_declared_;
    const Shape& shape = shape_of(*value);
    const bool is_bounded = is_inexact(*value);
    bool agrees = type.rank == shape.rank();
    for (std::size_t i = 0; agrees && i < shape.size(); ++i) {
      const OnnxDimension& dimension = type.dimensions[i];
      agrees = dimension.value < 0 || dimension.value == shape[i] || is_bounded;
    }
    if (agrees && (type.dtype == dtype_of(*value) || type.dtype == DType::unknown)) return;
    if (++shapes_differing_ > 1) return;
    Shape written;
    for (std::size_t i = 0; i < type.rank; ++i) written.push_back(type.dimensions[i].value);
    first = in_quotes(info.name) + " is declared as " + to_string(written) + " " +
            std::string(zoometer::name_of(type.dtype)) + " and is " + to_string(shape) + " " +
            std::string(zoometer::name_of(dtype_of(*value)));
  };
  for (const OnnxValueInfo& info : frame.outputs) check(info);
  for (const std::string_view message : frame.value_infos) check(records_.value_info(message));
  if (shapes_differing_ > 0) {
    note(std::to_string(shapes_differing_) + " of " + std::to_string(shapes_declared_) +
         " declared types differ from the inferred ones: " + first);
  } else if (shapes_declared_ > 0) {
    note("all " + std::to_string(shapes_declared_) +
         " declared types agree with the inferred ones");
  }
}

}  // namespace zoometer
