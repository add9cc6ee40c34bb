#include "import/onnx/reader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "import/onnx/ops.hpp"
#include "op/quantize.hpp"
#include "op/unknown.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr int deepest = 48;               // subgraphs and functions within each other
constexpr std::size_t most_known = 4096;  // elements of a tensor that are worth knowing
// Reading a node costs one unit and one per input and output. Loops and functions may use as many
// units as the file has bytes, and these.
constexpr std::int64_t spare_units = 1'000'000;
constexpr std::int64_t call_units = 16;  // of a subgraph or function, beside its nodes
constexpr std::int64_t spare_known = 4'000'000;

std::string in_quotes(std::string_view name) { return "'" + std::string(name) + "'"; }

std::string name_of(const OnnxNode& node) {
  std::string text(node.domain.empty() ? "" : std::string(node.domain) + "::");
  text.append(node.op_type);
  if (!node.name.empty()) return text + " " + in_quotes(node.name);
  for (const std::string_view output : node.outputs) {
    if (!output.empty()) return text + " of " + in_quotes(output);
  }
  return text;
}

/// Whether an input's position is one where operators take weights.
bool is_weight_position(std::string_view op_type, std::size_t index) {
  constexpr std::pair<std::string_view, std::size_t> last_weights[] = {{"Conv", 2},
                                                                       {"ConvTranspose", 2},
                                                                       {"Gemm", 2},
                                                                       {"LSTM", 3},
                                                                       {"BatchNormalization", 4},
                                                                       {"InstanceNormalization", 2},
                                                                       {"GRU", 3},
                                                                       {"LayerNormalization", 2},
                                                                       {"GroupNormalization", 2},
                                                                       {"RNN", 3},
                                                                       {"PRelu", 1}};
  for (const auto& [name, last] : last_weights) {
    if (op_type == name) return index >= 1 && index <= last;
  }
  return false;
}

/// What models call real parameters of their own, outside of any layer: "class_token".
bool has_own_weight_name(std::string_view name) {
  constexpr std::string_view endings[] = {"_token", "_embedding", "_embed",
                                          "_scale", "_weight",    "_bias"};
  return std::any_of(std::begin(endings), std::end(endings),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

/// "layer1.conv.weight".
bool has_weight_name(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == name.size()) return false;
  if (name.find('/') != std::string_view::npos) return false;
  return name.substr(dot + 1).find_first_not_of("0123456789") != std::string_view::npos;
}

struct KindName {
  std::string_view name;
  ParameterKind kind;
};
constexpr KindName kind_names[] = {{"parameter", ParameterKind::parameter},
                                   {"buffer", ParameterKind::buffer},
                                   {"transient_buffer", ParameterKind::transient_buffer}};

/// Calls `take` with the two halves of each line "first<tab>second".
template <class Take>
void for_each_pair(std::string_view lines, Take take) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const std::size_t tab = line.find('\t');
    if (tab != std::string_view::npos) take(line.substr(0, tab), line.substr(tab + 1));
  }
}

/// What models keep beside their parameters, by name: a file does not tell them apart.
bool has_buffer_name(std::string_view name) {
  return name.ends_with("running_mean") || name.ends_with("running_var") ||
         name.ends_with("num_batches_tracked") || name.ends_with("relative_coords_table");
}

}  // namespace

// -- OnnxContext ------------------------------------------------------------------------------

OnnxContext::OnnxContext(OnnxReader& reader, OnnxFrame& frame, const OnnxNode& node)
    : reader_(reader),
      frame_(frame),
      node_(node),
      opset_(frame.default_opset),
      inputs_(frame.node_inputs),
      outputs_(frame.node_outputs) {
  inputs_.clear();
  outputs_.assign(node.outputs.size(), {});
  if (!node.domain.empty()) {
    opset_ = 1;
    for (const auto& [domain, version] : frame.opsets) {
      if (domain == node.domain) opset_ = version;
    }
  }
}

const OnnxValue& OnnxContext::value(std::size_t index) const {
  if (!has(index)) fail("an input " + std::to_string(index));
  return inputs_[index];
}

const Shape& OnnxContext::shape(std::size_t index) const { return reader_.shape_of(value(index)); }

DType OnnxContext::dtype(std::size_t index) const { return reader_.dtype_of(value(index)); }

Tensor OnnxContext::in(std::size_t index) {
  const ValueId id = reader_.enter(value(index), OnnxReader::Role::data, node_.inputs[index]);
  return {&graph(), id};
}

Tensor OnnxContext::optional_in(std::size_t index) {
  return has(index) ? in(index) : Tensor{&graph(), no_id};
}

Tensor OnnxContext::weight(std::size_t index) {
  const ValueId id = reader_.enter(value(index), OnnxReader::Role::weight, node_.inputs[index]);
  return {&graph(), id};
}

Tensor OnnxContext::optional_weight(std::size_t index) {
  return has(index) ? weight(index) : Tensor{&graph(), no_id};
}

Tensor OnnxContext::statistic(std::size_t index) {
  const ValueId id = reader_.enter(value(index), OnnxReader::Role::statistic, node_.inputs[index]);
  return {&graph(), id};
}

std::vector<Tensor> OnnxContext::all_inputs(std::size_t from) {
  std::vector<Tensor> tensors;
  for (std::size_t i = from; i < input_count(); ++i) {
    if (has(i)) tensors.push_back(in(i));
  }
  return tensors;
}

const KnownTensor* OnnxContext::known(std::size_t index) const {
  return has(index) ? reader_.known(inputs_[index]) : nullptr;
}

