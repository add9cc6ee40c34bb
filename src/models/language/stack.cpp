#include "models/language/stack.hpp"

#include <algorithm>
#include <cmath>

#include "zoometer/op/pool.hpp"
#include "zoometer/op/resample.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// Attention of one learnt query over all tokens (SigLIP's head), with the tensors of
/// torch.nn.MultiheadAttention.
struct ProbeAttention : Module<ProbeAttention> {
  static constexpr auto kind = "ProbeAttention";
  ProbeAttention(const Slot& slot, Tensor query, std::int64_t width, std::int64_t count)
      : Module(slot),
        probe(query),
        features(width),
        heads(count),
        in_proj_weight(parameter("in_proj_weight", {checked_mul(3, width), width})),
        in_proj_bias(parameter("in_proj_bias", {checked_mul(3, width)})),
        out_proj(at("out_proj"), width, width) {}
  Tensor probe;
  std::int64_t features;
  std::int64_t heads;
  Tensor in_proj_weight, in_proj_bias;
  Linear out_proj;

  /// x (N, L, features) -> (N, features).
  Tensor forward(Tensor x) const {
    const Tensor q = projected(expand(probe, {x.dim(0), 1, features}), 0);
    const Tensor y = scaled_dot_product_attention(q, projected(x, 1), projected(x, 2), {});
    return out_proj(reshape(transpose(y, 1, 2), {x.dim(0), features}));
  }

 private:
  Tensor projected(Tensor x, std::int64_t part) const {
    const std::int64_t start = part * features;
    const Tensor y = linear(x, slice(in_proj_weight, 0, start, start + features),
                            slice(in_proj_bias, 0, start, start + features));
    return transpose(in_heads(y, heads), 1, 2);
  }
};

/// Attention of the mean of a square of patches over the patches (Molmo's pooling). The two results
/// of the tower that it takes are both the last one here.
struct SquareAttention : Module<SquareAttention> {
  static constexpr auto kind = "SquareAttention";
  SquareAttention(const Slot& slot, std::int64_t in, std::int64_t out, std::int64_t count)
      : Module(slot),
        patches(count),
        wq(at("wq"), in, out),
        wk(at("wk"), in, out),
        wv(at("wv"), in, out),
        wo(at("wo"), out, out) {}
  std::int64_t patches;
  Linear wq, wk, wv, wo;

  /// x (N, squares, patches x in / 2) -> (N, squares, out).
  Tensor forward(Tensor x) const {
    constexpr std::int64_t heads = 16;
    const std::int64_t squares = checked_mul(x.dim(0), x.dim(1));
    Tensor each = reshape(x, {squares, patches, x.dim(2) / patches});
    each = cat({each, each}, 2);
    const Tensor q = transpose(in_heads(wq(mean(each, {1}, true)), heads), 1, 2);
    const Tensor k = transpose(in_heads(wk(each), heads), 1, 2);
    const Tensor v = transpose(in_heads(wv(each), heads), 1, 2);
    const Tensor y = scaled_dot_product_attention(q, k, v, {});
    return wo(reshape(transpose(y, 1, 2), {x.dim(0), x.dim(1), wo.weight.dim(0)}));
  }
};

Shape shape_of(const std::vector<std::int64_t>& sizes) { return Shape(Ints(std::span(sizes))); }

/// The side of a square table of that many rows, with or without one for the class token; 0: none.
std::int64_t side_of(std::int64_t rows) {
  const auto side = static_cast<std::int64_t>(std::sqrt(static_cast<double>(rows)));
  for (std::int64_t i = std::max<std::int64_t>(0, side - 1); i <= side + 1; ++i) {
    if (i * i == rows) return i;
  }
  return 0;
}

/// (N, channels, h, w) -> (N, h w, channels).
Tensor to_tokens(Tensor x) { return transpose(flatten(x, 2), 1, 2); }

/// The reverse.
Tensor to_grid(Tensor x, GridSize grid) {
  return reshape(transpose(x, 1, 2), {x.dim(0), x.dim(2), grid.height, grid.width});
}

