#include <algorithm>
#include <cmath>

#include "models/language/blocks.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// A module that only contains others, or parameters of a path: "model", "layers".
Slot open_container(const Slot& slot, std::string_view kind) {
  const ModuleId id = slot.graph->add_module(slot.parent, slot.name, kind);
  return {slot.graph, id, {}};
}

/// The child of that name, or `no_id`.
ModuleId child_of(const Graph& graph, ModuleId parent, std::string_view name) {
  const auto& modules = graph.modules();
  for (ModuleId id = 0; id < modules.size(); ++id) {
    if (modules[id].parent == parent && modules[id].name == name) return id;
  }
  return no_id;
}

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

Tensor attended(const Attention& attention, Tensor x, PassageContext& context) {
  return attention.is_open() ? attention(x, context) : attention.forward(x, context);
}

std::int64_t turned_features(const LayerPlan& plan) {
  if (const auto* attention = std::get_if<AttentionPlan>(&plan.mixer))
    return attention->rotary < 0 ? attention->head : attention->rotary;
  if (const auto* latent = std::get_if<LatentPlan>(&plan.mixer))
    return latent->is_rotated ? latent->rotary : 0;
  if (const auto* compressed = std::get_if<CompressedPlan>(&plan.mixer)) return compressed->rotary;
  return 0;
}

Tensor scaled_by(Tensor x, Tensor factor) { return factor.id == no_id ? x : x * factor; }

}  // namespace

void require_size(std::string_view what, std::int64_t size) {
  if (size >= 1) return;
  throw Error(ErrorCode::malformed, std::string(what), {"at least 1", std::to_string(size)});
}

void require_heads(std::int64_t heads, std::int64_t key_value_heads) {
  require_size("heads of an attention", heads);
  require_size("heads of keys and values", key_value_heads);
  if (heads % key_value_heads == 0) return;
  throw Error(ErrorCode::malformed, "heads of keys and values",
              {"a divisor of " + std::to_string(heads), std::to_string(key_value_heads)});
}

Slot open_path(Slot slot, std::string_view path, std::string_view kind) {
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    const ModuleId known = child_of(*slot.graph, slot.parent, name);
    slot = known != no_id
               ? Slot{slot.graph, known, {}}
               : open_container({slot.graph, slot.parent, slot.graph->arena().copy(name)}, kind);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return slot;
}

Slot place_at(const Slot& slot, std::string_view path, std::string_view kind) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos)
    return {slot.graph, slot.parent, slot.graph->arena().copy(path)};
  const Slot outer = open_path(slot, path.substr(0, dot), kind);
  return {outer.graph, outer.parent, outer.graph->arena().copy(path.substr(dot + 1))};
}

TransformerLayer::TransformerLayer(const Slot& slot, const LayerPlan& made, NormKind norm,
                                   std::int64_t width)
    : Module(slot),
      plan(made),
      features(width) {
  declare(norm);
}

TransformerLayer::TransformerLayer(const TransformerLayer& first, const LayerPlan& made,
                                   NormKind norm)
    : Module(first),
      plan(made),
      features(first.features) {
  declare(norm);
}

