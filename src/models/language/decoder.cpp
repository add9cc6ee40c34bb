#include "models/language/decoder.hpp"

#include <algorithm>
#include <optional>

#include <fmt/core.h>

#include "models/language/stack.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::string_view container = "Container";

Slot below(const Slot& outer, std::string_view path) { return place_at(outer, path, container); }

/// An embedding under the names of the plan; further rows stand for tokens of pictures.
struct TokenTable : Module<TokenTable> {
  static constexpr auto kind = Embedding::kind;
  TokenTable() = default;
  TokenTable(const Slot& slot, const ModelPlan& plan, std::int64_t features) : Module(slot) {
    weight = parameter(plan.embedding_weight, {plan.vocabulary, features});
    if (plan.further_rows > 0) parameter("new_embedding", {plan.further_rows, features});
  }
  Tensor weight;

  Tensor forward(Tensor ids) const { return embedding(weight, ids); }
};

/// The shapes of a model's inputs, and how many tokens pass its decoder.
struct InputSizes {
  std::vector<std::optional<Shape>> stacks = {};  ///< nothing: the stack does not run
  std::int64_t tokens = 0;                        ///< of the decoder, all parts together
  std::int64_t placed = 0;                        ///< of these, those of pictures and sound
};

/// The results of a model.
struct Results {
  Tensor logits = {};
  std::vector<Tensor> others = {};  ///< of the stacks that stand alone
  std::vector<Tensor> tensors() const {
    std::vector<Tensor> all = others;
    if (logits.id != no_id) all.insert(all.begin(), logits);
    return all;
  }
};

struct LanguageModel : Module<LanguageModel> {
  static constexpr auto kind = "LanguageModel";
  LanguageModel(const Slot& slot, const ModelPlan& made) : Module(slot), plan(made) {
    if (!plan.plans.empty()) declare_decoder();
    for (const StackPlan& stack : plan.stacks) stacks.emplace_back(*this, stack, table.weight);
    if (!plan.pair_scale.empty()) {
      pair_scale = parameter(plan.pair_scale, plan.has_pair_bias ? Shape{1} : Shape{});
      if (plan.has_pair_bias) pair_bias = parameter("logit_bias", {1});
    }
  }
  void declare_decoder() {
    const Slot root = open_path({&graph(), module_id(), {}}, plan.root, container);
    const std::int64_t width =
        plan.embedding_features > 0 ? plan.embedding_features : plan.features;
    table = TokenTable(below(root, plan.embedding), plan, width);
    if (!plan.positions.empty())
      positions = Embedding(below(root, plan.positions), plan.position_rows, plan.features);
    if (!plan.embedding_norm.empty())
      embedding_norm = norm_layer(below(root, plan.embedding_norm), plan.norm_kind, plan.features);
    if (!plan.project_in.empty())
      project_in = linear_layer(below(root, plan.project_in), width, plan.features, false);
    declare_per_layer_inputs(root);
    open_layers(root);
    if (plan.streams > 0) declare_streams();
    declare_alternatives(root);
    if (!plan.norm.empty())
      norm = norm_layer(below(root, plan.norm), plan.norm_kind, plan.features);
    if (!plan.project_out.empty())
      project_out = linear_layer(below(root, plan.project_out), plan.features, width, false);
    if (!plan.head.empty()) open_head(width);
  }
  const ModelPlan& plan;
  TokenTable table;
  Embedding positions;
  AnyModule embedding_norm, project_in, project_out, norm;
  Embedding per_layer_table;
  AnyModule per_layer_projection, per_layer_norm;
  std::vector<const TransformerLayer*> layers;
  std::vector<const RotaryEmbedding*> rotaries;
  std::vector<Stack> stacks;
  Tensor pair_scale, pair_bias;
  AnyModule head;
  Tensor head_bias, head_buffer;
  Tensor stream_function, stream_base, stream_scale;
  std::vector<Linear> in_alternatives, out_alternatives;

