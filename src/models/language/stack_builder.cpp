#include "models/language/stack_builder.hpp"

#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {

StackBuilder::StackBuilder(StackPlan::Use use, std::string_view input, std::string root)
    : root_(std::move(root)) {
  plan.use = use;
  plan.input = input;
}

StackBuilder& StackBuilder::in(std::string root) {
  root_ = std::move(root);
  return *this;
}

Step& StackBuilder::add(Step::Kind kind, std::string_view name) {
  Step& step = plan.steps.emplace_back();
  step.kind = kind;
  step.name = root_;
  if (!root_.empty() && !name.empty()) step.name += '.';
  step.name += name;
  return step;
}

StackBuilder& StackBuilder::tokens(std::string_view name, std::int64_t rows,
                                   std::int64_t features) {
  Step& step = add(Step::Kind::tokens, name);
  step.rows = rows;
  step.out = features;
  return *this;
}

StackBuilder& StackBuilder::positions(std::string_view name, std::int64_t rows,
                                      std::int64_t features, std::int64_t first) {
  Step& step = add(Step::Kind::positions, name);
  step.rows = rows;
  step.out = features;
  step.first = first;
  return *this;
}

StackBuilder& StackBuilder::grid_table(std::string_view name, std::vector<std::int64_t> shape) {
  add(Step::Kind::grid_table, name).shape = std::move(shape);
  return *this;
}

StackBuilder& StackBuilder::class_token(std::string_view name, std::int64_t features,
                                        std::int64_t rank) {
  Step& step = add(Step::Kind::class_token, name);
  step.out = features;
  step.rows = rank;
  return *this;
}

StackBuilder& StackBuilder::patches(std::string_view name, std::int64_t features, std::int64_t size,
                                    bool bias, std::int64_t frames) {
  Step& step = add(Step::Kind::patches, name);
  step.in = 3;
  step.out = features;
  step.kernel = size;
  step.bias = bias;
  step.frames = frames;
  return *this;
}

StackBuilder& StackBuilder::flat_patches(std::string_view name, std::int64_t features,
                                         std::int64_t size, bool bias) {
  Step& step = add(Step::Kind::flat_patches, name);
  step.in = product(3, size, size);
  step.out = features;
  step.kernel = size;
  step.bias = bias;
  return *this;
}

StackBuilder& StackBuilder::convolution(std::string_view name, std::int64_t in, std::int64_t out,
                                        std::int64_t kernel, std::int64_t stride,
                                        std::int64_t padding) {
  Step& step = add(Step::Kind::convolution, name);
  step.in = in;
  step.out = out;
  step.kernel = kernel;
  step.stride = stride;
  step.padding = padding;
  return *this;
}

StackBuilder& StackBuilder::convolution_over_time(std::string_view name, std::int64_t in,
                                                  std::int64_t out, std::int64_t kernel,
                                                  std::int64_t stride, std::int64_t padding) {
  convolution(name, in, out, kernel, stride, padding);
  plan.steps.back().frames = 1;
  return *this;
}

StackBuilder& StackBuilder::linear(std::string_view name, std::int64_t in, std::int64_t out,
                                   bool bias) {
  Step& step = add(Step::Kind::linear, name);
  step.in = in;
  step.out = out;
  step.bias = bias;
  return *this;
}

StackBuilder& StackBuilder::norm(std::string_view name, std::int64_t features, NormKind kind) {
  Step& step = add(Step::Kind::norm, name);
  step.in = features;
  step.norm = kind;
  return *this;
}

StackBuilder& StackBuilder::activation(ActivationKind kind) {
  add(Step::Kind::activation).activation = kind;
  return *this;
}

StackBuilder& StackBuilder::feed_forward(std::string_view name, std::int64_t features,
                                         const FeedForwardPlan& network) {
  Step& step = add(Step::Kind::feed_forward, name);
  step.in = features;
  step.network = network;
  return *this;
}

StackBuilder& StackBuilder::layers(std::string_view name, std::int64_t count,
                                   const LayerPlan& layer, std::int64_t first) {
  Step& step = add(Step::Kind::layers, name);
  step.plans.assign(static_cast<std::size_t>(count), layer);
  step.first = first;
  return *this;
}

StackBuilder& StackBuilder::layers(std::string_view name, std::vector<LayerPlan> plans) {
  add(Step::Kind::layers, name).plans = std::move(plans);
  return *this;
}

StackBuilder& StackBuilder::merge(std::int64_t size) {
  add(Step::Kind::merge).rows = size;
  return *this;
}

StackBuilder& StackBuilder::pool(std::int64_t size) {
  add(Step::Kind::pool).rows = size;
  return *this;
}

StackBuilder& StackBuilder::stored(std::string_view name, std::vector<std::int64_t> shape,
                                   bool is_buffer) {
  Step& step = add(Step::Kind::stored, name);
  step.shape = std::move(shape);
  step.is_buffer = is_buffer;
  return *this;
}

StackBuilder& StackBuilder::nested(Step::Kind kind, StackBuilder other) {
  add(kind).inner = std::move(other.plan.steps);
  return *this;
}

AttentionPlan full_attention(std::int64_t heads, std::int64_t features, bool bias) {
  if (heads < 1 || features % heads != 0) {
    throw Error(ErrorCode::malformed, "the number of heads",
                {"a divisor of " + std::to_string(features) + " features", std::to_string(heads)});
  }
  AttentionPlan plan;
  plan.heads = plan.key_value_heads = heads;
  plan.head = features / heads;
  plan.query_bias = plan.key_bias = plan.value_bias = plan.output_bias = bias;
  plan.rotary = 0;
  plan.is_causal = false;
  return plan;
}

std::int64_t picture_side(const Configuration& config, Keys keys, std::int64_t usual) {
  const Setting* setting = config.find(keys);
  if (setting == nullptr || setting->kind != Setting::Kind::list) return config.size(keys, usual);
  const std::vector<std::int64_t> sides = config.sizes(keys);
  return sides.empty() ? usual : sides.front();
}

}  // namespace zoometer
