#include "random_network.hpp"

#include <array>

#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/op/resample.hpp"

namespace zoometer::testing {
namespace {

// Larger tensors are not used, so that no chain of steps grows without limit.
constexpr std::int64_t largest = 1 << 16;
constexpr std::size_t deepest = 4;  // of the module tree

ConvAttrs convolving(std::int64_t stride, std::int64_t padding, std::int64_t groups) {
  ConvAttrs attrs;
  attrs.stride = {stride, stride};
  attrs.padding = attrs.padding_end = {padding, padding};
  attrs.dilation = {1, 1};
  attrs.groups = groups;
  return attrs;
}

PoolAttrs pooling() {
  PoolAttrs attrs;
  attrs.kernel_size = {2, 2};
  attrs.stride = {1, 1};
  attrs.padding = attrs.padding_end = {1, 1};
  attrs.dilation = {1, 1};
  return attrs;
}

}  // namespace

RandomNetwork::RandomNetwork(const std::vector<RandomStep>& steps, std::int64_t batch) {
  graph.set_current_module(graph.add_module(no_id, "", "Net"));
  add({&graph, graph.add_input("image", {batch, 4, 6, 6}, DType::float32)});
  add({&graph, graph.add_input("tokens", {batch, 5, 8}, DType::float32)});
  for (const RandomStep& step : steps) run(step);
  while (!open_.empty()) leave_module();
  graph.add_output("last", unary(relu_op, tensors_.back()).id);
  graph.add_output("middle", unary(exp_op, tensors_[tensors_.size() / 2]).id);
}

void RandomNetwork::run(const RandomStep& step) {
  const auto [operation, first, second] = step;
  constexpr std::uint8_t kinds = 8;
  switch (operation % kinds) {
  case 0: return enter_module();
  case 1: return leave_module();
  default: break;
  }
  const Tensor a = pick(first);
  const Tensor b = pick(second);
  const auto which = static_cast<std::uint8_t>(operation / kinds);
  const bool is_image = a.rank() == 4;
  if (is_image && operation % 2 == 0) return apply_to_image(which, a, b);
  apply_to_any(which, a, b);
}

void RandomNetwork::apply_to_image(std::uint8_t operation, Tensor a, Tensor b) {
  const std::int64_t channels = a.dim(1);
  const auto of_channels = [&] { return parameter({channels}); };
  const auto buffer_of_channels = [&] { return parameter({channels}, ParameterKind::buffer); };
  switch (operation % 11) {
  case 0: return add(convolution(a, parameter({3, channels, 3, 3}), {}, convolving(1, 1, 1)));
  case 1:
    return add(
        convolution(a, parameter({channels, 1, 3, 3}), of_channels(), convolving(2, 1, channels)));
  case 2: {
    ConvAttrs attrs = convolving(2, 0, 1);
    attrs.output_padding = {0, 0};
    return add(conv_transpose(a, parameter({channels, 2, 2, 2}), {}, attrs));
  }
  case 3: {
    const Tensor weight = of_channels();
    const Tensor bias = of_channels();
    const Tensor mean = buffer_of_channels();
    return add(batch_norm(a, weight, bias, mean, buffer_of_channels()));
  }
  case 4: return add(max_pool(a, pooling()));
  case 5: return add(avg_pool(a, pooling()));
  case 6: return add(adaptive_avg_pool(a, {{3, 2}}));
  case 7: return add(upsample_nearest(a, {a.dim(2) + 1, a.dim(3) * 2}));
  case 8: return add(mean(a, {2, 3}));
  case 9: return add(transpose(a, 2, 3));
  default: {
    const bool fits = b.rank() == 4 && a.dim(2) == b.dim(2) && a.dim(3) == b.dim(3);
    return add(cat({a, fits ? b : a}, 1));
  }
  }
}

void RandomNetwork::apply_to_any(std::uint8_t operation, Tensor a, Tensor b) {
  const std::int64_t last = a.dim(-1);
  const Tensor same = a.shape() == b.shape() ? b : a;
  switch (operation % 12) {
  case 0: return add(unary(relu_op, a));
  case 1: return add(gelu(a));
  case 2: return add(a + same);
  case 3: return add(a * same);
  case 4: return add(softmax(a, -1));
  case 5: {
    const Tensor weight = parameter({7, last});
    return add(linear(a, weight, parameter({7})));
  }
  case 6: {
    const Tensor weight = parameter({last});
    return add(layer_norm(a, weight, parameter({last})));
  }
  case 7: return a.rank() > 2 ? add(matmul(a, transpose(same, -2, -1))) : add(sum(a, {1}, true));
  case 8: return add(flatten(a, 1));
  case 9: return add(slice(a, 1, 0, (a.dim(1) + 1) / 2));
  case 10: return add(unary(sigmoid_op, a, true));
  default: return add(a + 1.0);
  }
}

/// Keeps a tensor for later steps, unless it is too large.
void RandomNetwork::add(Tensor tensor) {
  if (graph.numel(tensor.id) <= largest) tensors_.push_back(tensor);
}

Tensor RandomNetwork::pick(std::uint8_t choice) const { return tensors_[choice % tensors_.size()]; }

Tensor RandomNetwork::parameter(const Shape& shape, ParameterKind kind) {
  const std::string_view name = numbered(kind == ParameterKind::parameter ? "weight" : "running");
  return {&graph, graph.add_parameter(graph.current_module(), name, shape, DType::float32, kind)};
}

void RandomNetwork::enter_module() {
  if (open_.size() == deepest) return;
  const ModuleId outer = graph.current_module();
  const ModuleId module = graph.add_module(outer, numbered("part"), "Part");
  open_.push_back({graph.begin_call(module), outer});
  graph.set_current_module(module);
}

void RandomNetwork::leave_module() {
  if (open_.empty()) return;
  const Tensor result = tensors_.back();
  graph.end_call(open_.back().call, {&result.id, 1});
  graph.set_current_module(open_.back().outer);
  open_.pop_back();
}

std::string_view RandomNetwork::numbered(const char* stem) {
  return graph.arena().copy(stem + std::to_string(names_++));
}

}  // namespace zoometer::testing