const KnownTensor& OnnxContext::elements(std::size_t index) const {
  value(index);
  const KnownTensor* tensor = known(index);
  if (tensor == nullptr || tensor->count() > most_known) throw OnnxDataDependent{};
  if (inputs_[index].stored != nullptr) inputs_[index].stored->was_read = true;
  return *tensor;
}

std::vector<std::int64_t> OnnxContext::integers(std::size_t index) const {
  return elements(index).all_integers();
}

std::int64_t OnnxContext::integer(std::size_t index) const {
  const KnownTensor& tensor = elements(index);
  require(tensor.count() == 1, "a single number as input " + std::to_string(index));
  return tensor.integer(0);
}

std::optional<double> OnnxContext::constant_number(std::size_t index) const {
  if (!has(index)) return std::nullopt;
  const OnnxValue& input = inputs_[index];
  if (input.stored != nullptr && !input.stored->is_constant) return std::nullopt;
  const KnownTensor* tensor = known(index);
  if (tensor == nullptr || tensor->count() != 1) return std::nullopt;
  return tensor->real(0);
}

const OnnxAttribute* OnnxContext::attribute(std::string_view name) const {
  const auto find = [](std::span<const OnnxAttribute> list, std::string_view wanted) {
    const auto found = std::find_if(list.begin(), list.end(),
                                    [&](const OnnxAttribute& item) { return item.name == wanted; });
    return found == list.end() ? nullptr : &*found;
  };
  const OnnxAttribute* found = find(node_.attributes, name);
  if (found == nullptr || found->reference.empty()) return found;
  // Inside a function: the attribute of the call, or the function's default.
  if (frame_.call == nullptr) return nullptr;
  if (const OnnxAttribute* given = frame_.call->attribute(found->reference)) return given;
  return find(frame_.function->defaults, found->reference);
}

std::int64_t OnnxContext::integer(std::string_view name, std::int64_t otherwise) const {
  const OnnxAttribute* found = attribute(name);
  return found != nullptr ? found->integer : otherwise;
}

double OnnxContext::real(std::string_view name, double otherwise) const {
  const OnnxAttribute* found = attribute(name);
  return found != nullptr ? static_cast<double>(found->real) : otherwise;
}

std::string_view OnnxContext::text(std::string_view name, std::string_view otherwise) const {
  const OnnxAttribute* found = attribute(name);
  return found != nullptr ? found->text : otherwise;
}

std::optional<std::vector<std::int64_t>> OnnxContext::integers(std::string_view name) const {
  const OnnxAttribute* found = attribute(name);
  if (found == nullptr) return std::nullopt;
  return reader_.records().integers(*found);
}

std::optional<std::vector<double>> OnnxContext::reals(std::string_view name) const {
  const OnnxAttribute* found = attribute(name);
  if (found == nullptr) return std::nullopt;
  return reader_.records().reals(*found);
}

std::optional<std::vector<std::int64_t>> OnnxContext::integers(std::string_view name,
                                                               std::size_t input) const {
  if (has(input)) return integers(input);
  return integers(name);
}

void OnnxContext::out(std::size_t index, Tensor tensor) {
  OnnxValue result;
  result.kind = OnnxValue::Kind::tensor;
  result.id = tensor.id;
  out_value(index, result);
}

void OnnxContext::out(std::size_t index, const KnownTensor* known) {
  OnnxValue result;
  result.kind = OnnxValue::Kind::tensor;
  result.known = known;
  out_value(index, result);
}

void OnnxContext::out_value(std::size_t index, const OnnxValue& value) {
  if (index < outputs_.size()) outputs_[index] = value;
}

std::optional<OutputType> OnnxContext::declared(std::size_t index) {
  if (!wants(index)) return std::nullopt;
  return reader_.declared(frame_, node_.outputs[index]);
}

const KnownTensor* OnnxContext::make_integers(DType dtype, const Shape& shape,
                                              std::span<const std::int64_t> elements) {
  return reader_.keep({.dtype = dtype, .shape = shape}, elements, {});
}

const KnownTensor* OnnxContext::make_reals(DType dtype, const Shape& shape,
                                           std::span<const double> elements) {
  return reader_.keep({.dtype = dtype, .shape = shape}, {}, elements);
}

const KnownTensor* OnnxContext::make_uniform(DType dtype, const Shape& shape, double value) {
  const KnownTensor uniform{.dtype = dtype, .shape = shape, .uniform = true};
  if (is_floating(dtype)) return reader_.keep(uniform, {}, {{value}});
  const auto integer = static_cast<std::int64_t>(std::clamp(value, -0x1p62, 0x1p62));
  return reader_.keep(uniform, {{integer}}, {});
}

std::int64_t OnnxContext::axis(std::int64_t axis, std::int64_t rank) const {
  if (axis < -rank || axis >= rank) {
    fail("an axis within rank " + std::to_string(rank) + ", not " + std::to_string(axis));
  }
  return axis < 0 ? axis + rank : axis;
}

Ints OnnxContext::short_list(std::span<const std::int64_t> list) const {
  require(list.size() <= 8, "at most 8 dimensions");
  return Ints(list);
}

Ints OnnxContext::axes(std::span<const std::int64_t> list, std::int64_t rank) const {
  Ints result;
  for (const std::int64_t dim : short_list(list)) result.push_back(axis(dim, rank));
  return result;
}

void OnnxContext::fail(std::string_view expected) const {
  std::string got;
  for (std::size_t i = 0; i < inputs_.size() && i < 8; ++i) {
    if (!inputs_[i].is_tensor() || inputs_[i].shapeless) continue;
    if (!got.empty()) got += ", ";
    got += to_string(reader_.shape_of(inputs_[i]));
  }
  throw Error(ErrorCode::malformed, "the node is not valid",
              {std::string(expected), got.empty() ? "no inputs" : "inputs " + got});
}

