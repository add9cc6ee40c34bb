#include "models/language/decoder.hpp"

#include <algorithm>

#include "models/language/blocks.hpp"

namespace zoometer {
namespace {

/// A module that only contains others: "model", "layers".
struct Container : Module<Container> {
  static constexpr auto kind = "Container";
  using Module::Module;
};

Slot below(const Slot& outer, std::string_view name) {
  return {outer.graph, outer.parent, outer.graph->arena().copy(name)};
}

/// Opens the modules of a path, such as "model.language_model". The result is a place in the last.
Slot open_path(Slot slot, std::string_view path) {
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    slot = {slot.graph, Container(below(slot, path.substr(0, dot))).module_id(), {}};
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return slot;
}

/// The experts beside a feed-forward network of Gemma 4, with norms of their own.
struct ExpertsBeside {
  AnyModule router;
  const Experts* experts = nullptr;
  AnyModule after_dense, before, after;
};

/// Gemma 4's router: a scale of the input and one of each expert.
struct ScaledRouter : Module<ScaledRouter> {
  static constexpr auto kind = "Router";
  ScaledRouter(const Slot& slot, std::int64_t experts, std::int64_t features) : Module(slot) {
    scale = parameter("scale", {features});
    per_expert_scale = parameter("per_expert_scale", {experts});
    projection = Linear(at("proj"), features, experts, false);
  }
  Tensor scale, per_expert_scale;
  Linear projection;

  Tensor forward(Tensor x) const {
    return softmax(projection(rms_norm(x, {}) * scale), -1) * per_expert_scale;
  }
};

struct DecoderLayer : Module<DecoderLayer> {
  static constexpr auto kind = "DecoderLayer";
  DecoderLayer(const Slot& slot, const LayerPlan& made, const DecoderPlan& model)
      : Module(slot),
        plan(made),
        features(model.features) {
    const NormKind norm = model.norm_kind;
    before_mixer = norm_if(plan.before_mixer, norm);
    if (const auto* attention_plan = std::get_if<AttentionPlan>(&plan.mixer))
      attention = make<Attention>(plan.mixer_name, *attention_plan);
    if (const auto* latent_plan = std::get_if<LatentPlan>(&plan.mixer))
      latent = make<LatentAttention>(plan.mixer_name, *latent_plan);
    if (const auto* state_plan = std::get_if<StatePlan>(&plan.mixer))
      state = make<StateMixer>(plan.mixer_name, *state_plan);
    if (!plan.second_name.empty()) second = make<StateMixer>(plan.second_name, plan.second);
    after_mixer = norm_if(plan.after_mixer, norm);
    before_feed_forward = norm_if(plan.before_feed_forward, norm);
    if (const auto* dense = std::get_if<FeedForwardPlan>(&plan.feed_forward))
      feed_forward = inner_or_own<FeedForward>(*dense);
    if (const auto* mixture = std::get_if<ExpertsPlan>(&plan.feed_forward))
      feed_forward = inner_or_own<MixtureOfExperts>(*mixture);
    after_feed_forward = norm_if(plan.after_feed_forward, norm);
    if (plan.has_experts_beside) declare_experts_beside();
    if (plan.has_scalar) scalar = buffer("layer_scalar", {1});
    if (plan.per_layer_features > 0) declare_per_layer_input();
  }
  const LayerPlan& plan;
  std::int64_t features;
  const Attention* attention = nullptr;
  const LatentAttention* latent = nullptr;
  const StateMixer* state = nullptr;
  const StateMixer* second = nullptr;
  AnyModule before_mixer, after_mixer, before_feed_forward, after_feed_forward, feed_forward;
  ExpertsBeside beside;
  AnyModule per_layer_gate, per_layer_projection, per_layer_norm;
  Tensor scalar;

  /// x (N, L, features), and this layer's own input or none -> the same.
  Tensor forward(Tensor x, Tensor own_input, PassageContext& context) const {
    Tensor y = plan.is_parallel ? run_parallel(x, context) : run_in_turn(x, context);
    if (is_there(per_layer_gate)) {
      const Tensor gated = gelu(per_layer_gate(y)) * own_input;
      y = y + per_layer_norm(per_layer_projection(gated));
    }
    return scalar.id == no_id ? y : y * scalar;
  }