void TransformerLayer::declare(NormKind norm) {
  before_all = norm_if(plan.before_all, norm);
  before_mixer = norm_if(plan.before_mixer, norm);
  if (const auto* attention_plan = std::get_if<AttentionPlan>(&plan.mixer))
    attention = make<Attention>(plan.mixer_name, *attention_plan);
  if (const auto* latent_plan = std::get_if<LatentPlan>(&plan.mixer))
    latent = make<LatentAttention>(plan.mixer_name, *latent_plan);
  if (const auto* state_plan = std::get_if<StatePlan>(&plan.mixer))
    state = make<StateMixer>(plan.mixer_name, *state_plan);
  if (const auto* compressed_plan = std::get_if<CompressedPlan>(&plan.mixer))
    compressed = make<CompressedAttention>(plan.mixer_name, *compressed_plan);
  if (!plan.second_name.empty()) second = make<StateMixer>(plan.second_name, plan.second);
  mixer_scale = scale_if(plan.mixer_scale);
  after_mixer = norm_if(plan.after_mixer, norm);
  before_cross = norm_if(plan.before_cross, norm);
  if (!plan.cross_name.empty()) cross = make<Attention>(plan.cross_name, plan.cross);
  after_cross = norm_if(plan.after_cross, norm);
  before_feed_forward = norm_if(plan.before_feed_forward, norm);
  if (const auto* dense = std::get_if<FeedForwardPlan>(&plan.feed_forward))
    feed_forward = inner_or_own<FeedForward>(*dense);
  if (const auto* mixture = std::get_if<ExpertsPlan>(&plan.feed_forward))
    feed_forward = inner_or_own<MixtureOfExperts>(*mixture);
  feed_forward_scale = scale_if(plan.feed_forward_scale);
  after_feed_forward = norm_if(plan.after_feed_forward, norm);
  if (plan.has_experts_beside) declare_experts_beside();
  if (!plan.shortcut.empty() && !plan.is_second_half)
    shortcut = make<MixtureOfExperts>(plan.shortcut, plan.experts);
  if (plan.alternatives > 0)
    updates = graph().arena().make<AlternatingUpdates>(at("altup"), plan.alternatives, features);
  if (plan.side_rank > 0)
    side_path = graph().arena().make<LowRankPath>(at("laurel"), features, plan.side_rank);
  if (plan.streams > 0) {
    mixer_streams.declare(*this, "hc_attn", plan.streams, features);
    feed_forward_streams.declare(*this, "hc_ffn", plan.streams, features);
  }
  if (plan.has_scalar) scalar = buffer("layer_scalar", {1});
  if (plan.per_layer_features > 0) declare_per_layer_input();
}

AnyModule TransformerLayer::norm_if(std::string_view name, NormKind norm) const {
  return name.empty() ? AnyModule{} : norm_layer(place(*this, name), norm, features);
}

Tensor TransformerLayer::scale_if(std::string_view name) const {
  return name.empty() ? Tensor{} : parameter(name, {features});
}

/// A module of that name, or without a name modules of this layer.
template <class Child, class Plan>
const Child* TransformerLayer::make(std::string_view name, const Plan& child_plan) const {
  if constexpr (std::is_constructible_v<Child, const ModuleBase&, const Plan&, std::int64_t>) {
    const ModuleBase& owner = *this;
    if (name.empty()) return graph().arena().make<Child>(owner, child_plan, features);
  }
  return graph().arena().make<Child>(place(*this, name), child_plan, features);
}

/// The feed-forward network as a module, or without a name as modules of this layer.
template <class Child, class Plan>
AnyModule TransformerLayer::inner_or_own(const Plan& child_plan) const {
  if (!plan.feed_forward_name.empty())
    return any_module<Child>(place(*this, plan.feed_forward_name), child_plan, features);
  const ModuleBase& owner = *this;
  return {graph().arena().make<Child>(owner, child_plan, features),
          [](const void* module, Tensor x) -> Tensor {
            return static_cast<const Child*>(module)->forward(x);
          }};
}

void TransformerLayer::declare_experts_beside() {
  beside.router = any_module<ScaledRouter>(at("router"), plan.experts.experts, features);
  beside.experts = make<Experts>("experts", plan.experts);
  beside.after_dense = norm_if("post_feedforward_layernorm_1", NormKind::rms);
  beside.before = norm_if("pre_feedforward_layernorm_2", NormKind::rms);
  beside.after = norm_if("post_feedforward_layernorm_2", NormKind::rms);
}

void TransformerLayer::declare_per_layer_input() {
  per_layer_gate =
      linear_layer(at("per_layer_input_gate"), features, plan.per_layer_features, false);
  per_layer_projection =
      linear_layer(at("per_layer_projection"), plan.per_layer_features, features, false);
  per_layer_norm = any_module<RMSNorm>(at("post_per_layer_input_norm"), features);
}