void OnnxContext::note(std::string text) { reader_.note(std::move(text)); }

// -- OnnxReader: values -------------------------------------------------------------------------

OnnxReader::OnnxReader(const MappedFile& file, const ImportOptions& options, Graph& graph,
                       ImportNotes& notes)
    : file_(file),
      options_(options),
      graph_(graph),
      notes_(notes),
      records_(file.text()),
      modules_(graph),
      units_left_(spare_units + static_cast<std::int64_t>(file.size())),
      known_left_(spare_known + 4 * static_cast<std::int64_t>(file.size())) {
  for (const auto& [name, value] : options.dims) dims_[name] = value;
}

void OnnxReader::note(std::string text) {
  constexpr std::size_t most = 200;
  if (noted_.size() < most && noted_.insert(text).second) notes_.notes.push_back(std::move(text));
}

const Shape& OnnxReader::shape_of(const OnnxValue& value) const {
  static constexpr Shape scalar;
  if (value.id != no_id) return graph_.shape(value.id);
  if (value.known != nullptr) return value.known->shape;
  return value.stored != nullptr ? value.stored->type->shape : scalar;
}

DType OnnxReader::dtype_of(const OnnxValue& value) const {
  if (value.id != no_id) return graph_.value(value.id).dtype;
  if (value.known != nullptr) return value.known->dtype;
  return value.stored != nullptr ? value.stored->dtype : DType::unknown;
}

const KnownTensor* OnnxReader::known(const OnnxValue& value) {
  if (value.known != nullptr) return value.known;
  if (value.stored == nullptr) return nullptr;
  StoredTensor& stored = *value.stored;
  if (stored.known != nullptr) return stored.known;
  if (stored.message.empty() || static_cast<std::size_t>(stored.type->numel) > most_known)
    return nullptr;
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
  if (!records_.elements(records_.tensor(stored.message), integers, reals)) return nullptr;
  stored.known = keep({.dtype = stored.dtype, .shape = stored.type->shape}, integers, reals);
  return stored.known;
}

const KnownTensor* OnnxReader::keep(KnownTensor known, std::span<const std::int64_t> integers,
                                    std::span<const double> reals) {
  known_left_ -= static_cast<std::int64_t>(integers.size() + reals.size()) + 8;
  if (known_left_ < 0) {
    throw Error(ErrorCode::limit, "the file computes too many constants to keep them all");
  }
  known.integers = graph_.arena().copy(integers);
  known.reals = graph_.arena().copy(reals);
  return graph_.keep(known);
}

StoredTensor* OnnxReader::store(const OnnxTensor& tensor, bool is_constant) {
  // Loops and functions come here again and again.
  const bool is_repeated = depth_ > 1 || (depth_ == 1 && !is_constant);
  if (is_repeated) {
    const auto found = stored_by_place_.find(tensor.message.data());
    if (found != stored_by_place_.end()) return found->second;
  }
  if (tensor.is_external) check_external(tensor);
  StoredTensor* stored = add_stored({.name = tensor.name,
                                     .message = tensor.message,
                                     .type = graph_.intern(tensor.shape),
                                     .dtype = tensor.dtype,
                                     .is_constant = is_constant});
  if (is_repeated && !tensor.message.empty()) {
    stored_by_place_.emplace(tensor.message.data(), stored);
  }
  return stored;
}

StoredTensor* OnnxReader::add_stored(const StoredTensor& stored) {
  stored_.push_back(stored_arena_.make<StoredTensor>(stored));
  return stored_.back();
}

OnnxValue OnnxReader::alias(const OnnxValue& weight, std::string_view name) {
  StoredTensor* owner =
      weight.stored->shared_with != nullptr ? weight.stored->shared_with : weight.stored;
  return OnnxValue::of(add_stored({.name = name,
                                   .message = owner->message,
                                   .type = owner->type,
                                   .dtype = owner->dtype,
                                   .shared_with = owner}));
}

const std::vector<OnnxValue>* OnnxReader::keep_sequence(std::vector<OnnxValue> elements) {
  spend(static_cast<std::int64_t>(elements.size()) + 1);
  sequences_.push_back(std::move(elements));
  return &sequences_.back();
}

ParameterKind OnnxReader::parameter_kind(const OnnxValue& value, Role role,
                                         std::string_view name) const {
  const auto declared = declared_kinds_.find(name);
  if (declared != declared_kinds_.end()) return declared->second;
  if (!declared_names_.empty()) return ParameterKind::transient_buffer;
  const bool is_weight = value.stored != nullptr && !value.stored->is_constant;
  const bool is_learnt = (is_weight || role == Role::weight) && is_floating(dtype_of(value));
  if (is_learnt && role != Role::statistic && !has_buffer_name(name))
    return ParameterKind::parameter;
  return is_weight || role == Role::statistic ? ParameterKind::buffer
                                              : ParameterKind::transient_buffer;
}

