#include "export/onnx/weights.hpp"

#include <algorithm>
#include <cmath>

#include "util/text.hpp"

namespace zoometer {
namespace {

/// splitmix64 (Steele, Lea, Flood 2014): the same numbers on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  /// Uniform in -limit to limit.
  float next(float limit) {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t bits = state_;
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9ULL;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBULL;
    bits ^= bits >> 31;
    return limit * (static_cast<float>(bits >> 40) * 0x1p-23F - 1);
  }

 private:
  std::uint64_t state_;
};

/// FNV-1a.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

// Activations of 8 bits reach from -3.2 to 9.6 with these.
constexpr float usual_scale = 0.05F;
constexpr std::int64_t usual_zero_point = 64;
constexpr float largest_integer = 127;  // of a weight, whose zero point is 0

/// He's rule for weights before a rectifier: variance 2 / inputs of a unit.
float limit_of_weights(const Shape& shape) {
  const std::int64_t units = shape.rank() > 0 ? std::max<std::int64_t>(shape[0], 1) : 1;
  const std::int64_t inputs = std::max<std::int64_t>(numel(shape) / units, 1);
  return std::sqrt(6.0F / static_cast<float>(inputs));
}

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// The integer type of a quantised type.
DType integers_of(DType dtype) {
  switch (dtype) {
  case DType::qint8: return DType::int8;
  case DType::quint8: return DType::uint8;
  case DType::qint32: return DType::int32;
  default: return dtype;
  }
}

}  // namespace

OnnxWeights::OnnxWeights(const Graph& graph, const GraphOptions& options)
    : graph_(graph),
      seed_(options.seed) {
  find_fills();
  if (options.weights != WeightData::file) return;
  file_ = std::make_unique<Safetensors>(options.weight_file);
  check_file();
}

void OnnxWeights::find_fills() {
  for (const Parameter& parameter : graph_.parameters()) fills_.push_back(fill_by_name(parameter));
  is_read_.resize(graph_.parameters().size());
  for (const Node& node : graph_.nodes()) {
    const auto inputs = graph_.inputs_of(node);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i] == no_id || !graph_.value(inputs[i]).has(Value::is_parameter)) continue;
      const NodeId parameter = graph_.value(inputs[i]).producer;
      is_read_[parameter] = true;
      if (const auto fill = fill_by_role(*node.op, i)) fills_[parameter] = *fill;
    }
  }
}

/// Other operators take any numbers: their parameters' names decide.
std::optional<OnnxWeights::Fill> OnnxWeights::fill_by_role(const OpDef& op, std::size_t operand) {
  const OperandList operands = op.inputs;
  const bool has_weight =
      std::ranges::any_of(operands, [](const Operand& each) { return each.role == Role::weight; });
  const bool decides = (op.kind == OpKind::product && has_weight) ||
                       op.kind == OpKind::normalisation || op.kind == OpKind::quantisation;
  if (!decides) return std::nullopt;
  switch (op.role_of(operand)) {
  case Role::weight: return Fill::weight;
  case Role::bias:
  case Role::shift:
  case Role::mean: return Fill::zero;
  case Role::scale:
  case Role::variance: return Fill::one;
  case Role::quantisation: return Fill::scale;
  case Role::zero_point: return Fill::zero_point;
  case Role::data:
  case Role::indices:
  case Role::mask: break;
  }
  return std::nullopt;
}

OnnxWeights::Fill OnnxWeights::fill_by_name(const Parameter& parameter) const {
  const std::int64_t rank = graph_.shape(parameter.value).rank();
  if (!is_floating(graph_.value(parameter.value).dtype)) return Fill::zero;
  if (parameter.name == "running_var") return Fill::one;
  if (parameter.name == "running_mean" || parameter.name.ends_with("bias")) return Fill::zero;
  if (parameter.name.ends_with("weight")) return rank < 2 ? Fill::one : Fill::weight;
  return Fill::small;
}

void OnnxWeights::check_file() const {
  for (std::size_t i = 0; i < graph_.parameters().size(); ++i) {
    const Parameter& parameter = graph_.parameters()[i];
    // The counter of training steps is often missing, and nothing reads it.
    find_tensor(graph_.parameter_path(parameter), graph_.value(parameter.value).dtype,
                graph_.shape(parameter.value), is_read_[i]);
  }
}

const SafeTensor* OnnxWeights::find_tensor(const std::string& name, DType dtype, const Shape& shape,
                                           bool is_needed) const {
  const auto refuse = [&](Error::Detail what_came) {
    Error error(ErrorCode::malformed,
                "the weights do not match the model: " + escape_controls(name),
                std::move(what_came));
    error.place.model = file_->path();
    throw error;
  };
  const auto describe = [](DType type, std::span<const std::int64_t> sizes) {
    return std::string(name_of(type)) + " " + to_string(sizes);
  };
  const DType wanted = integers_of(dtype);
  const SafeTensor* tensor = file_->find(name);
  if (tensor == nullptr) {
    if (is_needed) refuse({describe(wanted, shape), "no such tensor"});
    return nullptr;
  }
  const bool fits = tensor->dtype == wanted && std::ranges::equal(tensor->shape, shape);
  if (!fits) refuse({describe(wanted, shape), describe(tensor->dtype, tensor->shape)});
  return tensor;
}

std::string_view OnnxWeights::read(const SafeTensor& tensor, std::string& scratch) const {
  scratch = tensor.bytes;
  file_->check();
  return scratch;
}

std::string_view OnnxWeights::bytes(ParameterId parameter, std::string& scratch) const {
  if (file_ != nullptr) {
    const std::string name = graph_.parameter_path(graph_.parameters()[parameter]);
    if (const SafeTensor* tensor = file_->find(name)) return read(*tensor, scratch);
  }
  fill(parameter, scratch);
  return scratch;
}

std::string_view OnnxWeights::scale_bytes(const std::string& name, ParameterId weight,
                                          std::string& scratch) const {
  const Shape& shape = graph_.shape(graph_.parameters()[weight].value);
  if (file_ != nullptr) return read(*find_tensor(name, DType::float32, {shape[0]}, true), scratch);
  const float scale = limit_of_weights(shape) / largest_integer;
  scratch.clear();
  for (std::int64_t i = 0; i < shape[0]; ++i) append(scratch, scale);
  return scratch;
}

void OnnxWeights::fill(ParameterId id, std::string& bytes) const {
  const Parameter& parameter = graph_.parameters()[id];
  const DType dtype = graph_.value(parameter.value).dtype;
  const Fill fill = fills_[id];
  const float limit =
      fill == Fill::weight ? limit_of_weights(graph_.shape(parameter.value)) : 0.02F;
  const std::int64_t count = graph_.numel(parameter.value);
  bytes.clear();
  Random random(hash_of(graph_.parameter_path(parameter)) + static_cast<std::uint64_t>(seed_));
  if (dtype == DType::qint8) {
    for (std::int64_t i = 0; i < count; ++i)
      append(bytes, static_cast<std::int8_t>(random.next(largest_integer)));
  } else if (dtype == DType::int64 && fill == Fill::zero_point) {
    for (std::int64_t i = 0; i < count; ++i) append(bytes, usual_zero_point);
  } else if (dtype == DType::float32) {
    for (std::int64_t i = 0; i < count; ++i) {
      append(bytes, fill == Fill::zero    ? 0.0F
                    : fill == Fill::one   ? 1.0F
                    : fill == Fill::scale ? usual_scale
                                          : random.next(limit));
    }
  } else {
    bytes.assign(static_cast<std::size_t>(graph_.bytes(parameter.value)), '\0');
  }
}

}  // namespace zoometer
