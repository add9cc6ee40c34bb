#include "import/onnx/context.hpp"

#include <algorithm>

#include "import/onnx/reader.hpp"

namespace zoometer {
namespace {

OnnxRole role_of(const OnnxOperator& row, std::size_t index) noexcept {
  using enum OnnxRole;
  if (row.rest.weights.has(index)) return weight;
  if (row.rest.statistics.has(index)) return statistic;
  if (row.rest.quantisation.has(index)) return quantisation;
  return row.rest.settings.has(index) ? setting : data;
}

}  // namespace

OnnxContext::OnnxContext(OnnxReader& reader, OnnxFrame& frame, const OnnxNode& node)
    : reader_(reader),
      graph_(reader.graph()),
      frame_(frame),
      node_(node),
      opset_(frame.default_opset),
      inputs_(frame.node_inputs),
      outputs_(frame.node_outputs) {
  inputs_.clear();
  outputs_.clear();
  for (std::size_t i = 0; i < node.outputs.size(); ++i) outputs_.emplace_back();
  if (!node.domain.empty()) {
    opset_ = 1;
    for (const auto& [domain, version] : frame.opsets) {
      if (domain == node.domain) opset_ = version;
    }
  }
}

// -- inputs -------------------------------------------------------------------------------------

const OnnxValue& OnnxContext::value(std::size_t index) const {
  if (!has(index)) fail("an input " + std::to_string(index));
  mark_input(index);
  return inputs_[index];
}

const Shape& OnnxContext::shape(std::size_t index) const { return reader_.shape_of(value(index)); }

DType OnnxContext::dtype(std::size_t index) const { return reader_.dtype_of(value(index)); }

Tensor OnnxContext::in(std::size_t index) { return in(index, role_of(*row_, index)); }

Tensor OnnxContext::in(std::size_t index, OnnxRole role) {
  return {&graph_, reader_.enter(value(index), role, node_.inputs[index])};
}

Tensor OnnxContext::optional_in(std::size_t index) {
  return has(index) ? in(index) : Tensor{&graph_, no_id};
}

Tensor OnnxContext::in_unpacked(std::size_t index, const Shape& shape, DType dtype) {
  const OnnxValue unpacked = reader_.unpacked(value(index), shape, dtype);
  return {&graph_, reader_.enter(unpacked, role_of(*row_, index), node_.inputs[index])};
}

std::vector<Tensor> OnnxContext::all_inputs(std::size_t from) {
  std::vector<Tensor> tensors;
  for (std::size_t i = from; i < input_count(); ++i) {
    if (has(i)) tensors.push_back(in(i));
  }
  return tensors;
}

const KnownTensor* OnnxContext::known(std::size_t index) const {
  const KnownTensor* tensor = has(index) ? reader_.known(inputs_[index]) : nullptr;
  if (tensor != nullptr) mark_input(index);
  return tensor;
}

const KnownTensor* OnnxContext::elements(std::size_t index) const {
  const OnnxValue& input = value(index);
  const KnownTensor* tensor = reader_.known(input);
  if (tensor == nullptr || tensor->count() > OnnxReader::most_known) {
    unknown_elements_ |= bit(index);
    return nullptr;
  }
  if (input.stored != nullptr) input.stored->was_read = true;
  return tensor;
}

std::optional<std::vector<std::int64_t>> OnnxContext::integers(std::size_t index) const {
  const KnownTensor* tensor = elements(index);
  if (tensor == nullptr) return std::nullopt;
  return tensor->all_integers();
}

std::optional<std::int64_t> OnnxContext::integer(std::size_t index) const {
  const KnownTensor* tensor = elements(index);
  if (tensor == nullptr) return std::nullopt;
  require(tensor->count() == 1, "a single number as input " + std::to_string(index));
  return tensor->integer(0);
}

std::optional<double> OnnxContext::constant_number(std::size_t index) const {
  if (!has(index)) return std::nullopt;
  const OnnxValue& input = inputs_[index];
  if (reader_.is_learnt(input)) return std::nullopt;
  const KnownTensor* tensor = reader_.known(input);
  if (tensor == nullptr || tensor->count() != 1) return std::nullopt;
  mark_input(index);
  return tensor->real(0);
}

// -- attributes ---------------------------------------------------------------------------------

namespace {

const OnnxAttribute* find_attribute(std::span<const OnnxAttribute> list, std::string_view name) {
  const auto found = std::ranges::find(list, name, &OnnxAttribute::name);
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

const OnnxAttribute* OnnxContext::attribute(std::string_view name) const {
  const OnnxAttribute* found = find_attribute(node_.attributes, name);
  if (found == nullptr) return nullptr;
  attributes_read_ |= bit(static_cast<std::size_t>(found - node_.attributes.data()));
  return resolved(*found);
}

const OnnxAttribute* OnnxContext::resolved(const OnnxAttribute& attribute) const {
  if (attribute.reference.empty()) return &attribute;
  if (frame_.call == nullptr) return nullptr;
  if (const OnnxAttribute* given = frame_.call->attribute(attribute.reference)) return given;
  return find_attribute(frame_.function->defaults, attribute.reference);
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

OnnxList OnnxContext::list(std::string_view name, std::size_t input, std::int64_t since) const {
  OnnxList result;
  if (opset_ < since || !has(input)) {
    static_cast<std::optional<std::vector<std::int64_t>>&>(result) = integers(name);
    return result;
  }
  static_cast<std::optional<std::vector<std::int64_t>>&>(result) = integers(input);
  result.depends_on_data = !result.has_value();
  return result;
}

// -- outputs ------------------------------------------------------------------------------------

OnnxOutcome OnnxContext::out(std::size_t index, Tensor tensor) {
  OnnxValue result;
  result.kind = OnnxValue::Kind::tensor;
  result.id = tensor.id;
  return out_value(index, result);
}

OnnxOutcome OnnxContext::out(std::size_t index, const KnownTensor* known) {
  OnnxValue result;
  result.kind = OnnxValue::Kind::tensor;
  result.known = known;
  return out_value(index, result);
}

OnnxOutcome OnnxContext::out_value(std::size_t index, const OnnxValue& value) {
  if (index < outputs_.size()) outputs_[index] = value;
  return OnnxOutcome::done;
}

std::optional<DeclaredType> OnnxContext::declared(std::size_t index) {
  if (!wants(index)) return std::nullopt;
  return reader_.declared(frame_, node_.outputs[index]);
}

bool OnnxContext::is_declared(std::size_t index, std::int64_t rank) {
  const std::optional<DeclaredType> type = declared(index);
  return type && type->is_known() && type->shape.rank() == rank;
}

void OnnxContext::at_most(std::size_t index, Tensor tensor, std::int64_t axis) {
  // Sorted, since a node may have 65,535 outputs, and each looks for its own.
  const std::pair bound(index, axis < 0 ? axis + tensor.rank() : axis);
  own_bounds_.insert(std::ranges::upper_bound(own_bounds_, bound), bound);
  out(index, tensor);
}

bool OnnxContext::has_ranges() const noexcept {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (has_bit(unknown_elements_, i) && inputs_[i].id != no_id && inputs_[i].known != nullptr)
      return true;
  }
  return false;
}

bool OnnxContext::is_exact(std::size_t index, std::int64_t axis) const {
  return !is_inexact_ || !reader_.is_open(value(index), axis);
}

// -- making values ------------------------------------------------------------------------------

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

// -- checks -------------------------------------------------------------------------------------

std::int64_t OnnxContext::axis(std::int64_t axis, std::int64_t rank) const {
  if (axis < -rank || axis >= rank) {
    fail("an axis within rank " + std::to_string(rank) + ", not " + std::to_string(axis));
  }
  return axis < 0 ? axis + rank : axis;
}

Ints OnnxContext::short_list(std::span<const std::int64_t> list) const {
  require(list.size() <= most_dimensions, "at most 16 dimensions");
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
  throw Error(ErrorCode::malformed, "invalid node",
              {std::string(expected), got.empty() ? "no inputs" : "inputs " + got});
}

void OnnxContext::note(std::string text) { reader_.note(std::move(text)); }

}  // namespace zoometer