/// (N, h w, c) -> (N, h/k w/k, k k c).
Tensor merged(Tensor x, std::int64_t k, GridSize& grid) {
  const GridSize next{grid.height / k, grid.width / k};
  if (next.height * k != grid.height || next.width * k != grid.width) {
    throw Error(ErrorCode::usage, "--input-shape",
                {"patches in squares of " + std::to_string(k) + " x " + std::to_string(k),
                 std::to_string(grid.height) + " x " + std::to_string(grid.width) + " patches"});
  }
  const std::int64_t features = x.dim(2);
  Tensor y = reshape(x, {x.dim(0), next.height, k, next.width, k, features});
  y = permute(y, {0, 1, 3, 2, 4, 5});
  grid = next;
  return reshape(y, {x.dim(0), next.height * next.width, k * k * features});
}

/// (N, L, c) -> (N, L/k, k c): tokens without a grid. Those at the end that are no whole group are
/// left out.
Tensor in_groups(Tensor x, std::int64_t k) {
  const std::int64_t groups = x.dim(1) / k;
  return reshape(slice(x, 1, 0, groups * k), {x.dim(0), groups, k * x.dim(2)});
}

std::int64_t windows(std::int64_t size, const Step& step) {
  return (checked_add(size, 2 * step.padding) - step.kernel) / step.stride + 1;
}

}  // namespace

struct Stack::State {
  Tensor x;
  PassageContext context;
  GridSize grid = {};
  std::vector<Tensor> further = {};
  std::vector<Tensor> kept = {};
};

Stack::Stack(const ModuleBase& model, const StackPlan& plan, Tensor shared_table)
    : plan_(&plan),
      model_{&model.graph(), model.module_id(), {}},
      table_(shared_table) {
  // The module of a network may hold other layers, too, which then find it; so may those of a tower
  // of sound, whose layers have convolutions beside the attention.
  const auto is_outer = [&](const Step& step) {
    return step.kind == Step::Kind::feed_forward ||
           (step.kind == Step::Kind::layers && plan.use == StackPlan::Use::sound);
  };
  built_.resize(plan.steps.size());
  for (const bool is_first : {true, false}) {
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
      if (is_outer(plan.steps[i]) == is_first) built_[i] = build(plan.steps[i]);
    }
  }
}

std::string_view Stack::container_kind() const {
  if (!plan_->container.empty()) return plan_->container;
  if (plan_->use == StackPlan::Use::picture) return "VisionTower";
  return plan_->use == StackPlan::Use::sound ? "AudioTower" : "Container";
}

Slot Stack::place_of(std::string_view path) const {
  return place_at(model_, path, container_kind());
}

Tensor Stack::parameter_at(const std::string& path, const Shape& shape, bool is_buffer) const {
  const Slot slot = place_of(path);
  const ParameterKind kind = is_buffer ? ParameterKind::buffer : ParameterKind::parameter;
  return {slot.graph,
          slot.graph->add_parameter(slot.parent, slot.name, shape, DType::float32, kind)};
}

void Stack::build_layers(const Step& step, Built& built) {
  const Slot list = open_path(model_, step.name, container_kind());
  Arena& arena = model_.graph->arena();
  std::int64_t number = step.first;
  for (const LayerPlan& layer : step.plans) {
    const Slot slot{list.graph, list.parent, arena.copy(std::to_string(number++))};
    built.layers.push_back(
        arena.make<TransformerLayer>(slot, layer, plan_->norm_kind, plan_->features));
    const std::int64_t width = rotary_features(layer);
    const auto has_width = [&](const RotaryEmbedding* rotary) {
      return 2 * rotary->inv_freq.dim(0) == width;
    };
    if (width == 0 || std::ranges::any_of(rotaries_, has_width)) continue;
    const Slot place{list.graph, list.parent, arena.copy("rotary_" + std::to_string(width))};
    rotaries_.push_back(arena.make<RotaryEmbedding>(place, width));
  }
}