  /// Inputs of the stacks that run, and tokens (N, L) of the decoder.
  Results forward(const std::vector<Tensor>& inputs, Tensor ids, PassageContext& context) const {
    Results results;
    std::vector<Tensor> parts;      // tokens of pictures and sound
    std::vector<Tensor> additions;  // what the first layers add to these
    for (std::size_t i = 0; i < stacks.size(); ++i) {
      if (inputs[i].id == no_id) continue;
      const StackResult result = stacks[i].run(inputs[i], context.passage);
      switch (stacks[i].plan().use) {
      case StackPlan::Use::alone: results.others.push_back(result.tokens); break;
      case StackPlan::Use::encoder: context.memory = result.tokens; break;
      default:
        parts.push_back(in_sequences(result.tokens, context));
        for (const Tensor more : result.further) additions.push_back(in_sequences(more, context));
      }
    }
    if (pair_scale.id != no_id) results.others.push_back(scores_of_pairs(results.others));
    if (!plan.plans.empty()) results.logits = decoded(ids, parts, additions, context);
    return results;
  }

 private:
  /// (pictures, tokens, features) -> (N, all tokens of a sequence, features).
  static Tensor in_sequences(Tensor x, const PassageContext& context) {
    return reshape(x, {context.passage.batch, -1, x.dim(-1)});
  }

  /// The similarity of each text and each picture (CLIP).
  Tensor scores_of_pairs(const std::vector<Tensor>& results) const {
    const Tensor scores =
        matmul(results[0], transpose(results[1], 0, 1)) * unary(exp_op, pair_scale);
    return pair_bias.id == no_id ? scores : scores + pair_bias;
  }