ValueId OnnxReader::enter(const OnnxValue& value, Role role, std::string_view name) {
  if (!value.is_tensor()) {
    throw Error(ErrorCode::malformed, "a value is not of the type that the operator takes",
                {"a tensor as " + in_quotes(name), "a sequence, or nothing"});
  }
  if (value.id != no_id) return value.id;
  ValueId& id = value.stored != nullptr ? value.stored->id : value.known->id;
  if (id != no_id) return id;

  const bool is_weight = value.stored != nullptr && !value.stored->is_constant;
  const KnownTensor* number = is_weight || role != Role::data ? nullptr : known(value);
  if (number != nullptr && (number->uniform || number->count() == 1)) {
    id = full(graph_, number->shape, number->real(0), number->dtype).id;
    entered_.push_back(&id);
    return id;
  }
  ParameterId shared_with = no_id;
  if (value.stored != nullptr && value.stored->shared_with != nullptr) {
    StoredTensor* owner = value.stored->shared_with;
    shared_with = graph_.value(enter(OnnxValue::of(owner), Role::weight, owner->name)).producer;
  }
  const bool has_name = value.stored != nullptr && !value.stored->name.empty();
  const std::string_view own = has_name ? value.stored->name : name;
  const auto [home, short_name] = modules_.home(own, graph_.current_module());
  const auto index = static_cast<ParameterId>(graph_.parameters().size());
  const SharedShape* type =
      value.stored != nullptr ? value.stored->type : graph_.intern(value.known->shape);
  id = graph_.add_parameter(home, graph_.arena().copy(short_name), type, dtype_of(value),
                            parameter_kind(value, role, own));
  if (shared_with != no_id) graph_.share_parameter(index, shared_with);
  entered_.push_back(&id);
  return id;
}

OnnxReader::Mark OnnxReader::mark() const { return {graph_.mark(), entered_.size()}; }

void OnnxReader::rewind(const Mark& mark) {
  while (entered_.size() > mark.entered) {
    *entered_.back() = no_id;
    entered_.pop_back();
  }
  graph_.rewind(mark.graph);
  modules_.rewind(static_cast<NodeId>(mark.graph.nodes));
}

std::int64_t OnnxReader::size_of(const OnnxDimension& dimension) {
  if (dimension.value >= 0) return dimension.value;
  if (dimension.name.empty()) return 1;
  dims_seen_.insert(dimension.name);
  const auto [entry, is_new] = dims_.try_emplace(dimension.name, 1);
  if (is_new) assumed_.emplace_back(dimension.name);
  return entry->second;
}

std::optional<OutputType> OnnxReader::declared(OnnxFrame& frame, std::string_view name) {
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
  OutputType result;
  result.dtype = type.dtype;
  for (std::size_t i = 0; i < type.rank; ++i) {
    const OnnxDimension& dimension = type.dimensions[i];
    result.bounded |= dimension.value < 0 && !dims_.contains(dimension.name);
    result.shape.push_back(size_of(dimension));
  }
  return result;
}

void OnnxReader::spend(std::int64_t units) {
  units_left_ -= units;
  if (units_left_ < 0) {
    throw Error(ErrorCode::limit,
                "loops and functions make the graph too large for a file of this size");
  }
}

bool OnnxReader::affordable(std::int64_t units, std::int64_t times) const noexcept {
  std::int64_t total = 0;
  return !__builtin_mul_overflow(units, times, &total) && total <= units_left_ / 2;
}

std::int64_t OnnxReader::units(const OnnxGraph& body) const {
  std::int64_t bytes = 0;
  for (const std::string_view node : body.nodes) bytes += static_cast<std::int64_t>(node.size());
  return static_cast<std::int64_t>(4 * body.nodes.size()) + bytes / 8 + 1;
}

// -- OnnxReader: the file -----------------------------------------------------------------------

namespace {

/// Whether a value is made by DequantizeLinear, and at most transposed since.
bool is_dequantised(const Graph& graph, ValueId value) {
  while (value != no_id) {
    const Value& made = graph.value(value);
    if (made.has(Value::is_input) || made.has(Value::is_parameter)) return false;
    const Node& producer = graph.nodes()[made.producer];
    if (producer.op == &dequantize_op) return true;
    if (producer.op != &transpose_op && producer.op != &permute_op) return false;
    value = graph.inputs_of(producer)[0];
  }
  return false;
}

std::size_t count_dequantised_products(const Graph& graph) {
  return static_cast<std::size_t>(std::ranges::count_if(graph.nodes(), [&](const Node& node) {
    const bool multiplies = is_convolution(*node.op) || node.op == &linear_op ||
                            node.op == &matmul_op || node.op == &bmm_op;
    const auto inputs = graph.inputs_of(node);
    return multiplies && is_dequantised(graph, inputs[0]) && is_dequantised(graph, inputs[1]);
  }));
}

}  // namespace

void OnnxReader::read() {
  model_ = records_.model();
  read_opsets();
  if (model_.graph.data() == nullptr) {
    throw Error(ErrorCode::unsupported, "the ONNX file holds no graph, only functions");
  }
  for (const OnnxFunction& function : model_.functions) {
    const OperatorKey key{function.domain, function.name, function.overload};
    handlers_.emplace(key, Handlers{&function, nullptr, nullptr});
  }
  read_graph();
  modules_.finish();
  if (const std::size_t count = count_dequantised_products(graph_); count > 0) {
    note("convolutions and products of dequantised integers: " + std::to_string(count) +
         ", counted in float as the file has them; runtimes may compute them on the integers");
  }
  for (const std::string& name : assumed_) {
    note("the symbolic size " + name + " is taken as 1; set it with --dim " + name + "=N");
  }
  for (const auto& [name, value] : dims_) notes_.dims.emplace_back(name, value);
  std::sort(notes_.dims.begin(), notes_.dims.end());
}

void OnnxReader::read_graph() {
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
    if (error.hint.empty() && error.code == ErrorCode::shape && !assumed_.empty()) {
      error.hint = "the symbolic size " + assumed_.front() + " was taken as 1: set it with --dim " +
                   assumed_.front() + "=N";
    }
    throw;
  }
  add_outputs(graph, frame);
  add_unused_weights();
  check_declared(frame);
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

