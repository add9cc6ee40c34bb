#include "export/onnx/builder.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <protozero/pbf_writer.hpp>
#include <unordered_set>
#include <utility>

#include "util/text.hpp"
#include "util/to_integer.hpp"
#include "zoometer/op/elementwise.hpp"

namespace zoometer {
namespace {

// Field numbers and enumeration values of onnx.proto.
namespace graph_field {
constexpr protozero::pbf_tag_type node = 1;
constexpr protozero::pbf_tag_type name = 2;
constexpr protozero::pbf_tag_type input = 11;
constexpr protozero::pbf_tag_type output = 12;
}  // namespace graph_field
namespace node_field {
constexpr protozero::pbf_tag_type input = 1;
constexpr protozero::pbf_tag_type output = 2;
constexpr protozero::pbf_tag_type name = 3;
constexpr protozero::pbf_tag_type op_type = 4;
constexpr protozero::pbf_tag_type attribute = 5;
constexpr protozero::pbf_tag_type domain = 7;
}  // namespace node_field
namespace attribute_field {
constexpr protozero::pbf_tag_type name = 1;
constexpr protozero::pbf_tag_type real = 2;
constexpr protozero::pbf_tag_type integer = 3;
constexpr protozero::pbf_tag_type text = 4;
constexpr protozero::pbf_tag_type tensor = 5;
constexpr protozero::pbf_tag_type graph = 6;
constexpr protozero::pbf_tag_type reals = 7;
constexpr protozero::pbf_tag_type integers = 8;
constexpr protozero::pbf_tag_type type = 20;
}  // namespace attribute_field
namespace attribute_type {
constexpr std::int32_t real = 1;
constexpr std::int32_t integer = 2;
constexpr std::int32_t text = 3;
constexpr std::int32_t tensor = 4;
constexpr std::int32_t graph = 5;
constexpr std::int32_t reals = 6;
constexpr std::int32_t integers = 7;
}  // namespace attribute_type
namespace tensor_field {
constexpr protozero::pbf_tag_type sizes = 1;
constexpr protozero::pbf_tag_type type = 2;
constexpr protozero::pbf_tag_type raw = 9;
}  // namespace tensor_field

static_assert(std::endian::native == std::endian::little, "ONNX stores numbers little-endian");

template <class... Types>
struct Overloaded : Types... {
  using Types::operator()...;
};
template <class... Types>
Overloaded(Types...) -> Overloaded<Types...>;  // Clang 14 does not deduce aggregates

void write_argument(protozero::pbf_writer& node, const OnnxArgument& argument) {
  protozero::pbf_writer attribute(node, node_field::attribute);
  attribute.add_string(attribute_field::name, argument.name.data(), argument.name.size());
  const auto add_type = [&](std::int32_t type) { attribute.add_enum(attribute_field::type, type); };
  const auto add_integers = [&](std::span<const std::int64_t> values) {
    for (const std::int64_t value : values) attribute.add_int64(attribute_field::integers, value);
    add_type(attribute_type::integers);
  };
  std::visit(Overloaded{[&](std::int64_t value) {
                          attribute.add_int64(attribute_field::integer, value);
                          add_type(attribute_type::integer);
                        },
                        [&](double value) {
                          attribute.add_float(attribute_field::real, static_cast<float>(value));
                          add_type(attribute_type::real);
                        },
                        [&](std::string_view value) {
                          attribute.add_bytes(attribute_field::text, value.data(), value.size());
                          add_type(attribute_type::text);
                        },
                        [&](const Ints& values) { add_integers(values); },
                        [&](std::span<const std::int64_t> values) { add_integers(values); },
                        [&](std::span<const double> values) {
                          for (const double value : values)
                            attribute.add_float(attribute_field::reals, static_cast<float>(value));
                          add_type(attribute_type::reals);
                        },
                        [&](DType value) {
                          attribute.add_int64(attribute_field::integer, onnx_type_of(value));
                          add_type(attribute_type::integer);
                        }},
             argument.value);
}

void write_body(protozero::pbf_writer& node, const OnnxBody& body) {
  std::string fields = body.nodes;
  protozero::pbf_writer graph(fields);
  graph.add_string(graph_field::name, body.name);
  for (const std::string& input : body.inputs) graph.add_message(graph_field::input, input);
  for (const std::string& output : body.outputs) graph.add_message(graph_field::output, output);
  protozero::pbf_writer attribute(node, node_field::attribute);
  attribute.add_string(attribute_field::name, "body");
  attribute.add_message(attribute_field::graph, fields);
  attribute.add_enum(attribute_field::type, attribute_type::graph);
}

template <class T>
std::string bytes_of(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// A number as the bytes of one element.
std::string element_bytes(double value, DType dtype) {
  switch (dtype) {
  case DType::float64: return bytes_of(value);
  case DType::int64: return bytes_of(to_integer<std::int64_t>(value));
  case DType::int32:
  case DType::qint32: return bytes_of(to_integer<std::int32_t>(value));
  case DType::int16: return bytes_of(to_integer<std::int16_t>(value));
  case DType::int8:
  case DType::qint8: return bytes_of(to_integer<std::int8_t>(value));
  case DType::uint64: return bytes_of(to_integer<std::uint64_t>(value));
  case DType::uint32: return bytes_of(to_integer<std::uint32_t>(value));
  case DType::uint16: return bytes_of(to_integer<std::uint16_t>(value));
  case DType::uint8:
  case DType::quint8: return bytes_of(to_integer<std::uint8_t>(value));
  case DType::boolean: return bytes_of(static_cast<std::uint8_t>(value != 0));
  default: return bytes_of(static_cast<float>(value));
  }
}

bool has_element_bytes(DType dtype) { return dtype != DType::float16 && dtype != DType::bfloat16; }

std::span<const OnnxArgument> span_of(OnnxArguments arguments) {
  return {arguments.begin(), arguments.size()};
}

/// The attributes of an operator's declaration under their own names.
class OwnArguments : public AttrVisitor {
 public:
  void visit(std::string_view name, std::int64_t value) override { list.push_back({name, value}); }
  void visit(std::string_view name, double value) override { list.push_back({name, value}); }
  void visit(std::string_view name, bool value) override {
    list.push_back({name, std::int64_t{value}});
  }
  void visit(std::string_view name, std::span<const std::int64_t> value) override {
    list.push_back({name, value});
  }
  void visit(std::string_view name, std::span<const double> value) override {
    list.push_back({name, value});
  }
  void visit(std::string_view name, std::string_view value) override {
    list.push_back({name, value});
  }
  void visit(std::string_view name, DType value) override {
    list.push_back({name, zoometer::name_of(value)});
  }

  std::vector<OnnxArgument> list;
};

/// A part of a scope: a name without the separators of scopes.
std::string scope_part(std::string_view name) {
  std::string part = to_utf8(escape_controls(name));
  std::replace(part.begin(), part.end(), '/', '_');
  return part.empty() ? "_" : part;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

int onnx_type_of(DType dtype) {
  constexpr int newest = 16;  // bfloat16: the types after it came with later versions
  const int type = find_onnx_type(dtype);
  if (type == 0 || type > newest)
    throw Error(ErrorCode::unsupported, "ONNX's opset " + std::to_string(onnx_opset) +
                                            " has no element type " +
                                            std::string(zoometer::name_of(dtype)));
  return type;
}

int find_onnx_type(DType dtype) noexcept {
  switch (dtype) {
  case DType::float32: return 1;
  case DType::uint8:
  case DType::quint8: return 2;
  case DType::int8:
  case DType::qint8: return 3;
  case DType::uint16: return 4;
  case DType::int16: return 5;
  case DType::int32:
  case DType::qint32: return 6;
  case DType::int64: return 7;
  case DType::string: return 8;
  case DType::boolean: return 9;
  case DType::float16: return 10;
  case DType::float64: return 11;
  case DType::uint32: return 12;
  case DType::uint64: return 13;
  case DType::complex64: return 14;
  case DType::complex128: return 15;
  case DType::bfloat16: return 16;
  default: return 0;
  }
}

bool is_quantised(DType dtype) noexcept {
  return dtype == DType::qint8 || dtype == DType::quint8 || dtype == DType::qint32;
}

std::string onnx_value_info(std::string_view name, DType dtype, const Ints& sizes) {
  return onnx_value_info(name, onnx_type_of(dtype), sizes);
}

std::string onnx_value_info(std::string_view name, int data_type, const Ints& sizes) {
  constexpr protozero::pbf_tag_type name_field = 1;
  constexpr protozero::pbf_tag_type type_field = 2;
  constexpr protozero::pbf_tag_type tensor_type_field = 1;
  constexpr protozero::pbf_tag_type element_field = 1;
  constexpr protozero::pbf_tag_type shape_field = 2;
  constexpr protozero::pbf_tag_type dimension_field = 1;
  constexpr protozero::pbf_tag_type size_field = 1;
  // A shape without dimensions and a dimension without a size are messages of no bytes: the
  // writer would leave an empty nested one out.
  std::string dimensions;
  protozero::pbf_writer shape(dimensions);
  for (const std::int64_t size : sizes) {
    std::string dimension;
    if (size >= 0) protozero::pbf_writer(dimension).add_int64(size_field, size);
    shape.add_message(dimension_field, dimension);
  }
  std::string info;
  protozero::pbf_writer value(info);
  value.add_string(name_field, name.data(), name.size());
  protozero::pbf_writer type(value, type_field);
  protozero::pbf_writer tensor(type, tensor_type_field);
  tensor.add_int32(element_field, data_type);
  tensor.add_message(shape_field, dimensions);
  tensor.commit();
  type.commit();
  return info;
}

// -- names --------------------------------------------------------------------------------------

OnnxBuilder::OnnxBuilder(const Graph& graph, std::int64_t opset)
    : graph_(graph),
      opset_(opset),
      places_(graph),
      scopes_(places_.all().size()),
      raw_names_(places_.all().size()),
      names_(graph.values().size()) {
  name_ports();
}

void OnnxBuilder::name_ports() {
  for (const Port& port : graph_.inputs()) names_[port.value] = unique(port.name);
  for (const Parameter& parameter : graph_.parameters()) {
    if (parameter.shared_with == no_id)
      names_[parameter.value] = unique(graph_.parameter_path(parameter));
  }
  for (const Parameter& parameter : graph_.parameters()) {
    if (parameter.shared_with != no_id)
      names_[parameter.value] = names_[graph_.parameters()[parameter.shared_with].value];
  }
  for (const Port& port : graph_.outputs()) {
    if (names_[port.value].empty()) names_[port.value] = unique(port.name);
  }
}

std::string OnnxBuilder::unique(std::string_view name) {
  const std::string wanted = name.empty() ? "value" : to_utf8(escape_controls(name));
  if (taken_.insert(wanted).second) return wanted;
  int& last = suffixes_[wanted];
  std::string result;
  do {
    result = fmt::format("{}_{}", wanted, ++last);
  } while (!taken_.insert(result).second);
  return result;
}

const std::string& OnnxBuilder::name_of(ValueId value) const noexcept {
  static const std::string absent;
  return value == no_id ? absent : names_[value];
}

const std::string& OnnxBuilder::scope_of(std::size_t place) {
  if (place == 0 || !scopes_[place].empty()) return scopes_[place];
  const ModulePlace& at = places_[place];
  const std::string outer = scope_of(at.parent);
  // As torch.onnx names them: "/layer1/layer1.0", and "/relu_1" for the second call of "relu".
  const std::string part = scope_part(graph_.modules()[at.module].name);
  const bool counts = is_number(part) && at.parent != 0;
  raw_names_[place] = counts ? raw_names_[at.parent] + "." + part : part;
  scopes_[place] = outer + "/" + raw_names_[place];
  if (at.ordinal > 0) scopes_[place] += "_" + std::to_string(at.ordinal);
  return scopes_[place];
}

void OnnxBuilder::enter(NodeId node) { scope_ = scope_of(places_.of_node(node)); }

std::string OnnxBuilder::fresh_name(std::string_view op_type) {
  const std::string wanted = scope_ + "/" + std::string(op_type);
  std::size_t& count = counts_[wanted];
  std::string name;
  do {
    name = count == 0 ? wanted : wanted + "_" + std::to_string(count);
    ++count;
  } while (taken_.contains(name + "_output_0"));
  return name;
}

const std::string& OnnxBuilder::name_output(ValueId value, std::string_view node_name,
                                            std::size_t index) {
  std::string& name = names_[value];
  if (name.empty()) name = std::string(node_name) + "_output_" + std::to_string(index);
  return name;
}

// -- nodes --------------------------------------------------------------------------------------

void OnnxBuilder::add_node(const OnnxNodeFields& fields) {
  protozero::pbf_writer graph(nodes_);
  protozero::pbf_writer node(graph, graph_field::node);
  for (const std::string& input : fields.inputs) node.add_string(node_field::input, input);
  for (const std::string& output : fields.outputs) node.add_string(node_field::output, output);
  node.add_string(node_field::name, fields.name.data(), fields.name.size());
  node.add_string(node_field::op_type, fields.op_type.data(), fields.op_type.size());
  for (const OnnxArgument& argument : fields.arguments) write_argument(node, argument);
  if (fields.body != nullptr) write_body(node, *fields.body);
  if (!fields.domain.empty())
    node.add_string(node_field::domain, fields.domain.data(), fields.domain.size());
}

std::string OnnxBuilder::add_constant(DType dtype, std::span<const std::int64_t> sizes,
                                      std::string_view bytes) {
  const std::string name = fresh_name("Constant");
  std::string output = name + "_output_0";
  protozero::pbf_writer graph(nodes_);
  protozero::pbf_writer node(graph, graph_field::node);
  node.add_string(node_field::output, output);
  node.add_string(node_field::name, name);
  node.add_string(node_field::op_type, "Constant");
  protozero::pbf_writer attribute(node, node_field::attribute);
  attribute.add_string(attribute_field::name, "value");
  {
    protozero::pbf_writer tensor(attribute, attribute_field::tensor);
    for (const std::int64_t size : sizes) tensor.add_int64(tensor_field::sizes, size);
    tensor.add_int32(tensor_field::type, onnx_type_of(dtype));
    tensor.add_bytes(tensor_field::raw, bytes.data(), bytes.size());
  }
  attribute.add_enum(attribute_field::type, attribute_type::tensor);
  return output;
}

std::string OnnxBuilder::nodes_of(const std::function<void()>& write) {
  std::string outer;
  outer.swap(nodes_);
  write();
  nodes_.swap(outer);
  return outer;
}

void OnnxBuilder::add_outputs(std::span<const Port> further) {
  scope_.clear();
  std::unordered_set<ValueId> seen;
  for (const Port& port : graph_.outputs()) {
    const bool is_own = graph_.value(port.value).is_computed();
    if (seen.insert(port.value).second && is_own) {
      outputs_.push_back(names_[port.value]);
    } else {
      add_output(port);
    }
  }
  for (const Port& port : further) add_output(port);
}

void OnnxBuilder::add_output(const Port& port) {
  outputs_.push_back(unique(port.name));
  add_node({.op_type = "Identity",
            .name = fresh_name("Identity"),
            .inputs = {&names_[port.value], 1},
            .outputs = {&outputs_.back(), 1}});
}

std::optional<std::int64_t> OnnxBuilder::open_axis(ValueId value) const noexcept {
  const auto found = open_axes_.find(value);
  return found == open_axes_.end() ? std::nullopt : std::optional(found->second);
}

const OnnxScale* OnnxBuilder::scale_of(ValueId value) const noexcept {
  const auto found = scales_.find(value);
  return found == scales_.end() ? nullptr : &found->second;
}

std::string OnnxBuilder::weight_scale(ParameterId weight) {
  const auto found = std::ranges::find(weight_scales_, weight, &OnnxWeightScale::weight);
  if (found != weight_scales_.end()) return found->name;
  const std::string& name = names_[graph_.parameters()[weight].value];
  weight_scales_.push_back({unique(name + "_scale"), weight});
  return weight_scales_.back().name;
}

// -- steps --------------------------------------------------------------------------------------

std::vector<std::string> OnnxStep::inputs() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < node_.input_count(); ++i) names.push_back(in(i));
  return names;
}

DType OnnxStep::dtype(std::size_t index) const noexcept {
  return seen(builder_.graph().value(node_.input(index)).dtype);
}

DType OnnxStep::out_dtype(std::size_t index) const noexcept {
  return seen(builder_.graph().value(node_.output(index)).dtype);
}

DType OnnxStep::seen(DType dtype) const noexcept {
  if (operand_type_) return *operand_type_;
  return reals_ && is_quantised(dtype) ? DType::float32 : dtype;
}

std::string OnnxStep::name_result(std::string_view node_name, std::size_t output,
                                  std::size_t index) {
  if (!reals_) return builder_.name_output(node_.output(output), node_name, index);
  result_ = std::string(node_name) + "_output_" + std::to_string(index);
  return result_;
}

std::int64_t OnnxStep::axis(std::int64_t axis, std::size_t input) const noexcept {
  return axis < 0 ? axis + shape(input).rank() : axis;
}

std::string OnnxStep::add(std::string_view op_type, std::span<const std::string> inputs,
                          OnnxArguments arguments) {
  const std::string name = builder_.fresh_name(op_type);
  std::string output = name + "_output_0";
  builder_.add_node({op_type, name, inputs, {&output, 1}, span_of(arguments)});
  return output;
}

std::string OnnxStep::add(std::string_view op_type, OnnxNames inputs, OnnxArguments arguments) {
  return add(op_type, std::vector<std::string>(inputs.begin(), inputs.end()), arguments);
}

std::vector<std::string> OnnxStep::add_several(std::string_view op_type, OnnxNames inputs,
                                               std::size_t outputs, OnnxArguments arguments) {
  const std::string name = builder_.fresh_name(op_type);
  std::vector<std::string> made;
  for (std::size_t i = 0; i < outputs; ++i) made.push_back(name + "_output_" + std::to_string(i));
  const std::vector<std::string> names(inputs.begin(), inputs.end());
  builder_.add_node({op_type, name, names, made, span_of(arguments)});
  return made;
}

std::vector<std::string> OnnxStep::add_body(std::string_view op_type, OnnxNames inputs,
                                            std::size_t outputs, const OnnxBody& body) {
  const std::string name = builder_.fresh_name(op_type);
  std::vector<std::string> made;
  for (std::size_t i = 0; i < outputs; ++i) made.push_back(name + "_output_" + std::to_string(i));
  const std::vector<std::string> names(inputs.begin(), inputs.end());
  builder_.add_node({op_type, name, names, made, {}, &body});
  return made;
}

void OnnxStep::make(std::string_view op_type, std::span<const std::string> inputs,
                    OnnxArguments arguments) {
  const std::string name = builder_.fresh_name(op_type);
  std::vector<std::string> made;
  for (std::size_t i = 0; i < node_.output_count(); ++i) made.push_back(name_result(name, i, i));
  builder_.add_node({op_type, name, inputs, made, span_of(arguments)});
}

void OnnxStep::make(std::string_view op_type, OnnxNames inputs, OnnxArguments arguments) {
  make(op_type, std::vector<std::string>(inputs.begin(), inputs.end()), arguments);
}

void OnnxStep::make_output(std::size_t index, std::string_view op_type, OnnxNames inputs,
                           OnnxArguments arguments) {
  const std::string name = builder_.fresh_name(op_type);
  const std::string made = name_result(name, index, 0);
  const std::vector<std::string> names(inputs.begin(), inputs.end());
  builder_.add_node({op_type, name, names, {&made, 1}, span_of(arguments)});
}

std::string OnnxStep::add_reduce(std::string_view op_type, std::string_view x, const Ints& axes,
                                 bool keepdims) {
  constexpr std::int64_t axes_are_input = 18;
  const std::int64_t keep = keepdims ? 1 : 0;
  if (builder_.opset() < axes_are_input)
    return add(op_type, {x}, {{"axes", axes}, {"keepdims", keep}});
  return add(op_type, {x, integers(axes)}, {{"keepdims", keep}});
}

void OnnxStep::make_reduce(std::string_view op_type, std::string_view x, const Ints& axes,
                           bool keepdims) {
  constexpr std::int64_t axes_are_input = 18;
  const std::int64_t keep = keepdims ? 1 : 0;
  if (builder_.opset() < axes_are_input)
    return make(op_type, {x}, {{"axes", axes}, {"keepdims", keep}});
  make(op_type, {x, integers(axes)}, {{"keepdims", keep}});
}

std::string OnnxStep::integers(std::span<const std::int64_t> values) {
  const std::int64_t count[] = {static_cast<std::int64_t>(values.size())};
  return builder_.add_constant(DType::int64, count,
                               {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

std::string OnnxStep::integer(std::int64_t value) {
  return builder_.add_constant(DType::int64, {}, bytes_of(value));
}

std::string OnnxStep::number(double value, DType dtype) {
  if (has_element_bytes(dtype))
    return builder_.add_constant(dtype, {}, element_bytes(value, dtype));
  return cast(number(value), DType::float32, dtype);
}

std::string OnnxStep::reals(std::span<const double> values, const Shape& sizes) {
  std::string bytes;
  for (const double value : values) bytes += bytes_of(static_cast<float>(value));
  return builder_.add_constant(DType::float32, sizes, bytes);
}

std::string OnnxStep::cast(std::string_view x, DType from, DType to) {
  return from == to ? std::string(x) : add("Cast", {x}, {{"to", to}});
}

std::string OnnxStep::reshape(std::string_view x, const Ints& sizes) {
  const std::string wanted = integers(sizes);
  // Without `allowzero` a size of 0 would mean the input's.
  const bool has_zero = std::find(sizes.begin(), sizes.end(), 0) != sizes.end();
  return has_zero ? add("Reshape", {x, wanted}, {{"allowzero", std::int64_t{1}}})
                  : add("Reshape", {x, wanted});
}

std::string OnnxStep::unsqueeze(std::string_view x, std::int64_t axis) {
  return add("Unsqueeze", {x, integers({axis})});
}

std::string OnnxStep::slice(std::string_view x, std::int64_t axis, std::int64_t start,
                            std::int64_t end, std::int64_t step) {
  const std::string first = integers({start});
  const std::string last = integers({end});
  const std::string axes = integers({axis});
  return step == 1 ? add("Slice", {x, first, last, axes})
                   : add("Slice", {x, first, last, axes, integers({step})});
}

std::string OnnxStep::transposed(std::string_view x, std::int64_t rank) {
  Ints order;
  for (std::int64_t i = 0; i < rank; ++i) order.push_back(i);
  std::swap(order[static_cast<std::size_t>(rank - 1)], order[static_cast<std::size_t>(rank - 2)]);
  return add("Transpose", {x}, {{"perm", order}});
}

std::string OnnxStep::column(std::string_view x, std::int64_t axis, std::int64_t index) {
  return add("Gather", {x, integer(index)}, {{"axis", axis}});
}

std::string OnnxStep::size_of(std::string_view x, std::int64_t axis) {
  const std::string sizes = add("Shape", {x});
  return add("Gather", {sizes, integers({axis})}, {{"axis", std::int64_t{0}}});
}

std::string OnnxStep::operand(std::size_t index, DType dtype) {
  std::string x = cast(in(index), this->dtype(index), dtype);
  if (builder_.open_axis(node_.input(index))) return x;
  for (std::size_t i = 0; i < node_.input_count(); ++i) {
    const auto open = node_.has(i) ? builder_.open_axis(node_.input(i)) : std::nullopt;
    if (!open) continue;
    // Dimensions are matched from the last one, as broadcasting does.
    const std::int64_t from_end = *open - shape(i).rank();
    const std::int64_t own = from_end + shape(index).rank();
    if (own < 0 || shape(index).dim(own) == 1) continue;
    const std::string zero = integers({0});
    const std::string end = size_of(in(i), *open);
    return add("Slice", {x, zero, end, integers({own})});
  }
  return x;
}

std::pair<std::string, std::string> OnnxStep::operands(DType common) {
  std::string a = operand(0, common);
  if (!has(1)) return {std::move(a), number(attrs<ScalarAttrs>().scalar, common)};
  return {std::move(a), operand(1, common)};
}

DType OnnxStep::compared_type() const {
  const DType a = dtype(0);
  if (!has(1)) {
    const double number = attrs<ScalarAttrs>().scalar;
    if (is_floating(a) || is_complex(a)) return a;
    if (number != std::floor(number)) return DType::float32;
    return a == DType::boolean && number != 0 && number != 1 ? DType::int64 : a;
  }
  const DType b = dtype(1);
  const auto kind = [](DType type) {
    if (type == DType::boolean) return 0;
    if (is_complex(type)) return 3;
    return is_floating(type) ? 2 : 1;
  };
  if (shape(0).rank() > 0 && shape(1).rank() == 0 && kind(a) >= kind(b)) return a;
  if (shape(1).rank() > 0 && shape(0).rank() == 0 && kind(b) >= kind(a)) return b;
  return promote(a, b);
}

void OnnxStep::make_own() {
  OwnArguments arguments;
  if (node_.raw_attrs() != nullptr) node_.op().attrs.visit(node_.raw_attrs(), arguments);
  const std::string_view op_type = node_.op().name;
  const std::string name = builder_.fresh_name(op_type);
  std::vector<std::string> made;
  for (std::size_t i = 0; i < node_.output_count(); ++i)
    made.push_back(builder_.name_output(node_.output(i), name, i));
  const std::vector<std::string> names = inputs();
  builder_.add_node({op_type, name, names, made, arguments.list, nullptr, own_domain});
}

void OnnxStep::fail(std::string reason) const { throw OnnxMissing{std::move(reason)}; }

}  // namespace zoometer