  Tensor decoded(Tensor ids, const std::vector<Tensor>& parts, const std::vector<Tensor>& additions,
                 PassageContext& context) const {
    make_tables(context);
    Tensor x = embedded(ids, parts, context);
    const Tensor own_inputs = per_layer_inputs(ids, x);
    x = in_streams(x);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      context.layer = i;
      const Tensor own =
          own_inputs.id == no_id ? own_inputs : select(own_inputs, 2, static_cast<std::int64_t>(i));
      x = (*layers[i])(x, own, context);
      if (i < additions.size()) x = with_added(x, additions[i]);
    }
    const bool is_cut = !plan.head.empty() && !context.passage.has_all_logits && x.dim(1) > 1;
    x = joined(x);
    if (is_cut) x = slice(x, 1, x.dim(1) - 1, x.dim(1));
    return logits(apply_if(project_out, apply_if(norm, x)));
  }

  /// The tokens of pictures are the first ones.
  static Tensor with_added(Tensor x, Tensor addition) {
    const std::int64_t end = addition.dim(1);
    if (end == x.dim(1)) return x + addition;
    return cat({slice(x, 1, 0, end) + addition, slice(x, 1, end, x.dim(1))}, 1);
  }

  void declare_per_layer_inputs(const Slot& root) {
    std::int64_t features = 0;
    for (const LayerPlan& layer : plan.plans)
      features = std::max(features, layer.per_layer_features);
    if (features == 0) return;
    const std::int64_t all = checked_mul(features, static_cast<std::int64_t>(plan.plans.size()));
    per_layer_table =
        Embedding(below(root, "embed_tokens_per_layer"), plan.per_layer_vocabulary, all);
    per_layer_projection =
        linear_layer(below(root, "per_layer_model_projection"), plan.features, all, false);
    per_layer_norm = any_module<RMSNorm>(below(root, "per_layer_projection_norm"), features);
  }

  void open_layers(const Slot& root) {
    if (plan.plans.empty()) return;
    const Slot list = open_path(root, plan.layers, container);
    std::vector<std::int64_t> widths;
    std::size_t number = 0;
    for (const LayerPlan& layer : plan.plans) {
      while (std::ranges::count(plan.other_layers, static_cast<std::int64_t>(number)) > 0) ++number;
      Arena& arena = graph().arena();
      layers.push_back(layer.is_second_half && !layers.empty()
                           ? arena.make<TransformerLayer>(*layers.back(), layer, plan.norm_kind)
                           : arena.make<TransformerLayer>(below(list, std::to_string(number++)),
                                                          layer, plan.norm_kind, plan.features));
      const std::int64_t width = rotary_features(layer);
      if (width > 0 && std::ranges::find(widths, width) == widths.end()) widths.push_back(width);
    }
    for (const std::int64_t width : widths)
      rotaries.push_back(graph().arena().make<RotaryEmbedding>(
          below(root, rotaries.empty() ? "rotary_emb" : "rotary_emb_" + std::to_string(width)),
          width));
  }
  void open_head(std::int64_t width) {
    const std::int64_t outputs = plan.head_outputs > 0 ? plan.head_outputs : plan.vocabulary;
    if (!plan.is_tied) {
      head = linear_layer(*this, plan.head, width, outputs, plan.head_bias, plan.adapters);
    } else if (plan.head_bias) {
      head_bias = parameter(graph().arena().copy(std::string(plan.head) + ".bias"), {outputs});
    }
    if (!plan.head_buffer.empty()) head_buffer = buffer(plan.head_buffer, {1, outputs});
  }

  void make_tables(PassageContext& context) const {
    if (rotaries.empty()) return;
    const Passage& passage = context.passage;
    const Tensor places = unsqueeze(arange(graph(), static_cast<double>(passage.past),
                                           static_cast<double>(passage.past + passage.tokens)),
                                    0);
    for (const RotaryEmbedding* rotary : rotaries) {
      const std::int64_t width = checked_mul(2, rotary->inv_freq.dim(0));
      context.tables.emplace_back(width, (*rotary)(places));
    }
  }

  /// Tokens of pictures and sound, and rows of the table.
  Tensor embedded(Tensor ids, const std::vector<Tensor>& parts,
                  const PassageContext& context) const {
    Tensor x = apply_if(project_in, table(ids));
    if (!parts.empty()) {
      std::vector<Tensor> all = parts;
      all.push_back(x);
      x = cat(all, 1);
    }
    if (positions.is_open()) {
      const auto first = static_cast<double>(context.passage.past + plan.first_position);
      const auto end = first + static_cast<double>(context.passage.tokens);
      x = x + positions(unsqueeze(arange(graph(), first, end), 0));
    }
    return apply_if(embedding_norm, x);
  }

  void declare_alternatives(const Slot& root) {
    for (std::int64_t i = 0; i + 1 < plan.alternatives; ++i) {
      const std::string number = std::to_string(i);
      in_alternatives.emplace_back(below(root, "altup_projections." + number), plan.features,
                                   plan.features, false);
      out_alternatives.emplace_back(below(root, "altup_unembed_projections." + number),
                                    plan.features, plan.features, false);
    }
  }
  /// (N, L, features) -> (N, L, alternatives, features).
  Tensor in_alternatives_of(Tensor x) const {
    std::vector<Tensor> copies{unsqueeze(x, 2)};
    for (const Linear& layer : in_alternatives) copies.push_back(unsqueeze(layer(x), 2));
    return cat(copies, 2);
  }
  /// The reverse.
  Tensor mean_of_alternatives(Tensor x) const {
    Tensor all = select(x, 2, 0);
    for (std::size_t i = 0; i < out_alternatives.size(); ++i)
      all = all + out_alternatives[i](select(x, 2, static_cast<std::int64_t>(i) + 1));
    return all * (1.0 / static_cast<double>(plan.alternatives));
  }

  void declare_streams() {
    const std::int64_t wide = checked_mul(plan.streams, plan.features);
    stream_function = parameter("hc_head_fn", {plan.streams, wide});
    stream_base = parameter("hc_head_base", {plan.streams});
    stream_scale = parameter("hc_head_scale", {1});
  }
  /// (N, L, streams, features) -> (N, L, features).
  Tensor joined(Tensor x) const {
    if (plan.alternatives > 0) return mean_of_alternatives(x);
    if (plan.streams == 0) return x;
    const Tensor flat = reshape(x, {x.dim(0), x.dim(1), plan.streams * plan.features});
    const Tensor weights = linear(rms_norm(flat, {}), stream_function, {}) * stream_scale;
    return sum(x * unsqueeze(unary(sigmoid_op, weights + stream_base), -1), {2});
  }
  Tensor in_streams(Tensor x) const {
    if (plan.alternatives > 0) return in_alternatives_of(x);
    if (plan.streams == 0) return x;
    return expand(unsqueeze(x, 2), {x.dim(0), x.dim(1), plan.streams, x.dim(2)});
  }

  /// (N, L, layers, features): what each layer gets, or none.
  Tensor per_layer_inputs(Tensor ids, Tensor x) const {
    if (!per_layer_table.is_open()) return {};
    const auto count = static_cast<std::int64_t>(layers.size());
    const Tensor projected = per_layer_norm(in_heads(per_layer_projection(x), count));
    const Tensor rows = in_heads(per_layer_table(ids), count);
    const std::int64_t placed = x.dim(1) - rows.dim(1);  // of pictures and sound, without rows
    if (placed == 0) return projected + rows;
    return cat({slice(projected, 1, 0, placed), slice(projected, 1, placed, x.dim(1)) + rows}, 1);
  }

  Tensor logits(Tensor x) const {
    if (plan.head.empty()) return x;
    const Tensor y = is_there(head) ? head(x) : linear(x, table.weight, head_bias);
    return head_buffer.id == no_id ? y : y + head_buffer;
  }
};

