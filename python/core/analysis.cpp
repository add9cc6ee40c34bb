#include "analysis/explanation.hpp"
#include "analysis/memory.hpp"
#include "analysis/training.hpp"
#include "binding.hpp"
#include "report/explanation.hpp"
#include "report/memory.hpp"
#include "report/training.hpp"
#include "util/text.hpp"

namespace zoometer::python {
namespace {

struct NoSettings {};
using MemoryResult = ResultOf<NetworkMemory, NoSettings>;
using TrainingResult = ResultOf<NetworkTraining, TrainingRecipe>;
using ExplanationResult = ResultOf<NetworkExplanation, NoSettings>;

/// A value as it is known by name, of an enumeration. Throws Error{usage}.
template <class Value>
Value named(const char* option, const std::string& word, std::optional<Value> found) {
  if (!found) throw Error(ErrorCode::usage, std::string("no such ") + option, {"", word});
  return *found;
}

std::int64_t integer(const std::string& option, const std::string& word) {
  try {
    std::size_t used = 0;
    const std::int64_t number = std::stoll(word, &used);
    if (used == word.size()) return number;
  } catch (const std::exception&) {}
  throw Error(ErrorCode::usage, option, {"an integer", word});
}

void bind_memory(nb::module_& core) {
  nb::class_<MemoryPeak>(core, "MemoryPeak", "The most bytes that are in use at one time.")
      .def_ro("bytes", &MemoryPeak::bytes, "How many")
      .def_ro("at", &MemoryPeak::at, "The first operator, by index, that runs then; None: before");
  nb::class_<LiveTensor>(core, "LiveTensor", "A tensor that owns memory at the peak.")
      .def_prop_ro(
          "shape", [](const LiveTensor& self) { return to_tuple(self.shape); },
          "The size of each dimension")
      .def_ro("dtype", &LiveTensor::dtype, "'float32'")
      .def_ro("bytes", &LiveTensor::bytes, "At that type")
      .def_ro("bounded", &LiveTensor::bounded, "A size is an upper bound")
      .def_ro("made_by", &LiveTensor::made_by, "The operator, by index; None: an input")
      .def_ro("until", &LiveTensor::until, "The last operator that needs it; None: the end");
  nb::class_<MemoryMoment>(core, "MemoryMoment", "Bytes in use while one operator runs.")
      .def_ro("alive", &MemoryMoment::alive, "Activations, each freed after its last reader")
      .def_ro("held", &MemoryMoment::held, "Activations, with arguments held until calls return")
      .def_ro("workspace", &MemoryMoment::workspace, "Of the operator itself");
  nb::class_<MemoryResult> memory(core, "Memory", "Where inference needs memory, in bytes.");
  memory.def_ro("parameter_bytes", &NetworkMemory::parameter_bytes, "Parameters and buffers")
      .def_ro("activations", &NetworkMemory::activations, "The least that this order needs")
      .def_ro("held_by_callers", &NetworkMemory::held_by_callers, "As eager PyTorch holds them")
      .def_ro("workspace", &NetworkMemory::workspace, "The most that one operator needs")
      .def_ro("together", &NetworkMemory::together, "Weights, activations and workspace at once")
      .def_ro("alive_at_peak", &NetworkMemory::alive_at_peak, "At the peak of `activations`")
      .def_ro("timeline", &NetworkMemory::timeline, "One for each operator");
  add_report(
      memory,
      [](const MemoryResult& self) {
        const Graph& graph = self.network.graph();
        return memory_text(graph, profile_memory(graph), {});
      },
      [](const MemoryResult& self) {
        return "Memory of " + self.network.name() + ": " + format_bytes(self.together.bytes);
      });
}

void bind_training(nb::module_& core) {
  nb::class_<TrainingOperator>(core, "TrainingOperator", "A kind of operator in a training step.")
      .def_ro("name", &TrainingOperator::name, "'conv2d'")
      .def_ro("count", &TrainingOperator::count, "How often it runs")
      .def_ro("macs", &TrainingOperator::macs, "Forward")
      .def_ro("backward_macs", &TrainingOperator::backward_macs, "Of inputs and of weights")
      .def_ro("saved_bytes", &TrainingOperator::saved_bytes, "Kept from forward to backward");
  nb::class_<TrainingResult> training(core, "Training", "What one training step needs.");
  training
      .def_prop_ro(
          "optimizer", [](const TrainingResult& self) { return name_of(self.optimizer); },
          "What updates the parameters: 'adam'")
      .def_ro("trainable_parameters", &NetworkTraining::trainable_parameters, "In elements")
      .def_ro("weight_bytes", &NetworkTraining::weight_bytes, "Parameters and buffers")
      .def_ro("gradient_bytes", &NetworkTraining::gradient_bytes, "Of the parameters")
      .def_ro("master_weight_bytes", &NetworkTraining::master_weight_bytes, "float32 copies")
      .def_ro("optimizer_state_bytes", &NetworkTraining::optimizer_state_bytes, "Its state")
      .def_ro("gathered_bytes", &NetworkTraining::gathered_bytes, "Of ZeRO's stage 3")
      .def_ro("host_bytes", &NetworkTraining::host_bytes, "In the host's memory")
      .def_ro("saved_bytes", &NetworkTraining::saved_bytes, "Activations kept for backward")
      .def_ro("peak_activations", &NetworkTraining::peak_activations, "With their gradients")
      .def_ro("peak_is_backward", &NetworkTraining::peak_is_backward, "While backward runs")
      .def_ro("total_bytes", &NetworkTraining::total_bytes, "All of it at the peak")
      .def_ro("macs", &NetworkTraining::macs, "Forward")
      .def_ro("backward_macs", &NetworkTraining::backward_macs, "With what is computed again")
      .def_ro("recomputed_macs", &NetworkTraining::recomputed_macs, "Computed again by backward")
      .def_ro("update_macs", &NetworkTraining::update_macs, "All passes of one update")
      .def_ro("operators", &NetworkTraining::operators, "By kind, most saved bytes first")
      .def_ro("bounded", &NetworkTraining::bounded, "Depends on an upper bound");
  add_report(
      training,
      [](const TrainingResult& self) {
        const Graph& graph = self.network.graph();
        return training_text(graph, profile_training(graph, self.settings), {});
      },
      [](const TrainingResult& self) {
        return "Training of " + self.network.name() + ": " + format_bytes(self.total_bytes);
      });
}

void bind_explanation(nb::module_& core) {
  nb::class_<ExplainedConvention>(core, "Convention", "A tool's rules, and what differs by them.")
      .def_ro("name", &ExplainedConvention::name, "'fvcore'")
      .def_ro("unit", &ExplainedConvention::unit, "'MACs' or 'FLOPs'")
      .def_ro("summary", &ExplainedConvention::summary, "What it counts and leaves out")
      .def_ro("source", &ExplainedConvention::source, "Where the rules come from")
      .def_ro("per_mac", &ExplainedConvention::per_mac, "What one multiply-accumulate counts as")
      .def_ro("differences", &ExplainedConvention::differences, "From per_mac x MACs, in words");
  nb::class_<ExplainedOperator>(core, "ExplainedOperator", "One operator kind, by every tool.")
      .def_ro("name", &ExplainedOperator::name, "'conv2d'")
      .def_ro("count", &ExplainedOperator::count, "How often it runs")
      .def_ro("macs", &ExplainedOperator::macs, "By its own formula")
      .def_ro("input_elements", &ExplainedOperator::input_elements, "Of the first inputs")
      .def_ro("output_elements", &ExplainedOperator::output_elements, "Of the first outputs")
      .def_ro("costs", &ExplainedOperator::costs, "By convention, each in its unit");
  nb::class_<ExplanationResult> explanation(core, "Explanation",
                                            "Why tools disagree on a network.");
  explanation.def_ro("conventions", &NetworkExplanation::conventions, "In the order of costs")
      .def_ro("operators", &NetworkExplanation::operators, "By kind, most MACs first")
      .def_ro("total", &NetworkExplanation::total, "Of all of them")
      .def(
          "__getitem__",
          [](const ExplanationResult& self, const std::string& name) {
            for (std::size_t i = 0; i < self.conventions.size(); ++i) {
              if (self.conventions[i].name == name) return self.total.costs[i];
            }
            throw nb::key_error(name.c_str());
          },
          "The total cost by a convention, in its unit.");
  add_report(
      explanation,
      [](const ExplanationResult& self) {
        const Explanation found = explain(self.network.graph());
        const Network& network = self.network;
        return explanation_text({found, network.name(), network.source(), network.notes()}, 0);
      },
      [](const ExplanationResult& self) {
        return "Explanation of " + self.network.name() + " by " +
               std::to_string(self.conventions.size()) + " conventions";
      });
}

void bind_diff(nb::module_& core) {
  nb::class_<Totals>(core, "Totals", "The figures of a whole model.")
      .def_ro("metrics", &Totals::metrics, "Of all its operators")
      .def_ro("peak_bytes", &Totals::peak_bytes, "The most bytes of activations alive at once")
      .def_ro("nodes", &Totals::nodes, "How many operators run")
      .def_ro("unknown", &Totals::unknown, "Operators whose cost is unknown");
  nb::class_<ModuleDetail>(core, "ModuleDetail", "Something of a module that differs.")
      .def_ro("what", &ModuleDetail::what, "'type', 'output', 'calls', 'weight', 'groups'")
      .def_ro("before", &ModuleDetail::before, "Empty if it is not there")
      .def_ro("after", &ModuleDetail::after, "Empty if it is not there");
  nb::class_<ModuleChange>(core, "ModuleChange", "A module before, after, or both.")
      .def_prop_ro(
          "state", [](const ModuleChange& self) { return name_of(self.state); },
          "'same', 'changed', 'added' or 'removed'")
      .def_ro("parent", &ModuleChange::parent, "Its index in the list; None: the root")
      .def_ro("depth", &ModuleChange::depth, "0 for the root")
      .def_ro("renamed", &ModuleChange::renamed, "Has another name within its parent")
      .def_ro("moved", &ModuleChange::moved, "Has another parent")
      .def_ro("before", &ModuleChange::before, "In the first network, if it is there")
      .def_ro("after", &ModuleChange::after, "In the second network, if it is there")
      .def_ro("details", &ModuleChange::details, "What differs beside figures");
  nb::class_<OperatorDiff>(core, "OperatorDiff", "One operator kind, before and after.")
      .def_ro("name", &OperatorDiff::name, "'conv2d'")
      .def_ro("count_before", &OperatorDiff::count_before, "How often it runs in the first")
      .def_ro("count_after", &OperatorDiff::count_after, "And in the second")
      .def_ro("before", &OperatorDiff::before, "Of all its runs in the first network")
      .def_ro("after", &OperatorDiff::after, "And in the second");
  nb::class_<DiffCounts>(core, "DiffCounts", "How many modules are in each state.")
      .def_ro("same", &DiffCounts::same)
      .def_ro("changed", &DiffCounts::changed)
      .def_ro("added", &DiffCounts::added)
      .def_ro("removed", &DiffCounts::removed)
      .def_ro("renamed", &DiffCounts::renamed)
      .def_ro("moved", &DiffCounts::moved);
  nb::class_<NetworkDiff>(core, "NetworkDiff", "What differs between two networks.")
      .def_ro("before", &NetworkDiff::before, "Of the first network")
      .def_ro("after", &NetworkDiff::after, "Of the second network")
      .def_ro("counts", &NetworkDiff::counts, "Modules by state")
      .def_ro("modules", &NetworkDiff::modules, "Depth-first; removed ones where they were")
      .def_ro("operators", &NetworkDiff::operators, "Kinds whose figures differ");
}

}  // namespace

TrainingRecipe recipe_from(const Words& words) {
  TrainingRecipe recipe;
  for (const auto& [name, word] : words) {
    if (name == "optimizer") {
      recipe.optimizer = named("optimizer", word, optimizer_from_name(word));
    } else if (name == "master") {
      recipe.has_master = word == "float32";
    } else if (name == "state_dtype") {
      recipe.state = named("dtype", word, dtype_from_name(word));
    } else if (name == "checkpoint") {
      recipe.checkpoint = word;
    } else if (name == "accumulate") {
      recipe.accumulate = integer(name, word);
    } else if (name == "zero") {
      recipe.zero = integer(name, word);
    } else if (name == "data_parallel") {
      recipe.data_parallel = integer(name, word);
    } else if (name == "offload") {
      recipe.offloads_optimizer = word == "optimizer";
    } else {
      throw Error(ErrorCode::usage, "no such option of training: " + name);
    }
  }
  return recipe;
}

void bind_analysis(nb::module_& core) {
  bind_memory(core);
  bind_training(core);
  bind_explanation(core);
  bind_diff(core);
  const nb::call_guard<nb::gil_scoped_release> released;
  core.def(
      "memory", [](const Network& network) { return MemoryResult(memory(network), network, {}); },
      "network"_a, released, "Memory over time.");
  core.def(
      "training",
      [](const Network& network, const Words& words) {
        const TrainingRecipe recipe = recipe_from(words);
        return TrainingResult(training(network, recipe), network, recipe);
      },
      "network"_a, "recipe"_a, released, "One training step.");
  core.def(
      "explain",
      [](const Network& network) { return ExplanationResult(explain(network), network, {}); },
      "network"_a, released, "Counts by every convention.");
  core.def(
      "diff", [](const Network& before, const Network& after) { return diff(before, after); },
      "before"_a, "after"_a, released, "Matches modules and compares them.");
}

}  // namespace zoometer::python
