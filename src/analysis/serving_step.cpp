#include "analysis/serving_step.hpp"

#include <algorithm>
#include <charconv>

#include "analysis/profile.hpp"
#include "analysis/roofline.hpp"
#include "analysis/traffic.hpp"
#include "op/decoder_attention.hpp"
#include "op/language.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::uint32_t no_weight = ~std::uint32_t{0};

std::int64_t number_of(std::string_view name) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
  return problem == std::errc() && end == name.data() + name.size() ? number : -1;
}

/// The layer that each module is in: the outermost number in its path.
std::vector<std::int64_t> layers_of_modules(const Graph& graph) {
  std::vector<std::int64_t> layers(graph.modules().size(), -1);
  for (ModuleId id = 1; id < graph.modules().size(); ++id) {
    const ModuleInfo& module = graph.modules()[id];
    layers[id] = layers[module.parent];
    if (layers[id] < 0) layers[id] = number_of(module.name);
  }
  return layers;
}

/// What a value has of the cache: an input of the graph, or that with the new tokens' rows.
struct CachePart {
  enum class Kind : std::uint8_t { none, key, value, state };
  Kind kind = Kind::none;
  bool is_joined = false;  ///< with new rows
};

class StepReader {
 public:
  StepReader(const Graph& graph, ServingStep& step)
      : graph_(graph),
        step_(step),
        layers_(layers_of_modules(graph)),
        weights_(graph.values().size(), no_weight),
        parts_(graph.values().size()),
        reads_(graph, Routing::least),
        counter_(graph) {
    for (std::uint32_t i = 0; i < step.weights.size(); ++i) weights_[step.weights[i].value] = i;
  }

  void read() {
    find_cache();
    const Workload workload = workload_of(graph_, {.fuse = true});
    step_.peak_activations = workload.peak_activations;
    for (const Work& work : workload.works) {
      add(work);
      step_.layers = std::max(step_.layers, step_.works.back().layer + 1);
    }
    bool has_passed = false;
    for (StepWork& work : step_.works) {
      has_passed = has_passed || work.layer >= 0;
      work.is_after = has_passed && work.layer < 0;
    }
  }

 private:
  void find_cache() {
    for (const Port& input : graph_.inputs()) {
      if (!input.name.starts_with("past.")) continue;
      const std::string_view part = std::string_view(input.name).substr(input.name.rfind('.') + 1);
      CachePart& known = parts_[input.value];
      known.kind = part.ends_with("state")                    ? CachePart::Kind::state
                   : part == "value" || part == "cross_value" ? CachePart::Kind::value
                                                              : CachePart::Kind::key;
    }
    for (const Node& node : graph_.nodes()) {
      if (node.op != &cat_op) continue;
      for (const ValueId input : graph_.inputs_of(node)) {
        if (input == no_id || parts_[input].kind == CachePart::Kind::none) continue;
        parts_[node.first_output] = {parts_[input].kind, true};
      }
    }
  }

  void add(const Work& group) {
    StepWork work;
    work.layer = layers_[group.module];
    work.macs = group.macs;
    work.flops = group.flops;
    work.type = group.type.value_or(NumberType::bfloat16);
    work.activations = checked_add(group.bytes.boundary, group.bytes.between);
    cached_.clear();
    for (const NodeId id : group.group.nodes) add_node(graph_.view(id), work);
    step_.works.push_back(std::move(work));
  }

  void add_node(const NodeView& view, StepWork& work) {
    work.macs_masked = checked_add(work.macs_masked, counter_.metrics_of(view).macs_masked);
    const bool is_table = &view.op() == &embedding_op;
    if (&view.op() == &expert_linear_op) {
      // (experts, out, in), and (tokens, chosen) that choose them.
      work.mixture = {graph_.shape(view.input(1)).dim(0), graph_.shape(view.input(3)).dim(-1)};
    }
    for (std::size_t i = 0; i < view.input_count(); ++i) {
      if (!view.has(i)) continue;
      const std::uint32_t weight = weights_[view.input(i)];
      if (weight != no_weight) {
        (is_table ? work.tables : work.weights).push_back(weight);
      } else {
        add_cached(view, reads_.owner_of(view.input(i)), work);
      }
    }
    const Node& node = view.node();
    if (node.output_count > 0 && parts_[node.first_output].is_joined) add_append(view, work);
  }

  /// New rows are written behind the earlier ones, which stay where they are.
  void add_append(const NodeView& view, StepWork& work) {
    work.activations = 0;
    work.cache = {};
    for (std::size_t i = 0; i < view.input_count(); ++i) {
      if (!view.has(i) || parts_[view.input(i)].kind != CachePart::Kind::none) continue;
      const std::int64_t elements = graph_.numel(view.input(i));
      add_elements(parts_[view.node().first_output].kind, elements, work.cache);
    }
  }

  /// What was counted as a tensor's traffic becomes elements of the cache, which has its own types.
  void add_cached(const NodeView& view, ValueId owner, StepWork& work) {
    const CachePart part = parts_[owner];
    if (part.kind == CachePart::Kind::none) return;
    if (std::ranges::find(cached_, owner) != cached_.end()) return;
    cached_.push_back(owner);
    work.activations = std::max<std::int64_t>(work.activations - graph_.bytes(owner), 0);
    std::int64_t elements = graph_.numel(owner);
    if (&view.op() == &decoder_attention_op) {
      const auto& attrs = *static_cast<const DecoderAttentionAttrs*>(view.node().attrs);
      const std::int64_t rows = graph_.shape(owner).dim(-2);
      if (attrs.selected > 0 && attrs.selected < rows)
        elements = checked_mul(elements / rows, attrs.selected);
    }
    // A state is read and written.
    if (part.kind == CachePart::Kind::state) elements = checked_mul(elements, 2);
    add_elements(part.kind, elements, work.cache);
  }

  static void add_elements(CachePart::Kind kind, std::int64_t elements, CacheLayer& cache) {
    std::int64_t& sum = kind == CachePart::Kind::state   ? cache.state
                        : kind == CachePart::Kind::value ? cache.value
                                                         : cache.key;
    sum = checked_add(sum, elements);
  }

  const Graph& graph_;
  ServingStep& step_;
  std::vector<std::int64_t> layers_;    // by module
  std::vector<std::uint32_t> weights_;  // by value
  std::vector<CachePart> parts_;        // by value
  Reads reads_;
  NodeCounter counter_;
  std::vector<ValueId> cached_;  // owners that the work at hand reads
};

}  // namespace

ServingStep serving_step(const Graph& graph, std::int64_t tokens) {
  ServingStep step;
  step.weights = model_weights(graph);
  step.cache = cache_layers(graph);
  step.tokens = tokens;
  StepReader(graph, step).read();
  return step;
}

}  // namespace zoometer