void Stack::build_probe(const Step& step, Built& built) const {
  built.first = parameter_at(step.name + ".probe", {1, 1, step.in});
  built.module = any_module<ProbeAttention>(place_of(step.name + ".attention"), built.first,
                                            step.in, step.rows);
}

Stack::Built Stack::build(const Step& step) {
  Built built;
  Arena& arena = model_.graph->arena();
  switch (step.kind) {
  case Step::Kind::tokens:
  case Step::Kind::types:
  case Step::Kind::positions: {
    const auto* table = arena.make<Embedding>(place_of(step.name), step.rows, step.out);
    built.first = table->weight;
    if (step.kind == Step::Kind::tokens) table_ = table->weight;
    break;
  }
  case Step::Kind::grid_table:
  case Step::Kind::stored:
    built.first = parameter_at(step.name, shape_of(step.shape), step.is_buffer);
    break;
  case Step::Kind::class_token: {
    Shape shape;
    for (std::int64_t i = 1; i < step.rows; ++i) shape.push_back(1);
    shape.push_back(step.out);
    built.first = parameter_at(step.name, shape);
    break;
  }
  case Step::Kind::patches: {
    const Slot slot = place_of(step.name);
    const std::int64_t p = step.kernel;
    if (step.frames > 0) {
      const PerAxis sizes{step.frames, p, p};
      built.module =
          any_module<Conv3d>(slot, step.in, step.out,
                             ConvOptions{.kernel = sizes, .stride = sizes, .bias = step.bias});
    } else {
      built.module = any_module<Conv2d>(slot, step.in, step.out,
                                        ConvOptions{.kernel = p, .stride = p, .bias = step.bias});
    }
    break;
  }
  case Step::Kind::convolution: {
    const ConvOptions options{.kernel = step.kernel,
                              .stride = step.stride,
                              .padding = step.padding,
                              .groups = step.groups,
                              .bias = step.bias};
    built.module = step.frames > 0
                       ? any_module<Conv1d>(place_of(step.name), step.in, step.out, options)
                       : any_module<Conv2d>(place_of(step.name), step.in, step.out, options);
    break;
  }
  case Step::Kind::linear:
  case Step::Kind::flat_patches:
    built.module = linear_layer(place_of(step.name), step.in, step.out, step.bias);
    break;
  case Step::Kind::norm: built.module = norm_layer(place_of(step.name), step.norm, step.in); break;
  case Step::Kind::feed_forward:
    built.module = any_module<FeedForward>(place_of(step.name), step.network, step.in, step.out);
    break;
  case Step::Kind::square_attention:
    built.module = any_module<SquareAttention>(place_of(step.name), step.in, step.out,
                                               checked_mul(step.rows, step.rows));
    break;
  case Step::Kind::layers: build_layers(step, built); break;
  case Step::Kind::tied_head: built.first = parameter_at(step.name, {step.out}); break;
  case Step::Kind::product: built.first = parameter_at(step.name, {step.in, step.out}); break;
  case Step::Kind::probe: build_probe(step, built); break;
  case Step::Kind::branch:
  case Step::Kind::residual:
    for (const Step& inner : step.inner) built.inner.push_back(build(inner));
    break;
  default: break;
  }
  return built;
}

StackResult Stack::run(Tensor input, const Passage& passage) const {
  Passage own = passage;
  own.past = 0;
  State state{input, {own, *input.graph}};
  run_steps(plan_->steps, built_, state);
  return {state.x, std::move(state.further)};
}

void Stack::run_steps(const std::vector<Step>& steps, const std::vector<Built>& built,
                      State& state) const {
  for (std::size_t i = 0; i < steps.size(); ++i) run_step(steps[i], built[i], state);
}

void Stack::run_layers(const Built& built, std::int64_t repeats, State& state) const {
  if (state.context.tables.empty() && !rotaries_.empty()) {
    const Tensor places =
        unsqueeze(arange(*state.x.graph, 0, static_cast<double>(state.x.dim(1))), 0);
    for (const RotaryEmbedding* rotary : rotaries_)
      state.context.tables.emplace_back(2 * rotary->inv_freq.dim(0), (*rotary)(places));
  }
  for (std::int64_t i = 0; i < repeats; ++i) {
    for (const TransformerLayer* layer : built.layers) {
      state.x = (*layer)(state.x, Tensor{}, state.context);
      ++state.context.layer;
    }
  }
}