Tensor TransformerLayer::forward(Tensor x, Tensor own_input, PassageContext& context) const {
  x = apply_if(before_all, x);
  if (plan.streams > 0) return run_streams(x, context);
  if (updates != nullptr) return run_alternatives(x, own_input, context);
  Tensor y = plan.is_parallel    ? run_parallel(x, context)
             : plan.is_post_norm ? run_post_norm(x, context)
                                 : run_in_turn(x, context);
  if (is_there(per_layer_gate)) y = y + from_own_input(y, own_input);
  return scaled_by(y, scalar);
}

Tensor TransformerLayer::from_own_input(Tensor x, Tensor own_input) const {
  return per_layer_norm(per_layer_projection(gelu(per_layer_gate(x)) * own_input));
}

Tensor TransformerLayer::mixed(Tensor x, PassageContext& context) const {
  const Tensor y = attention != nullptr    ? attended(*attention, x, context)
                   : latent != nullptr     ? (*latent)(x, context)
                   : state != nullptr      ? (*state)(x, context)
                   : compressed != nullptr ? (*compressed)(x, context)
                                           : x;
  return scaled_by(second == nullptr ? y : y + (*second)(x, context), mixer_scale);
}

Tensor TransformerLayer::passed(Tensor x) const {
  return scaled_by(feed_forward(x), feed_forward_scale);
}

Tensor TransformerLayer::run_parallel(Tensor x, PassageContext& context) const {
  const Tensor normed = apply_if(before_mixer, x);
  const Tensor other = is_there(before_feed_forward) ? before_feed_forward(x) : normed;
  return x + mixed(normed, context) + passed(other);
}

Tensor TransformerLayer::run_post_norm(Tensor x, PassageContext& context) const {
  x = apply_if(after_mixer, x + mixed(x, context));
  if (cross != nullptr) x = apply_if(after_cross, x + attended(*cross, x, context));
  return apply_if(after_feed_forward, x + passed(x));
}

Tensor TransformerLayer::run_in_turn(Tensor x, PassageContext& context) const {
  if (has_mixer()) x = x + apply_if(after_mixer, mixed(apply_if(before_mixer, x), context));
  if (cross != nullptr) x = x + attended(*cross, apply_if(before_cross, x), context);
  if (!is_there(feed_forward)) return x;
  const Tensor normed = apply_if(before_feed_forward, x);
  if (shortcut != nullptr) context.shortcut = (*shortcut)(normed);
  Tensor y = passed(normed);
  if (beside.experts != nullptr) y = beside.after_dense(y) + run_experts_beside(x);
  y = x + apply_if(after_feed_forward, y);
  return plan.is_second_half && !plan.shortcut.empty() ? y + context.shortcut : y;
}

/// The first prediction runs through the layer and corrects all of them; the others get the layer's
/// own input. The norms of the sums are of the attention and of the network.
Tensor TransformerLayer::run_alternatives(Tensor x, Tensor own_input,
                                          PassageContext& context) const {
  const Tensor predictions = updates->predicted(x);
  const Tensor active = select(predictions, 2, 0);
  const Tensor normed = before_mixer(active);
  const Tensor side = (*side_path)(normed);
  const Tensor middle = (active + after_mixer(mixed(normed, context)) + side) * std::sqrt(0.5);
  const Tensor y = middle + after_feed_forward(passed(before_feed_forward(middle)));
  const Tensor corrected = updates->corrected(predictions, y);
  if (!is_there(per_layer_gate)) return corrected;
  Tensor first = select(corrected, 2, 0);
  if (plan.scales_correction) first = first * updates->output_scale;
  const Tensor added = unsqueeze(from_own_input(first, own_input), 2);
  return cat({slice(corrected, 2, 0, 1), slice(corrected, 2, 1, plan.alternatives) + added}, 2);
}