 private:
  AnyModule norm_if(std::string_view name, NormKind norm) const {
    return name.empty() ? AnyModule{} : norm_layer(place(*this, name), norm, features);
  }
  template <class Child, class Plan>
  const Child* make(std::string_view name, const Plan& child_plan) const {
    return graph().arena().make<Child>(place(*this, name), child_plan, features);
  }
  /// The feed-forward network as a module, or without a name as modules of this layer.
  template <class Child, class Plan>
  AnyModule inner_or_own(const Plan& child_plan) const {
    if (!plan.feed_forward_name.empty())
      return any_module<Child>(place(*this, plan.feed_forward_name), child_plan, features);
    const ModuleBase& owner = *this;
    return {graph().arena().make<Child>(owner, child_plan, features),
            [](const void* module, Tensor x) -> Tensor {
              return static_cast<const Child*>(module)->forward(x);
            }};
  }
  void declare_experts_beside() {
    beside.router = any_module<ScaledRouter>(at("router"), plan.experts.experts, features);
    beside.experts = make<Experts>("experts", plan.experts);
    beside.after_dense = norm_if("post_feedforward_layernorm_1", NormKind::rms);
    beside.before = norm_if("pre_feedforward_layernorm_2", NormKind::rms);
    beside.after = norm_if("post_feedforward_layernorm_2", NormKind::rms);
  }
  void declare_per_layer_input() {
    per_layer_gate =
        linear_layer(at("per_layer_input_gate"), features, plan.per_layer_features, false);
    per_layer_projection =
        linear_layer(at("per_layer_projection"), plan.per_layer_features, features, false);
    per_layer_norm = any_module<RMSNorm>(at("post_per_layer_input_norm"), features);
  }

  Tensor mixed(Tensor x, PassageContext& context) const {
    Tensor y = attention != nullptr ? (*attention)(x, context)
               : latent != nullptr  ? (*latent)(x, context)
               : state != nullptr   ? (*state)(x, context)
                                    : x;
    return second == nullptr ? y : y + (*second)(x, context);
  }
  bool has_mixer() const { return attention != nullptr || latent != nullptr || state != nullptr; }

  Tensor run_parallel(Tensor x, PassageContext& context) const {
    const Tensor normed = apply_if(before_mixer, x);
    const Tensor other = is_there(before_feed_forward) ? before_feed_forward(x) : normed;
    return x + mixed(normed, context) + feed_forward(other);
  }
  Tensor run_in_turn(Tensor x, PassageContext& context) const {
    if (plan.is_post_norm) {
      x = apply_if(after_mixer, x + mixed(x, context));
      return apply_if(after_feed_forward, x + feed_forward(x));
    }
    if (has_mixer()) x = x + apply_if(after_mixer, mixed(apply_if(before_mixer, x), context));
    if (!is_there(feed_forward)) return x;
    Tensor y = feed_forward(apply_if(before_feed_forward, x));
    if (beside.experts != nullptr) y = beside.after_dense(y) + run_experts_beside(x);
    return x + apply_if(after_feed_forward, y);
  }
  Tensor run_experts_beside(Tensor x) const {
    const Tensor rows = reshape(x, {checked_mul(x.dim(0), x.dim(1)), x.dim(2)});
    const Selection chosen = topk(beside.router(rows), plan.experts.chosen);
    const Tensor each = (*beside.experts)(beside.before(rows), chosen.indices);
    const Tensor y = sum(each * unsqueeze(chosen.values, -1), {1});
    return beside.after(reshape(y, {x.dim(0), x.dim(1), x.dim(2)}));
  }
};

/// The sizes of rotary tables that attentions of a plan need.
std::int64_t rotary_features(const LayerPlan& plan) {
  if (const auto* attention = std::get_if<AttentionPlan>(&plan.mixer))
    return attention->rotary < 0 ? attention->head : attention->rotary;
  if (const auto* latent = std::get_if<LatentPlan>(&plan.mixer))
    return latent->is_rotated ? latent->rotary : 0;
  return 0;
}

struct Decoder : Module<Decoder> {
  static constexpr auto kind = "LanguageModel";
  Decoder(const Slot& slot, const DecoderPlan& made) : Module(slot), plan(made) {
    const Slot root = open_path({&graph(), module_id(), {}}, plan.root);
    const std::int64_t width =
        plan.embedding_features > 0 ? plan.embedding_features : plan.features;
    table = Embedding(below(root, plan.embedding), plan.vocabulary, width);
    if (!plan.positions.empty())
      positions = Embedding(below(root, plan.positions), plan.position_rows, plan.features);
    if (!plan.embedding_norm.empty())
      embedding_norm = norm_layer(below(root, plan.embedding_norm), plan.norm_kind, plan.features);
    if (!plan.project_in.empty())
      project_in = linear_layer(below(root, plan.project_in), width, plan.features, false);
    declare_per_layer_inputs(root);
    open_layers(root);
    if (!plan.norm.empty())
      norm = norm_layer(below(root, plan.norm), plan.norm_kind, plan.features);
    if (!plan.project_out.empty())
      project_out = linear_layer(below(root, plan.project_out), plan.features, width, false);
    if (!plan.head.empty()) open_head(width);
  }
  const DecoderPlan& plan;
  Embedding table, positions;
  AnyModule embedding_norm, project_in, project_out, norm;
  Embedding per_layer_table;
  AnyModule per_layer_projection, per_layer_norm;
  ArenaList<const DecoderLayer*> layers;
  ArenaList<const RotaryEmbedding*> rotaries;
  AnyModule head;
  Tensor head_bias;