/// Rows for each token: those of a sequence, or those of a square in the size of the picture's
/// grid.
Tensor Stack::table_for(Tensor table, const Step& step, const State& state) const {
  const std::int64_t tokens = state.x.dim(1);
  if (table.rank() == 3 && state.grid.height > 0 && table.dim(0) == 2) {  // for each axis
    const Tensor rows = slice(table, 1, 0, tokens);
    return select(rows, 0, 0) + select(rows, 0, 1);
  }
  if (table.rank() == 3) table = reshape(table, {table.dim(0) * table.dim(1), table.dim(2)});
  const std::int64_t rows = table.dim(0) - step.first;
  if (state.grid.height == 0) {
    if (tokens > rows) {
      throw Error(ErrorCode::usage, "the tokens",
                  {"at most " + std::to_string(rows) + ": the table of positions has no more",
                   std::to_string(tokens)});
    }
    return embedding(table, unsqueeze(arange(*table.graph, static_cast<double>(step.first),
                                             static_cast<double>(step.first + tokens)),
                                      0));
  }
  if (rows == tokens) return unsqueeze(table, 0);
  const std::int64_t extra = tokens - state.grid.height * state.grid.width;
  const std::int64_t side = side_of(rows - extra);
  if (side == 0 || extra < 0) {
    throw Error(ErrorCode::usage, "--input-shape",
                {"a picture of " + std::to_string(rows) + " patches", std::to_string(tokens)});
  }
  const Tensor grid =
      permute(reshape(slice(table, 0, extra, rows), {1, side, side, table.dim(1)}), {0, 3, 1, 2});
  const Tensor resized = to_tokens(upsample_bicubic(grid, {state.grid.height, state.grid.width}));
  return extra == 0 ? resized : cat({unsqueeze(slice(table, 0, 0, extra), 0), resized}, 1);
}

