#include "import/language/checkpoint.hpp"

#include "import/language/config.hpp"
#include "models/language/architecture.hpp"
#include "models/language/stack.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

<<<<<<< HEAD
/// The blocks of a matrix that share a scale.
struct Blocks {
  std::int64_t rows = 128;
  std::int64_t columns = 128;
};

/// Of `quantization_config` with scales of blocks; nothing for another scheme or none.
std::optional<Blocks> blocks_of(const Configuration& config) {
  const auto scheme = config.part({"quantization_config"});
  if (!scheme || scheme->text({"quant_method"}) != "fp8") return {};
  const std::vector<std::int64_t> sizes = scheme->sizes({"weight_block_size"});
  if (sizes.size() != 2 || sizes[0] < 1 || sizes[1] < 1) return {};
  return Blocks{sizes[0], sizes[1]};
}

/// The modules that a scheme leaves as they are, whose names are these or end with these.
std::vector<std::string_view> unconverted(const Configuration& config) {
  const auto scheme = config.part({"quantization_config"});
  return scheme ? scheme->texts({"modules_to_not_convert", "ignored_layers"})
                : std::vector<std::string_view>();
}

/// Embeddings, heads, routers and the layer before one that predicts a further token stay.
bool is_converted(const Graph& graph, const Parameter& parameter,
                  const std::vector<std::string_view>& kept) {
  const ModuleInfo& module = graph.modules()[parameter.module];
  const Shape& shape = graph.shape(parameter.value);
  const bool is_matrix = module.kind == Linear::kind && shape.rank() == 2;
  const bool is_list = module.kind == Experts::kind && shape.rank() == 3;
  if (!is_matrix && !is_list && parameter.name != "wo_a.weight") return false;
  const std::string path = graph.parameter_path(parameter);
  for (const std::string_view part : {"lm_head", "shared_head", "eh_proj", "indexer.weights_proj"})
    if (path.find(part) != std::string::npos) return false;
  if (path.starts_with("head.")) return false;
  const std::string owner = graph.module_path(parameter.module);
  return std::ranges::none_of(kept, [&](std::string_view name) {
    return owner == name || owner.find(name) != std::string::npos;
  });
}

std::int64_t scales_of(const Shape& shape, const Blocks& blocks) {
  const auto over = [](std::int64_t size, std::int64_t block) {
    return (size + block - 1) / block;
  };
  const std::int64_t matrices = shape.rank() == 3 ? shape.dim(0) : 1;
  return product(matrices, over(shape.dim(-2), blocks.rows), over(shape.dim(-1), blocks.columns));
}

void add_graph(const Graph& graph, const Configuration& config, CheckpointCounts& counts) {
  const std::optional<Blocks> blocks = blocks_of(config);
  const std::vector<std::string_view> kept = unconverted(config);
  constexpr std::size_t most_comparisons = std::size_t{1} << 24;
  if (blocks && kept.size() * graph.parameters().size() > most_comparisons) {
    throw Error(ErrorCode::limit, "names of modules that the quantisation leaves as they are",
                {"at most " + std::to_string(most_comparisons / graph.parameters().size()),
                 std::to_string(kept.size())});
  }
  for (const Parameter& parameter : graph.parameters()) {
    if (!is_in_state_dict(parameter.kind) || parameter.shared_with != no_id) continue;
    const std::int64_t elements = graph.numel(parameter.value);
    counts.stored = checked_add(counts.stored, elements);
    counts.learned = checked_add(counts.learned, elements);
    if (blocks && is_converted(graph, parameter, kept))
      counts.stored = checked_add(counts.stored, scales_of(graph.shape(parameter.value), *blocks));
  }
}

=======
>>>>>>> lang4
/// A module that has the layers of a prediction.
struct Prediction : Module<Prediction> {
  static constexpr auto kind = "Prediction";
  using Module::Module;
};

}  // namespace

void declare_prediction(const Setting& settings, Graph& graph) {
  std::vector<std::string> notes;
  const ModelPlan plan = plan_of(Configuration(settings), {notes, notes});
  if (plan.prediction.steps.empty()) return;
  const Prediction model(root_slot(graph));
  const Stack stack(model, plan.prediction, {});
  store_weights_as_configured(settings, graph);
}

}  // namespace zoometer