  /// Tokens (N, L) -> logits, or what the last layer gives.
  Tensor forward(Tensor ids, PassageContext& context) const {
    make_tables(context);
    Tensor x = embedded(ids, context);
    const Tensor own_inputs = per_layer_inputs(ids, x);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      context.layer = i;
      const Tensor own =
          own_inputs.id == no_id ? own_inputs : select(own_inputs, 2, static_cast<std::int64_t>(i));
      x = (*layers[i])(x, own, context);
    }
    const bool is_cut = !plan.head.empty() && !context.passage.has_all_logits && x.dim(1) > 1;
    if (is_cut) x = slice(x, 1, x.dim(1) - 1, x.dim(1));
    return logits(apply_if(project_out, apply_if(norm, x)));
  }

 private:
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
    const Slot list = open_path(root, plan.layers);
    std::vector<std::int64_t> widths;
    for (std::size_t i = 0; i < plan.plans.size(); ++i) {
      const LayerPlan& layer = plan.plans[i];
      layers.push_back(graph().arena(), graph().arena().make<DecoderLayer>(
                                            below(list, std::to_string(i)), layer, plan));
      const std::int64_t width = rotary_features(layer);
      if (width > 0 && std::ranges::find(widths, width) == widths.end()) widths.push_back(width);
    }
    for (const std::int64_t width : widths)
      rotaries.push_back(
          graph().arena(),
          graph().arena().make<RotaryEmbedding>(
              below(root,
                    rotaries.size() == 0 ? "rotary_emb" : "rotary_emb_" + std::to_string(width)),
              width));
  }
  void open_head(std::int64_t width) {
    const std::int64_t outputs = plan.head_outputs > 0 ? plan.head_outputs : plan.vocabulary;
    if (!plan.is_tied) {
      head = linear_layer(place(*this, plan.head), width, outputs, plan.head_bias);
    } else if (plan.head_bias) {
      head_bias = parameter(graph().arena().copy(std::string(plan.head) + ".bias"), {outputs});
    }
  }

  void make_tables(PassageContext& context) const {
    if (rotaries.size() == 0) return;
    const Passage& passage = context.passage;
    const Tensor places = unsqueeze(arange(graph(), static_cast<double>(passage.past),
                                           static_cast<double>(passage.past + passage.tokens)),
                                    0);
    for (const RotaryEmbedding* rotary : rotaries) {
      const std::int64_t width = checked_mul(2, rotary->inv_freq.dim(0));
      context.tables.emplace_back(width, (*rotary)(places));
    }
  }

  Tensor embedded(Tensor ids, const PassageContext& context) const {
    Tensor x = apply_if(project_in, table(ids));
    if (positions.is_open()) {
      const auto past = static_cast<double>(context.passage.past);
      const auto end = past + static_cast<double>(context.passage.tokens);
      x = x + positions(unsqueeze(arange(graph(), past, end), 0));
    }
    return apply_if(embedding_norm, x);
  }

  /// (N, L, layers, features): what each layer gets, or none.
  Tensor per_layer_inputs(Tensor ids, Tensor x) const {
    if (!per_layer_table.is_open()) return {};
    const auto count = static_cast<std::int64_t>(layers.size());
    const Tensor projected = per_layer_norm(in_heads(per_layer_projection(x), count));
    return projected + in_heads(per_layer_table(ids), count);
  }

  Tensor logits(Tensor x) const {
    if (plan.head.empty()) return x;
    return is_there(head) ? head(x) : linear(x, table.weight, head_bias);
  }
};

}  // namespace

void trace_decoder(const DecoderPlan& plan, const Passage& passage, Graph& graph) {
  const Decoder decoder(root_slot(graph), plan);
  PassageContext context{passage, graph};
  const Tensor ids{&graph,
                   graph.add_input("input_ids", {passage.batch, passage.tokens}, DType::int64)};
  const Tensor y = decoder(ids, context);
  graph.add_output(plan.head.empty() ? "last_hidden_state" : "logits", y.id);
}

}  // namespace zoometer