void Stack::run_step(const Step& step, const Built& built, State& state) const {
  Tensor& x = state.x;
  switch (step.kind) {
  case Step::Kind::tokens: x = embedding(built.first, x); break;
  case Step::Kind::shared_tokens: x = embedding(table_, x); break;
  case Step::Kind::positions:
  case Step::Kind::grid_table: x = x + table_for(built.first, step, state); break;
  case Step::Kind::types: x = x + select(built.first, 0, 0); break;
  case Step::Kind::class_token:
    x = cat({expand(reshape(built.first, {1, 1, step.out}), {x.dim(0), 1, step.out}), x}, 1);
    break;
  case Step::Kind::patches:
    if (step.frames > 0) {
      x = expand(unsqueeze(x, 2), {x.dim(0), x.dim(1), step.frames, x.dim(2), x.dim(3)});
      x = squeeze(built.module(x), 2);
    } else {
      x = built.module(x);
    }
    state.grid = {x.dim(2), x.dim(3)};
    x = to_tokens(x);
    break;
  case Step::Kind::flat_patches: {
    const std::int64_t p = step.kernel;
    state.grid = {x.dim(2) / p, x.dim(3) / p};
    const GridSize& grid = state.grid;
    x = slice(slice(x, 2, 0, grid.height * p), 3, 0, grid.width * p);
    x = permute(reshape(x, {x.dim(0), x.dim(1), grid.height, p, grid.width, p}),
                {0, 2, 4, 1, 3, 5});
    x = built.module(reshape(x, {x.dim(0), grid.height * grid.width, step.in}));
    break;
  }
  case Step::Kind::convolution:
    if (step.frames > 0) {
      x = built.module(x);
    } else {
      x = built.module(to_grid(x, state.grid));
      state.grid = {x.dim(2), x.dim(3)};
      x = to_tokens(x);
    }
    break;
  case Step::Kind::linear:
  case Step::Kind::norm:
  case Step::Kind::feed_forward: x = built.module(x); break;
  case Step::Kind::activation: x = activate(step.activation, x); break;
  case Step::Kind::layers: run_layers(built, step.repeats, state); break;
  case Step::Kind::merge:
    x = state.grid.height > 0 ? merged(x, step.rows, state.grid) : in_groups(x, step.rows);
    break;
  case Step::Kind::square_attention: x = built.module(merged(x, step.rows, state.grid)); break;
  case Step::Kind::pool: {
    if (state.grid.height == 0) {
      x = in_groups(x, step.rows);
      x = mean(reshape(x, {x.dim(0), x.dim(1), step.rows, x.dim(2) / step.rows}), {2});
      break;
    }
    const GridSize next{state.grid.height / step.rows, state.grid.width / step.rows};
    x = to_tokens(adaptive_avg_pool(to_grid(x, state.grid), {{next.height, next.width}}));
    state.grid = next;
    break;
  }
  case Step::Kind::first_token: x = select(x, 1, 0); break;
  case Step::Kind::last_token: x = select(x, 1, x.dim(1) - 1); break;
  case Step::Kind::drop_first: x = slice(x, 1, 1, x.dim(1)); break;
  case Step::Kind::last_logits:
    if (!state.context.passage.has_all_logits) x = slice(x, 1, x.dim(1) - 1, x.dim(1));
    break;
  case Step::Kind::over_time: x = transpose(x, 1, 2); break;
  case Step::Kind::spectrum:
    state.grid = {x.dim(1), x.dim(2)};
    x = reshape(x, {x.dim(0), x.dim(1) * x.dim(2), 1});
    break;
  case Step::Kind::frames:
    x = reshape(x, {x.dim(0), state.grid.height, state.grid.width * x.dim(2)});
    state.grid = {};
    break;
  case Step::Kind::half_gate: {
    const Chunks halves = chunk(x, 2, -1);
    x = halves[0] * unary(sigmoid_op, halves[1]);
    break;
  }
  case Step::Kind::tied_head: x = linear(x, table_, built.first); break;
  case Step::Kind::stored: break;
  case Step::Kind::product: x = matmul(x, built.first); break;
  case Step::Kind::probe: x = built.module(x); break;
  case Step::Kind::keep: state.kept.push_back(x); break;
  case Step::Kind::join:
    x = cat(state.kept, 2);
    state.kept.clear();
    break;
  case Step::Kind::residual: {
    const Tensor before = x;
    run_steps(step.inner, built.inner, state);
    x = before + x;
    break;
  }
  case Step::Kind::branch: {
    State branch = state;
    run_steps(step.inner, built.inner, branch);
    state.further.push_back(branch.x);
    break;
  }
  }
}

std::int64_t stack_tokens(const StackPlan& plan, const Shape& input) {
  bool is_sound = input.rank() == 3;
  GridSize grid{is_sound ? 1 : input.dim(2), input.dim(input.rank() - 1)};
  std::int64_t extra = 0;
  for (const Step& step : plan.steps) {
    switch (step.kind) {
    case Step::Kind::patches:
    case Step::Kind::flat_patches:
      grid = {grid.height / step.kernel, grid.width / step.kernel};
      break;
    case Step::Kind::convolution:
      grid = {is_sound ? 1 : windows(grid.height, step), windows(grid.width, step)};
      break;
    case Step::Kind::spectrum:
      is_sound = false;
      grid = {input.dim(1), input.dim(2)};
      break;
    case Step::Kind::frames:
      is_sound = true;
      grid = {1, grid.height};
      break;
    case Step::Kind::merge:
    case Step::Kind::square_attention:
    case Step::Kind::pool:
      grid = {is_sound ? 1 : grid.height / step.rows, grid.width / step.rows};
      break;
    case Step::Kind::class_token: ++extra; break;
    case Step::Kind::drop_first: --extra; break;
    default: break;
    }
  }
  return checked_add(checked_mul(grid.height, grid.width), extra);
}

}  // namespace zoometer