AlternatingUpdates::AlternatingUpdates(const Slot& slot, std::int64_t count, std::int64_t features)
    : Module(slot),
      copies(count),
      output_scale(parameter("correct_output_scale", {features})),
      correction_coefficients(at("correction_coefs"), count, count, false),
      prediction_coefficients(at("prediction_coefs"), count, checked_mul(count, count), false),
      modality_router(at("modality_router"), features, count, false),
      router_norm(at("router_norm"), features) {}

Tensor AlternatingUpdates::modalities(Tensor x) const {
  return unary(tanh_op, modality_router(router_norm(x)));
}

Tensor AlternatingUpdates::predicted(Tensor x) const {
  const Tensor weights = prediction_coefficients(modalities(select(x, 2, 0)));
  return matmul(reshape(weights, {x.dim(0), x.dim(1), copies, copies}), x) + x;
}

Tensor AlternatingUpdates::corrected(Tensor predictions, Tensor y) const {
  const Tensor weights = correction_coefficients(modalities(y)) + 1.0;
  const Tensor difference = y - select(predictions, 2, 0);
  return predictions + unsqueeze(weights, -1) * unsqueeze(difference, 2);
}

Tensor TransformerLayer::run_streams(Tensor x, PassageContext& context) const {
  Tensor weights = mixer_streams.weights(x);
  Tensor y = mixed(before_mixer(mixer_streams.read(x, weights)), context);
  x = mixer_streams.written(x, weights, y);
  weights = feed_forward_streams.weights(x);
  y = passed(before_feed_forward(feed_forward_streams.read(x, weights)));
  return feed_forward_streams.written(x, weights, y);
}

Tensor TransformerLayer::run_experts_beside(Tensor x) const {
  const Tensor rows = reshape(x, {checked_mul(x.dim(0), x.dim(1)), x.dim(2)});
  const Selection chosen = topk(beside.router(rows), plan.experts.chosen);
  const Tensor each = (*beside.experts)(beside.before(rows), chosen.indices);
  const Tensor y = sum(each * unsqueeze(chosen.values, -1), {1});
  return beside.after(reshape(y, {x.dim(0), x.dim(1), x.dim(2)}));
}

void HyperConnection::declare(const ModuleBase& owner, const std::string& name, std::int64_t count,
                              std::int64_t features) {
  streams = count;
  Arena& arena = owner.graph().arena();
  const std::int64_t outputs = checked_add(checked_mul(2, count), checked_mul(count, count));
  function = owner.parameter(arena.copy(name + "_fn"), {outputs, checked_mul(count, features)});
  base = owner.parameter(arena.copy(name + "_base"), {outputs});
  scale = owner.parameter(arena.copy(name + "_scale"), {3});
}

Tensor HyperConnection::weights(Tensor x) const {
  const Tensor flat = reshape(x, {x.dim(0), x.dim(1), x.dim(2) * x.dim(3)});
  return linear(rms_norm(flat, {}), function, {}) + base;
}

Tensor HyperConnection::read(Tensor x, Tensor weights) const {
  const Tensor factors = unary(sigmoid_op, slice(weights, -1, 0, streams));
  return sum(x * unsqueeze(factors, -1), {2});
}

Tensor HyperConnection::written(Tensor x, Tensor weights, Tensor y) const {
  const Tensor factors = unary(sigmoid_op, slice(weights, -1, streams, 2 * streams));
  const Tensor between = reshape(slice(weights, -1, 2 * streams, weights.dim(-1)),
                                 {x.dim(0), x.dim(1), streams, streams});
  return matmul(softmax(between, -1), x) + unsqueeze(factors, -1) * unsqueeze(y, 2);
}

std::int64_t rotary_features(const LayerPlan& plan) {
  const std::int64_t features = turned_features(plan);
  if (features % 2 == 0) return features;
  throw Error(ErrorCode::malformed, "features with rotary embeddings",
              {"an even number", std::to_string(features)});
}

}  // namespace zoometer