/// The shape that the options give an input, by its name or without one by its rank.
const Shape* given_shape(const Passage& passage, std::string_view input, std::size_t rank) {
  for (const InputShape& shape : passage.inputs) {
    if (shape.name == input || (shape.name.empty() && shape.shape.size() == rank))
      return &shape.shape;
  }
  return nullptr;
}

std::size_t rank_of(const StackPlan& stack) {
  return stack.sample.empty() ? 2 : stack.sample.size() + 1;
}

/// The batch and the tokens of "--input-shape N,L".
void take_token_shape(const ModelPlan& plan, Passage& passage) {
  if (plan.plans.empty()) return;
  const Shape* given = given_shape(passage, plan.input, 2);
  if (given == nullptr) return;
  if (given->rank() != 2)
    refuse_option("input-shape", "sequences and tokens: N,L", to_short_string(*given));
  passage.batch = given->dim(0);
  passage.tokens = given->dim(1);
  passage.has_tokens = false;
}

Shape with_batch(std::int64_t batch, const std::vector<std::int64_t>& sizes) {
  Shape shape{batch};
  for (const std::int64_t size : sizes) shape.push_back(size);
  return shape;
}

/// The shape of a stack's input; nothing where it does not run.
std::optional<Shape> input_shape(const StackPlan& stack, const Passage& passage) {
  if (stack.is_idle) return {};
  const Shape* given = given_shape(passage, stack.input, rank_of(stack));
  if (given != nullptr && given->size() != rank_of(stack)) {
    refuse_option("input-shape", fmt::format("{} sizes of {}", rank_of(stack), stack.input),
                  to_short_string(*given));
  }
  switch (stack.use) {
  case StackPlan::Use::picture:
  case StackPlan::Use::sound: return given == nullptr ? std::nullopt : std::optional(*given);
  case StackPlan::Use::encoder:
    if (passage.past > 0) return {};
    break;
  case StackPlan::Use::alone: break;
  }
  if (given != nullptr) return *given;
  if (!stack.sample.empty()) {
    Shape shape = with_batch(passage.batch, stack.sample);
    if (stack.use == StackPlan::Use::encoder && passage.encoder_tokens)
      shape.set_dim(2, checked_mul(*passage.encoder_tokens, stack.frames_per_token));
    return shape;
  }
  std::int64_t tokens = passage.tokens;
  if (stack.use == StackPlan::Use::encoder) tokens = passage.encoder_tokens.value_or(tokens);
  if (stack.most_tokens > 0) tokens = stack.most_tokens;
  return Shape{passage.batch, tokens};
}

