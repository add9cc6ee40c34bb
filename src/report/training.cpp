#include "report/training.hpp"

#include <fmt/core.h>

#include <iterator>

#include "report/memory.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"

namespace zoometer {
namespace {

std::string optimizer_words(const TrainingRecipe& recipe) {
  const std::string type = recipe.state        ? std::string(name_of(*recipe.state))
                           : recipe.has_master ? "the type of what it updates"
                                               : "the parameters' type";
  switch (recipe.optimizer) {
  case Optimizer::sgd: return "SGD has no state";
  case Optimizer::momentum: return "SGD's momentum, in " + type;
  case Optimizer::adam: return "Adam's two moments, in " + type;
  case Optimizer::adamw: return "AdamW's two moments, in " + type;
  case Optimizer::adam8bit: return "Adam's two moments, in 8 bits, a scale for 256";
  case Optimizer::lion: return "Lion's momentum, in " + type;
  case Optimizer::adafactor: return "Adafactor's sums of rows and columns, in " + type;
  }
  return {};
}

/// What ZeRO shares out, among how many devices; empty for nothing.
std::string sharing_words(const TrainingRecipe& recipe) {
  constexpr std::string_view parts[] = {"", "the optimiser's state", "state and gradients",
                                        "state, gradients and parameters"};
  if (recipe.zero == 0) return {};
  return fmt::format("one of {} devices, which share out {}", recipe.data_parallel,
                     parts[static_cast<std::size_t>(recipe.zero)]);
}

std::string peak_words(const Graph& graph, const TrainingProfile& training) {
  if (training.peak_node == no_id) return "held by the inputs";
  return std::string(training.peak_is_backward ? "in backward of " : "in forward of ") +
         node_text(graph, training.peak_node);
}

}  // namespace

std::string training_text(const Graph& graph, const TrainingProfile& training,
                          const ReportOptions& options) {
  std::string text = options.colour ? "\x1b[1mtraining step\x1b[0m\n" : "training step\n";
  const auto line = [&](std::string_view name, std::int64_t bytes, const std::string& words) {
    fmt::format_to(std::back_inserter(text), "  {:<17} {:>14}   {}\n", name, format_bytes(bytes),
                   words);
  };
  line("weights", training.weights, "parameters and buffers");
  line("gradients", training.gradients,
       format_count(training.trainable) + " parameters are trained");
  if (training.master_weights > 0)
    line("master weights", training.master_weights, "a float32 copy of the parameters");
  line("optimiser state", training.optimizer_state, optimizer_words(training.recipe));
  if (training.host > 0)
    line("on the host", training.host, "of these: master weights and the optimiser's state");
  if (training.gathered > 0)
    line("gathered", training.gathered, "the most parameters that one operator needs at once");
  line("saved", training.saved, "activations that forward keeps for backward");
  line("activations", training.peak_activations,
       "and their gradients, the most " + peak_words(graph, training));
  line("together", training.total, "without saved, which is part of activations");
  const auto remark = [&](std::string_view name, const std::string& words) {
    fmt::format_to(std::back_inserter(text), "  {:<17} {}\n", name, words);
  };
  const std::string sharing = sharing_words(training.recipe);
  if (!sharing.empty()) remark("device", sharing);
  if (training.recomputed_macs > 0)
    remark("computed again",
           format_count(training.recomputed_macs) + " MACs, which are part of backward");
  if (training.recipe.accumulate > 1)
    remark("one update", fmt::format("{} passes, together {} MACs", training.recipe.accumulate,
                                     format_count(training.update_macs)));
  text += '\n';

  TextTable table;
  table.column("operator");
  table.column("count", true);
  table.column("MACs forward", true);
  table.column("backward", true);
  table.column("saved", true);
  const auto cells = [](std::string name, std::int64_t count, std::int64_t macs,
                        std::int64_t backward, std::int64_t saved) {
    return std::vector<std::string>{
        std::move(name), std::to_string(count), macs > 0 ? format_count(macs) : "-",
        backward > 0 ? format_count(backward) : "-", saved > 0 ? format_bytes(saved) : "-"};
  };
  std::int64_t count = 0;
  for (const TrainingOperator& entry : training.operators) {
    count += entry.count;
    if (entry.macs == 0 && entry.saved_bytes == 0) continue;
    table.row(cells(escape_controls(entry.name), entry.count, entry.macs, entry.backward_macs,
                    entry.saved_bytes));
  }
  table.row(cells("all", count, training.macs, training.backward_macs, training.saved));
  return text + table.text(options.width, options.colour) + "\n";
}

void write_training(JsonWriter& json, const Graph& graph, const TrainingProfile& training) {
  json.field("optimizer", name_of(training.recipe.optimizer));
  json.field("trainable_parameters", training.trainable);
  json.field("weight_bytes", training.weights);
  json.field("gradient_bytes", training.gradients);
  json.field("master_weight_bytes", training.master_weights);
  json.field("optimizer_state_bytes", training.optimizer_state);
  json.field("gathered_bytes", training.gathered);
  json.field("host_bytes", training.host);
  json.field("saved_bytes", training.saved);
  json.object("peak_activations", [&] {
    json.field("bytes", training.peak_activations);
    if (training.peak_node != no_id) {
      json.field("phase", training.peak_is_backward ? "backward" : "forward");
      json.object("node", [&] { write_node(json, graph, training.peak_node); });
    }
  });
  json.field("total_bytes", training.total);
  json.field("macs", training.macs);
  json.field("backward_macs", training.backward_macs);
  json.field("recomputed_macs", training.recomputed_macs);
  json.field("update_macs", training.update_macs);
  if (training.bounded) json.field("bound", true);
  json.array("operators", [&] {
    for (const TrainingOperator& entry : training.operators) {
      json.object([&] {
        json.field("op", entry.name);
        json.field("count", entry.count);
        json.field("macs", entry.macs);
        json.field("backward_macs", entry.backward_macs);
        json.field("saved_bytes", entry.saved_bytes);
      });
    }
  });
}

}  // namespace zoometer
