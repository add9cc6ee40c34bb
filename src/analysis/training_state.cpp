#include "analysis/training_state.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::array<std::string_view, 7> optimizer_names = {
    "sgd", "momentum", "adam", "adamw", "adam8bit", "lion", "adafactor"};

// bitsandbytes, bitsandbytes/optim/optimizer.py: smaller parameters have a state in float32.
constexpr std::int64_t least_8bit = 4096;
constexpr std::int64_t block_8bit = 256;

/// Two numbers of one byte, and for each block of both a float32 scale.
std::int64_t state_8bit(std::int64_t elements) {
  constexpr std::int64_t scale_bytes = 4;
  if (elements < least_8bit) return checked_mul(elements, 2 * bytes_of(1, DType::float32));
  const std::int64_t blocks = checked_add(elements, block_8bit - 1) / block_8bit;
  return checked_mul(2, checked_add(elements, checked_mul(blocks, scale_bytes)));
}

/// torch.optim.Adafactor: of two or more dimensions, a number for each row and one for each column
/// of the last two.
std::int64_t adafactor_numbers(const Shape& shape, std::int64_t elements) {
  if (shape.rank() < 2 || elements == 0) return elements;
  return checked_add(elements / shape[shape.rank() - 1], elements / shape[shape.rank() - 2]);
}

/// The optimizer's numbers for one parameter.
std::int64_t numbers_of(Optimizer optimizer, const Shape& shape, std::int64_t elements) {
  switch (optimizer) {
  case Optimizer::sgd: return 0;
  case Optimizer::momentum:
  case Optimizer::lion: return elements;
  case Optimizer::adafactor: return adafactor_numbers(shape, elements);
  default: return checked_mul(2, elements);
  }
}

/// The parameters whose gradients are computed, also under another name.
std::vector<bool> trained_parameters(const Graph& graph, const std::vector<bool>& has_gradient) {
  const auto parameters = graph.parameters();
  std::vector<bool> trained(parameters.size(), false);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& parameter = parameters[i];
    if (!has_gradient[parameter.value]) continue;
    trained[parameter.shared_with == no_id ? i : parameter.shared_with] = true;
  }
  return trained;
}

/// The most bytes of weights that one operator reads.
std::int64_t most_gathered(const Graph& graph) {
  std::int64_t most = 0;
  for (const Node& node : graph.nodes()) {
    std::int64_t bytes = 0;
    for (const ValueId input : graph.inputs_of(node)) {
      if (input != no_id && graph.value(input).has(Value::is_parameter))
        bytes = checked_add(bytes, graph.bytes(input));
    }
    most = std::max(most, bytes);
  }
  return most;
}

std::int64_t share_of(std::int64_t bytes, std::int64_t devices) {
  return bytes / devices + (bytes % devices == 0 ? 0 : 1);
}

/// ZeRO: the state from stage 1, gradients from stage 2, weights from stage 3 are shared out.
void share_out(const Graph& graph, TrainingProfile& sums, std::int64_t buffers) {
  const std::int64_t devices = sums.recipe.data_parallel;
  const std::int64_t stage = devices == 1 ? 0 : sums.recipe.zero;
  if (stage >= 1) {
    sums.optimizer_state = share_of(sums.optimizer_state, devices);
    sums.master_weights = share_of(sums.master_weights, devices);
  }
  if (stage >= 2) sums.gradients = share_of(sums.gradients, devices);
  if (stage < 3) return;
  sums.weights = checked_add(buffers, share_of(sums.weights - buffers, devices));
  sums.gathered = most_gathered(graph);
}

}  // namespace

void add_parameter_state(const Graph& graph, const std::vector<bool>& has_gradient,
                         TrainingProfile& sums) {
  const TrainingRecipe& recipe = sums.recipe;
  const std::vector<bool> trained = trained_parameters(graph, has_gradient);
  std::int64_t buffers = 0;
  for (std::size_t i = 0; i < trained.size(); ++i) {
    const Parameter& parameter = graph.parameters()[i];
    if (parameter.shared_with != no_id) continue;
    const std::int64_t bytes = graph.bytes(parameter.value);
    sums.weights = checked_add(sums.weights, bytes);
    if (parameter.kind != ParameterKind::parameter) buffers = checked_add(buffers, bytes);
    if (!trained[i]) continue;
    const std::int64_t elements = graph.numel(parameter.value);
    sums.trainable = checked_add(sums.trainable, elements);
    sums.gradients = checked_add(sums.gradients, bytes);
    DType updated = graph.dtype(parameter.value);
    if (recipe.has_master && bits_of(updated) < 32) {
      updated = DType::float32;
      sums.master_weights = checked_add(sums.master_weights, bytes_of(elements, updated));
    }
    const std::int64_t state =
        recipe.optimizer == Optimizer::adam8bit
            ? state_8bit(elements)
            : bytes_of(numbers_of(recipe.optimizer, graph.shape(parameter.value), elements),
                       recipe.state.value_or(updated));
    sums.optimizer_state = checked_add(sums.optimizer_state, state);
  }
  share_out(graph, sums, buffers);
  if (recipe.offloads_optimizer) sums.host = checked_add(sums.optimizer_state, sums.master_weights);
}

void check_recipe(const TrainingRecipe& recipe) {
  const auto require = [](bool holds, std::string name, std::string expected, std::string got) {
    if (!holds)
      throw Error(ErrorCode::usage, std::move(name), {std::move(expected), std::move(got)});
  };
  require(recipe.zero >= 0 && recipe.zero <= 3, "ZeRO's stage", "0 to 3",
          std::to_string(recipe.zero));
  require(recipe.data_parallel >= 1, "data-parallel devices", "at least 1",
          std::to_string(recipe.data_parallel));
  require(recipe.zero == 0 || recipe.data_parallel > 1, "ZeRO", "at least 2 data-parallel devices",
          std::to_string(recipe.data_parallel));
  require(recipe.accumulate >= 1, "passes for one update", "at least 1",
          std::to_string(recipe.accumulate));
  require(!recipe.state || recipe.optimizer != Optimizer::adam8bit, "the state's type",
          "none for adam8bit, whose state has 8 bits", "a type");
}

std::string_view name_of(Optimizer optimizer) noexcept {
  return optimizer_names[static_cast<std::size_t>(optimizer)];
}

std::optional<Optimizer> optimizer_from_name(std::string_view name) noexcept {
  const auto found = std::find(optimizer_names.begin(), optimizer_names.end(), name);
  if (found == optimizer_names.end()) return std::nullopt;
  return static_cast<Optimizer>(found - optimizer_names.begin());
}

}  // namespace zoometer