/// What files of this program hold beside the standard's fields (see docs/export.md): modules with
/// their classes, also those that are never called, and parameters with their kinds.
void OnnxReader::read_metadata(const OnnxGraph& graph) {
  const auto text_of = [&](std::string_view key) {
    for (const auto& [name, text] : model_.metadata) {
      if (name == key) return text;
    }
    return std::string_view{};
  };
  const std::string_view modules = text_of("zoometer.modules");
  std::string_view root = graph.name;
  for_each_pair(modules, [&](std::string_view path, std::string_view kind) {
    if (path.empty()) root = kind;
  });
  modules_.add_root(root);
  for_each_pair(modules, [&](std::string_view path, std::string_view kind) {
    if (!path.empty()) modules_.declare(path, kind);
  });
  for_each_pair(text_of("zoometer.parameters"), [&](std::string_view name, std::string_view kind) {
    const auto known = std::ranges::find(kind_names, kind, &KindName::name);
    if (known == std::end(kind_names)) return;
    if (declared_kinds_.emplace(name, known->kind).second) declared_names_.push_back(name);
  });
}

/// Parameters are in the state dict's order, not in the order of their first use.
void OnnxReader::enter_declared(OnnxFrame& frame) {
  graph_.set_current_module(0);
  for (const std::string_view name : declared_names_) {
    const OnnxValue* value = frame.scope.find(name);
    if (value != nullptr && value->stored != nullptr) enter(*value, Role::weight, name);
  }
}

void OnnxReader::add_initializers(const OnnxGraph& graph, OnnxFrame& frame) {
  for (const OnnxInitializer& initializer : graph.initializers) {
    StoredTensor* stored = store(records_.tensor(initializer), false);
    if (stored->name.empty()) records_.fail(initializer.message, "an initializer has no name");
    modules_.add_weight_name(stored->name);
    frame.scope.define(stored->name, OnnxValue::of(stored));
  }
  const std::optional<std::string_view> duplicate = frame.scope.duplicate_name();
  if (!duplicate) return;
  const auto has_it = [&](const OnnxInitializer& initializer) {
    return records_.tensor(initializer).name == *duplicate;
  };
  const auto first = std::ranges::find_if(graph.initializers, has_it);
  const auto second = std::find_if(std::next(first), graph.initializers.end(), has_it);
  records_.fail(second->message, "duplicate initializer " + in_quotes(*duplicate));
}

void OnnxReader::check_external(const OnnxTensor& tensor) {
  const OnnxRecords::External place = records_.external(tensor);
  namespace fs = std::filesystem;
  const fs::path path = fs::path(file_.path()).parent_path() / std::string(place.location);
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    return note("the weights' file " + std::string(place.location) +
                " is missing; nothing of it is needed");
  }
  // A link must not lead out of the folder either.
  std::error_code problem;
  const fs::path folder = fs::canonical(fs::path(file_.path()).parent_path().empty()
                                            ? fs::path(".")
                                            : fs::path(file_.path()).parent_path(),
                                        problem);
  const fs::path real = fs::canonical(path, problem);
  const auto [end, ignored] = std::mismatch(folder.begin(), folder.end(), real.begin(), real.end());
  if (!problem && end != folder.end()) {
    records_.fail(tensor.message, "the external data of tensor " + in_quotes(tensor.name) +
                                      " lies outside of the model's folder, behind a link");
  }
  const std::int64_t needed = checked_add(place.offset, std::max<std::int64_t>(place.length, 0));
  if (S_ISREG(status.st_mode) && needed > status.st_size) {
    records_.fail(tensor.message, "the external data of tensor " + in_quotes(tensor.name) +
                                      " ends at byte " + std::to_string(needed) + " of " +
                                      std::string(place.location) + ", which has " +
                                      std::to_string(status.st_size));
  }
}

/// Files that were exported without their weights have them as inputs behind the real ones.
std::vector<bool> OnnxReader::find_weight_inputs(const OnnxGraph& graph) const {
  std::vector<bool> is_weight(graph.inputs.size(), false);
  if (!declared_names_.empty()) {
    for (std::size_t i = 0; i < graph.inputs.size(); ++i)
      is_weight[i] = declared_kinds_.contains(graph.inputs[i].name);
    return is_weight;
  }
  const bool has_weights =
      std::any_of(stored_.begin(), stored_.end(), [](const StoredTensor* item) {
        return is_floating(item->dtype) && !item->type->shape.empty();
      });
  if (has_weights || graph.inputs.size() < 2 || !options_.inputs.empty()) return is_weight;

  std::unordered_map<std::string_view, std::size_t> indices;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) indices.emplace(graph.inputs[i].name, i);
  OnnxNode node;
  std::unordered_map<std::string_view, std::string_view> aliases;
  for (const std::string_view message : graph.nodes) {
    records_.node(message, node);
    if (node.op_type == "Identity" && node.inputs.size() == 1 && node.outputs.size() == 1) {
      const auto source = aliases.find(node.inputs[0]);
      aliases.emplace(node.outputs[0], source == aliases.end() ? node.inputs[0] : source->second);
    }
    for (std::size_t k = 1; k < node.inputs.size(); ++k) {
      if (!is_weight_position(node.op_type, k)) continue;
      const auto alias = aliases.find(node.inputs[k]);
      const auto found = indices.find(alias == aliases.end() ? node.inputs[k] : alias->second);
      if (found != indices.end()) is_weight[found->second] = true;
    }
  }
  for (std::size_t i = 1; i < graph.inputs.size(); ++i) {
    const OnnxValueInfo& info = graph.inputs[i];
    const bool is_own =
        has_own_weight_name(info.name) && is_floating(records_.type(info.type).dtype);
    if (is_own || has_weight_name(info.name)) is_weight[i] = true;
  }
  is_weight[0] = false;
  return is_weight;
}

