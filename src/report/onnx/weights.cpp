#include "report/onnx/weights.hpp"

#include <bit>
#include <cmath>
#include <cstring>

#include "op/conv.hpp"
#include "op/matmul.hpp"
#include "op/norm.hpp"
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

bool is_normalisation(const OpDef& op) {
  return &op == &batch_norm_op || &op == &layer_norm_op || &op == &group_norm_op ||
         &op == &instance_norm_op || &op == &rms_norm_op;
}

}  // namespace

OnnxWeights::OnnxWeights(const Graph& graph, const GraphOptions& options)
    : graph_(graph),
      seed_(options.seed) {
  find_roles();
  if (options.weights != WeightData::file) return;
  file_ = std::make_unique<Safetensors>(options.weight_file);
  check_file();
}

void OnnxWeights::find_roles() {
  for (const Parameter& parameter : graph_.parameters()) roles_.push_back(role_by_name(parameter));
  is_read_.resize(graph_.parameters().size());
  for (const Node& node : graph_.nodes()) {
    const auto inputs = graph_.inputs_of(node);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i] == no_id || !graph_.value(inputs[i]).has(Value::is_parameter)) continue;
      const NodeId parameter = graph_.value(inputs[i]).producer;
      is_read_[parameter] = true;
      const bool multiplies = is_convolution(*node.op) || node.op == &linear_op;
      // Scale, shift, mean and variance; weight and bias.
      if (is_normalisation(*node.op) && i > 0)
        roles_[parameter] = i == 1 || i == 4 ? Role::one : Role::zero;
      if (multiplies && i > 0) roles_[parameter] = i == 1 ? Role::weight : Role::zero;
    }
  }
}

OnnxWeights::Role OnnxWeights::role_by_name(const Parameter& parameter) const {
  const std::int64_t rank = graph_.shape(parameter.value).rank();
  if (!is_floating(graph_.value(parameter.value).dtype)) return Role::zero;
  if (parameter.name == "running_var") return Role::one;
  if (parameter.name == "running_mean" || parameter.name.ends_with("bias")) return Role::zero;
  if (parameter.name.ends_with("weight")) return rank < 2 ? Role::one : Role::weight;
  return Role::small;
}

void OnnxWeights::check_file() const {
  for (std::size_t i = 0; i < graph_.parameters().size(); ++i) {
    const Parameter& parameter = graph_.parameters()[i];
    const std::string name = graph_.parameter_path(parameter);
    const SafeTensor* tensor = file_->find(name);
    const Shape& shape = graph_.shape(parameter.value);
    const auto refuse = [&](Error::Detail what_came) {
      Error error(ErrorCode::malformed,
                  "the weights do not fit the model: " + escape_controls(name),
                  std::move(what_came));
      error.place.model = file_->path();
      throw error;
    };
    const auto describe = [](DType dtype, std::span<const std::int64_t> sizes) {
      return std::string(name_of(dtype)) + " " + to_string(sizes);
    };
    const DType dtype = graph_.value(parameter.value).dtype;
    if (tensor == nullptr) {
      // What counts training steps is often left out, and nothing reads it.
      if (is_read_[i]) refuse({describe(dtype, shape), "no such tensor"});
      continue;
    }
    const bool fits = tensor->dtype == dtype && std::ranges::equal(tensor->shape, shape);
    if (!fits) refuse({describe(dtype, shape), describe(tensor->dtype, tensor->shape)});
  }
}

std::string_view OnnxWeights::bytes(ParameterId parameter, std::string& scratch) const {
  if (file_ != nullptr) {
    const std::string name = graph_.parameter_path(graph_.parameters()[parameter]);
    if (const SafeTensor* tensor = file_->find(name)) {
      scratch = tensor->bytes;  // a copy, to know that they could be read before they are written
      file_->check();
      return scratch;
    }
  }
  fill(parameter, scratch);
  return scratch;
}

void OnnxWeights::fill(ParameterId id, std::string& bytes) const {
  const Parameter& parameter = graph_.parameters()[id];
  const Value& value = graph_.value(parameter.value);
  bytes.assign(static_cast<std::size_t>(graph_.bytes(parameter.value)), '\0');
  if (value.dtype != DType::float32) return;  // indices and counters: zeros
  const Shape& shape = graph_.shape(parameter.value);
  const std::int64_t count = graph_.numel(parameter.value);
  // He's rule for the weights in front of a rectifier: variance 2 / inputs of a unit.
  const std::int64_t inputs = shape.rank() > 0 && shape.dim(0) > 0 ? count / shape.dim(0) : 1;
  const float limit = roles_[id] == Role::weight
                          ? std::sqrt(6.0F / static_cast<float>(std::max<std::int64_t>(inputs, 1)))
                          : 0.02F;
  Random random(hash_of(graph_.parameter_path(parameter)) + static_cast<std::uint64_t>(seed_));
  for (std::int64_t i = 0; i < count; ++i) {
    const float number = roles_[id] == Role::zero  ? 0
                         : roles_[id] == Role::one ? 1
                                                   : random.next(limit);
    std::memcpy(bytes.data() + static_cast<std::size_t>(i) * sizeof number, &number, sizeof number);
  }
}

}  // namespace zoometer