/// Tokens of the encoder's result.
std::int64_t encoder_tokens(const ModelPlan& plan, const Passage& passage) {
  for (const StackPlan& stack : plan.stacks) {
    if (stack.use != StackPlan::Use::encoder) continue;
    if (passage.encoder_tokens) return *passage.encoder_tokens;
    if (!stack.sample.empty()) return stack.sample.back() / stack.frames_per_token;
    return passage.past > 0 ? 128 : passage.tokens;
  }
  if (passage.encoder_tokens) refuse_option("encoder-tokens", "a model with an encoder", "none");
  return 0;
}

void check_inputs(const ModelPlan& plan, const Passage& passage) {
  if (plan.plans.empty() && passage.past > 0)
    refuse_option("past", "a decoder", "an encoder, which takes all tokens at once");
  for (const InputShape& shape : passage.inputs) {
    const auto is_of = [&](std::string_view input, std::size_t rank) {
      return shape.name == input || (shape.name.empty() && shape.shape.size() == rank);
    };
    const bool is_known = (!plan.plans.empty() && is_of(plan.input, 2)) ||
                          std::ranges::any_of(plan.stacks, [&](const StackPlan& stack) {
                            return !stack.is_idle && is_of(stack.input, rank_of(stack));
                          });
    if (is_known) continue;
    refuse_option("input-shape", "an input of the model",
                  shape.name.empty() ? to_short_string(shape.shape) : shape.name);
  }
}

InputSizes input_sizes(const ModelPlan& plan, const Passage& passage) {
  InputSizes sizes;
  for (const StackPlan& stack : plan.stacks) {
    const std::optional<Shape> shape = input_shape(stack, passage);
    sizes.stacks.push_back(shape);
    const bool is_placed =
        stack.use == StackPlan::Use::picture || stack.use == StackPlan::Use::sound;
    if (!shape || !is_placed) continue;
    if (passage.batch < 1 || shape->dim(0) % passage.batch != 0) {
      refuse_option("input-shape",
                    fmt::format("as many inputs for each of {} sequences", passage.batch),
                    to_short_string(*shape));
    }
    const std::int64_t each = stack_tokens(stack, *shape);
    sizes.placed = checked_add(sizes.placed, checked_mul(shape->dim(0) / passage.batch, each));
  }
  sizes.tokens = passage.has_tokens ? passage.tokens : checked_add(passage.tokens, sizes.placed);
  if (sizes.placed > sizes.tokens) {
    refuse_option("tokens", fmt::format("at least {}, those of pictures and sound", sizes.placed),
                  std::to_string(sizes.tokens));
  }
  return sizes;
}

}  // namespace

void trace_model(const ModelPlan& plan, const Passage& asked, Graph& graph) {
  const LanguageModel model(root_slot(graph), plan);
  check_inputs(plan, asked);
  Passage passage = asked;
  take_token_shape(plan, passage);
  const InputSizes sizes = input_sizes(plan, passage);
  passage.tokens = sizes.tokens;
  PassageContext context{passage, graph};
  context.encoder_tokens = encoder_tokens(plan, passage);
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < plan.stacks.size(); ++i) {
    const StackPlan& stack = plan.stacks[i];
    Tensor input;
    if (sizes.stacks[i]) {
      const DType dtype = stack.sample.empty() ? DType::int64 : DType::float32;
      input = {&graph, graph.add_input(stack.input, *sizes.stacks[i], dtype)};
    }
    inputs.push_back(input);
  }
  Tensor ids;
  if (!plan.plans.empty()) {
    const Shape shape{passage.batch, sizes.tokens - sizes.placed};
    ids = {&graph, graph.add_input(plan.input, shape, DType::int64)};
  }
  const Results results = model(inputs, ids, context);
  if (results.logits.id != no_id)
    graph.add_output(plan.head.empty() ? "last_hidden_state" : "logits", results.logits.id);
  std::size_t number = 0;
  for (const StackPlan& stack : plan.stacks) {
    if (stack.use == StackPlan::Use::alone && !stack.is_idle)
      graph.add_output(stack.output, results.others[number++].id);
  }
  if (!plan.pair_scale.empty()) graph.add_output("logits_per_text", results.others[number].id);
}

}  // namespace zoometer