void OnnxReader::add_inputs(const OnnxGraph& graph, OnnxFrame& frame) {
  const std::vector<bool> is_weight = find_weight_inputs(graph);
  std::size_t weights = 0;
  std::size_t position = 0;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const OnnxValueInfo& info = graph.inputs[i];
    // Before IR version 4 initializers are inputs, too.
    if (const OnnxValue* stored = frame.scope.find(info.name); stored != nullptr) {
      if (stored->stored != nullptr) continue;
      records_.fail(graph.message, "duplicate input " + in_quotes(info.name));
    }
    if (!is_weight[i]) {
      add_input(info, position++, frame);
      continue;
    }
    const OnnxType type = records_.type(info.type);
    OnnxTensor tensor;
    tensor.name = info.name;
    tensor.dtype = type.dtype;
    for (std::size_t k = 0; k < type.rank; ++k) tensor.shape.push_back(size_of(type.dimensions[k]));
    frame.scope.define(info.name, OnnxValue::of(store(tensor, false)));
    modules_.add_weight_name(info.name);
    ++weights;
  }
  if (weights > 0) {
    note("the file has no weights: " + std::to_string(weights) + " inputs are taken as weights");
  }
  for (const auto& [name, value] : options_.dims) {
    if (dims_seen_.contains(name)) continue;
    Error error(ErrorCode::unknown_name, "no input has a symbolic size " + in_quotes(name));
    for (const std::string_view seen : dims_seen_) {
      error.detail.expected += (error.detail.expected.empty() ? "" : ", ") + std::string(seen);
    }
    throw error;
  }
  for (const ImportOptions::Input& wanted : options_.inputs) {
    const auto named = [&](const Port& port) { return port.name == wanted.name; };
    if (!wanted.name.empty() &&
        std::none_of(graph_.inputs().begin(), graph_.inputs().end(), named)) {
      throw Error(ErrorCode::unknown_name, "the model has no input " + in_quotes(wanted.name));
    }
  }
}

Shape OnnxReader::input_shape(const OnnxValueInfo& info, const OnnxType& type, std::size_t index) {
  const ImportOptions::Input* given = nullptr;
  for (std::size_t i = 0; i < options_.inputs.size(); ++i) {
    const ImportOptions::Input& option = options_.inputs[i];
    if (option.name.empty() ? i == index : option.name == info.name) given = &option;
  }
  Shape shape;
  if (given == nullptr) {
    for (std::size_t i = 0; i < type.rank; ++i) {
      const OnnxDimension& dimension = type.dimensions[i];
      if (dimension.value < 0 && dimension.name.empty()) {
        note("the size of dimension " + std::to_string(i) + " of the input " +
             std::string(info.name) + " is not declared and taken as 1");
      }
      shape.push_back(size_of(dimension));
    }
    return shape;
  }
  if (type.has_shape && type.rank != given->shape.rank()) {
    throw Error(ErrorCode::usage, "the input " + in_quotes(info.name) + " has another rank",
                {std::to_string(type.rank) + " dimensions", to_string(given->shape)});
  }
  for (std::size_t i = 0; i < type.rank; ++i) {
    const OnnxDimension& dimension = type.dimensions[i];
    if (dimension.value >= 0 || dimension.name.empty()) continue;
    dims_seen_.insert(dimension.name);
    const auto [entry, is_new] = dims_.try_emplace(dimension.name, given->shape[i]);
    if (!is_new && entry->second != given->shape[i]) {
      throw Error(ErrorCode::usage,
                  "the symbolic size " + std::string(dimension.name) + " has two values",
                  {std::to_string(entry->second), std::to_string(given->shape[i])});
    }
  }
  return given->shape;
}

OnnxValue OnnxReader::sequence_input(const OnnxValueInfo& info, const OnnxType& type) {
  note("the sequence " + std::string(info.name) + " is taken to have one element");
  Shape shape;
  for (std::size_t i = 0; i < type.rank; ++i) shape.push_back(size_of(type.dimensions[i]));
  OnnxValue element;
  element.kind = OnnxValue::Kind::tensor;
  element.shapeless = !type.has_shape;
  element.id = graph_.add_input(graph_.arena().copy(info.name), shape, type.dtype, true);
  OnnxValue value;
  value.kind = OnnxValue::Kind::sequence;
  value.sequence = keep_sequence({element});
  return value;
}

void OnnxReader::add_input(const OnnxValueInfo& info, std::size_t index, OnnxFrame& frame) {
  const OnnxType type = records_.type(info.type);
  OnnxValue value;
  if (type.kind == OnnxType::Kind::sequence) {
    value = sequence_input(info, type);
  } else {
    const Shape shape = input_shape(info, type, index);
    value.kind = OnnxValue::Kind::tensor;
    value.id = graph_.add_input(graph_.arena().copy(info.name), shape, type.dtype);
    value.shapeless = !type.has_shape && shape.empty();
    if (value.shapeless) {
      note("the input " + std::string(info.name) +
           " has no declared shape; give it with --input-shape");
    }
  }
  frame.scope.define(info.name, value);
}

void OnnxReader::add_outputs(const OnnxGraph& graph, OnnxFrame& frame) {
  graph_.set_current_module(0);
  for (const OnnxValueInfo& info : graph.outputs) {
    const OnnxValue* value = frame.scope.find(info.name);
    if (value == nullptr) {
      records_.fail(graph.message, "no node makes the output " + in_quotes(info.name));
    }
    if (value->is_tensor()) {
      graph_.add_output(graph_.arena().copy(info.name), enter(*value, Role::data, info.name));
    } else if (value->kind == OnnxValue::Kind::sequence) {
      for (const OnnxValue& element : *value->sequence) {
        if (!element.is_tensor()) continue;
        graph_.add_output(graph_.arena().copy(info.name), enter(element, Role::data, info.name));
      }
    }
  }
}

/// Weights that no node reads are parameters of the model nevertheless.
void OnnxReader::add_unused_weights() {
  graph_.set_current_module(0);
  for (StoredTensor* stored : stored_) {
    if (stored->is_constant || stored->was_read || stored->id != no_id) continue;
    if (!is_floating(stored->dtype) || stored->type->shape.empty()) continue;
    enter(OnnxValue::of(stored), Role::weight, stored->name);
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
    const bool is_bounded = value->id != no_id && graph_.value(value->id).has(Value::bounded);
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

// -- OnnxReader: the nodes ----------------------------------------------------------------------

void OnnxReader::run_nodes(std::span<const std::string_view> nodes, OnnxFrame& frame) {
  if (++depth_ > deepest) {
    throw Error(ErrorCode::limit, "subgraphs and functions are nested too deeply",
                {"at most " + std::to_string(deepest), "more"});
  }
  OnnxNode node;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    records_.node(nodes[i], node);
    try {
      run_node(node, frame, nodes.subspan(i));
    } catch (Error& error) {
      locate(error, node);
      throw;
    }
  }
  if (const std::optional<std::string_view> duplicate = frame.scope.duplicate_name())
    refuse_duplicate_name(*duplicate, nodes);
  --depth_;
}

void OnnxReader::locate(Error& error, const OnnxNode& node) const {
  // The innermost node is the one to name; an operator's name alone is not a node's.
  if (error.place.byte_offset && !error.place.node.empty()) return;
  error.place.node = name_of(node);
  if (!error.place.byte_offset) error.place.byte_offset = records_.offset_of(node.message);
}

bool OnnxReader::makes(std::string_view message, std::string_view name, OnnxNode& node) const {
  records_.node(message, node);
  return std::ranges::find(node.outputs, name) != node.outputs.end();
}

void OnnxReader::undefined_name(const OnnxNode& node, std::string_view name,
                                std::span<const std::string_view> later) {
  OnnxNode other;
  for (const std::string_view message : later) {
    if (!makes(message, name, other)) continue;
    records_.fail(node.message, "the input " + in_quotes(name) +
                                    " is made by a node that comes later or by this one: nodes "
                                    "must stand in topological order");
  }
  records_.fail(node.message, "nothing makes the input " + in_quotes(name));
}

void OnnxReader::refuse_duplicate_name(std::string_view name,
                                       std::span<const std::string_view> nodes) {
  OnnxNode node;
  for (std::size_t i = nodes.size(); i-- > 0;) {
    if (makes(nodes[i], name, node)) break;
  }
  try {
    records_.fail(node.message, "duplicate value " + in_quotes(name));
  } catch (Error& error) {
    locate(error, node);
    throw;
  }
}

void OnnxReader::run_node(const OnnxNode& node, OnnxFrame& frame,
                          std::span<const std::string_view> later) {
  spend(static_cast<std::int64_t>(1 + node.inputs.size() + node.outputs.size()));
  OnnxContext context(*this, frame, node);
  bool takes_shapeless = false;
  std::vector<ValueId>& weights = frame.node_weights;
  weights.clear();
  for (const std::string_view input : node.inputs) {
    OnnxValue value;
    if (!input.empty()) {
      const OnnxValue* found = frame.scope.find(input);
      if (found == nullptr) undefined_name(node, input, later);
      value = *found;
    }
    takes_shapeless |= value.shapeless;
    if (value.stored != nullptr && !value.stored->is_constant) weights.push_back(value.stored->id);
    context.inputs_.push_back(value);
  }
  while (!context.inputs_.empty() && context.inputs_.back().kind == OnnxValue::Kind::absent) {
    context.inputs_.pop_back();
  }

  const NodeId first_node = static_cast<NodeId>(graph_.nodes().size());
  const Handlers& handlers = handlers_for(node);
  if (handlers.function != nullptr) {
    call_function(context, *handlers.function);
  } else if (takes_shapeless || !fold_onnx_node(context, handlers.fold)) {
    modules_.enter(node, weights);
    const bool is_unknown =
        handlers.row == nullptr || (takes_shapeless && !handlers.row->takes_anything);
    if (is_unknown || !emit(context, *handlers.row)) append_unknown(context);
  }
  if (!node.name.empty() && graph_.nodes().size() > first_node) {
    const std::string_view name = graph_.arena().copy(node.name);
    for (std::size_t i = first_node; i < graph_.nodes().size(); ++i) {
      if (graph_.node_name(static_cast<NodeId>(i)).empty()) {
        graph_.set_node_name(static_cast<NodeId>(i), name);
      }
    }
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (!node.outputs[i].empty()) frame.scope.define(node.outputs[i], context.outputs_[i]);
  }
}

/// False where the output's shape depends on data and nothing declares it.
bool OnnxReader::emit(OnnxContext& context, const OnnxOperator& row) {
  try {
    row.emit(context);
    return true;
  } catch (const OnnxDataDependent&) {
    const auto type = row.emit_declared != nullptr ? context.declared(0) : std::nullopt;
    if (!type || !row.emit_declared(context, *type)) return false;
    if (type->bounded) graph_.mark_bounded(context.outputs_[0].id);
    return true;
  }
}

const OnnxReader::Handlers& OnnxReader::handlers_for(const OnnxNode& node) {
  const OperatorKey key{node.domain, node.op_type, node.overload};
  // Nearly all nodes are of few operators, which hashing their names would take longer to find.
  const std::size_t at = key.op_type.empty() ? 0 : key.op_type.size() * 8 + (key.op_type[0] & 7U);
  auto& [recent_key, recent] = recent_handlers_[at % recent_handlers_.size()];
  if (recent != nullptr && recent_key == key) return *recent;
  auto found = handlers_.find(key);
  if (found == handlers_.end()) {
    const Handlers handlers{nullptr, find_onnx_operator(node.domain, node.op_type),
                            find_onnx_fold(node.domain, node.op_type)};
    found = handlers_.emplace(key, handlers).first;
  }
  recent_key = key;
  recent = &found->second;
  return *recent;
}

void OnnxReader::call_function(OnnxContext& context, const OnnxFunction& function) {
  for (const OnnxFrame* frame = &context.frame(); frame != nullptr;
       frame = frame->call != nullptr ? &frame->call->frame() : frame->outer) {
    if (frame->function == &function) {
      throw Error(ErrorCode::malformed,
                  "the function " + in_quotes(function.name) + " calls itself");
    }
  }
  spend(call_units);
  OnnxFrame frame(nullptr, function.nodes.size() + function.inputs.size());
  frame.opsets = function.opsets.empty() ? context.frame().opsets : function.opsets;
  for (const auto& [domain, version] : frame.opsets) {
    if (domain.empty() || domain == "ai.onnx") frame.default_opset = version;
  }
  frame.call = &context;
  frame.function = &function;
  frame.value_infos = function.value_infos;
  for (std::size_t i = 0; i < function.inputs.size(); ++i) {
    const OnnxValue value = i < context.inputs_.size() ? context.inputs_[i] : OnnxValue{};
    frame.scope.define(function.inputs[i], value);
  }
  if (frame.scope.duplicate_name()) {
    records_.fail(function.message, "duplicate input of the function " + in_quotes(function.name));
  }
  modules_.begin_function(context.node(), function);
  run_nodes(function.nodes, frame);
  modules_.end_function();
  for (std::size_t i = 0; i < function.outputs.size(); ++i) {
    const OnnxValue* value = frame.scope.find(function.outputs[i]);
    if (value == nullptr) {
      records_.fail(function.message, "no node makes the output " + in_quotes(function.outputs[i]) +
                                          " of the function " + in_quotes(function.name));
    }
    context.out_value(i, *value);
  }
}

std::vector<OnnxValue> OnnxReader::run_subgraph(const OnnxGraph& body, OnnxFrame& outer,
                                                std::span<const OnnxValue> inputs) {
  spend(call_units);
  OnnxFrame frame(&outer, body.nodes.size() + body.initializers.size() + inputs.size());
  frame.opsets = outer.opsets;
  frame.default_opset = outer.default_opset;
  frame.call = outer.call;
  frame.function = outer.function;
  frame.value_infos = body.value_infos;
  frame.outputs = body.outputs;
  add_initializers(body, frame);
  if (body.inputs.size() < inputs.size()) {
    records_.fail(body.message, "the subgraph takes " + std::to_string(body.inputs.size()) +
                                    " inputs and gets " + std::to_string(inputs.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    frame.scope.define(body.inputs[i].name, inputs[i]);
  }
  if (const std::optional<std::string_view> duplicate = frame.scope.duplicate_name())
    records_.fail(body.message, "duplicate input " + in_quotes(*duplicate));
  run_nodes(body.nodes, frame);
  std::vector<OnnxValue> outputs;
  for (const OnnxValueInfo& info : body.outputs) {
    const OnnxValue* value = frame.scope.find(info.name);
    if (value == nullptr) {
      records_.fail(body.message,
                    "no node makes the output " + in_quotes(info.name) + " of the subgraph");
    }
    outputs.push_back(*value);
  }
  return outputs;
}

void OnnxReader::append_unknown(OnnxContext& context) {
  const OnnxNode& node = context.node();
  std::vector<ValueId> inputs;
  for (std::size_t i = 0; i < context.inputs_.size(); ++i) {
    if (!context.has(i)) continue;
    const OnnxValue& value = context.inputs_[i];
    if (value.is_tensor()) inputs.push_back(enter(value, Role::data, node.inputs[i]));
    if (value.kind != OnnxValue::Kind::sequence) continue;
    for (const OnnxValue& element : *value.sequence) {
      if (element.is_tensor()) inputs.push_back(enter(element, Role::data, node.inputs[i]));
    }
  }
  std::vector<OutputType> types;
  std::vector<bool> is_declared;
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const std::optional<OutputType> type = context.declared(i);
    types.push_back(type.value_or(OutputType{Shape{}, DType::unknown, false}));
    is_declared.push_back(type.has_value());
  }
  Arena& arena = graph_.arena();
  const UnknownAttrs attrs{arena.copy(node.domain), arena.copy(node.op_type)};
  const NodeId appended = graph_.append_declared(unknown_op, graph_.keep(attrs), inputs, types);
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    OnnxValue value;
    value.kind = OnnxValue::Kind::tensor;
    value.id = graph_.nodes()[appended].first_output + static_cast<ValueId>(i);
    value.shapeless = !is_declared[i];
    context.out_value(i, value);
  }
}

}  // namespace zoometer
