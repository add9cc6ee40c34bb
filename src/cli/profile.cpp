#include <cstdio>

#include "analysis/profile.hpp"
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/gates.hpp"
#include "cli/load.hpp"
#include "report/report.hpp"
#include "util/output.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

std::vector<std::string> convention_names() {
  std::vector<std::string> names;
  for (const Convention* convention : conventions()) names.emplace_back(convention->name);
  return names;
}

std::vector<std::string> report_names() {
  std::vector<std::string> names;
  for (const Report* report : reports()) names.emplace_back(report->name);
  return names;
}

/// The conventions, for the end of the help text.
std::string convention_help() {
  std::string text = "Conventions:\n";
  for (const Convention* convention : conventions()) {
    text.append("  ")
        .append(convention->name)
        .append(": ")
        .append(convention->summary)
        .append("\n");
  }
  return text;
}

/// The figures of `--assert`, for the end of the help text.
std::string metrics_help() {
  std::string text = "Figures, for --assert:\n";
  for (const GateField& each : gate_fields({}, false)) {
    text.append("  ")
        .append(pad_right(each.field.name, 16))
        .append(each.field.summary)
        .append("\n");
  }
  return text;
}

/// Lists what `--strict` refuses. True where there is nothing.
bool is_complete(const LoadedModel& model, const Profile& profile) {
  const std::vector<CoverageLedger::Unknown>& unknown = profile.coverage.unknown;
  if (!unknown.empty())
    std::fputs("zoometer: --strict: the cost of these operators is unknown:\n", stderr);
  for (const CoverageLedger::Unknown& each : unknown) {
    std::fprintf(stderr, "  %lld x %s\n", static_cast<long long>(each.count),
                 escape_controls(each.name).c_str());
  }
  if (!model.ignored.empty())
    std::fputs("zoometer: --strict: the figures leave out what the file asks for:\n", stderr);
  for (const std::string& each : model.ignored)
    std::fprintf(stderr, "  %s\n", escape_controls(each).c_str());
  return unknown.empty() && model.ignored.empty();
}

/// The options of `--training`.
struct TrainingWords {
  bool wanted = false;
  std::string optimizer, master, state, checkpoint, offload;
  std::optional<std::int64_t> accumulate, zero, data_parallel;

  void add_to(Arguments& arguments) {
    arguments.flag(
        "--training", wanted,
        "Show what a training step needs: activations kept, gradients, optimiser, backward");
    arguments.choice("--optimizer", optimizer,
                     {"sgd", "momentum", "adam", "adamw", "adam8bit", "lion", "adafactor"},
                     "For --training (sgd)");
    arguments.choice("--master", master, {"none", "float32"},
                     "For --training: copies that are updated of 16-bit parameters (none)");
    arguments.choice("--state-dtype", state, {"float32", "float16", "bfloat16"},
                     "For --training: the optimiser's state (the parameter's type)");
    arguments.option("--checkpoint", checkpoint,
                     "For --training: modules that backward runs again: 'blocks.*', every=N, sqrt",
                     "WHAT");
    arguments.option("--accumulate", accumulate, "For --training: passes for one update (1)", "N");
    arguments.option("--zero", zero, "For --training: ZeRO's stage, 0 to 3", "STAGE");
    arguments.option("--data-parallel", data_parallel,
                     "For --training: devices that share out what --zero says (1)", "N");
    arguments.choice("--offload", offload, {"optimizer"},
                     "For --training: what is put into the host's memory");
  }

  void refuse_useless(const std::string& format, const std::string& dtype) const {
    const std::pair<std::string_view, bool> given[] = {
        {"--optimizer", !optimizer.empty()},
        {"--master", !master.empty()},
        {"--state-dtype", !state.empty()},
        {"--checkpoint", !checkpoint.empty()},
        {"--accumulate", accumulate.has_value()},
        {"--zero", zero.has_value()},
        {"--data-parallel", data_parallel.has_value()},
        {"--offload", !offload.empty()}};
    for (const auto& [name, is_given] : given) {
      if (is_given && !wanted)
        throw Error(ErrorCode::usage, std::string(name).append(" needs --training"));
    }
    if (wanted && format != "text" && format != "json")
      throw Error(ErrorCode::usage, "--training", {"--format text or json", format});
    if (wanted && dtype == "int8")
      throw Error(ErrorCode::usage, "--training", {"--dtype float32, float16 or bfloat16", dtype});
  }

  TrainingRecipe recipe() const {
    TrainingRecipe result;
    result.optimizer = optimizer_from_name(optimizer).value_or(Optimizer::sgd);
    result.has_master = master == "float32";
    if (!state.empty()) result.state = dtype_from_name(state);
    result.checkpoint = checkpoint;
    result.accumulate = accumulate.value_or(1);
    result.zero = zero.value_or(0);
    result.data_parallel = data_parallel.value_or(1);
    result.offloads_optimizer = offload == "optimizer";
    return result;
  }
};

int run_profile(const CommandLine& words) {
  Arguments arguments("profile", "Show what a model costs, module by module.");
  ModelWords model;
  model.add_to(arguments);
  std::string convention_name = "native";
  std::string format = "text";
  std::string output;
  ReportOptions options;
  bool strict = false;
  std::vector<std::string> assertions;
  bool with_memory = false;
  TrainingWords training_words;
  std::string dtype;
  std::string views = "torch";
  arguments.choice("--convention,-c", convention_name, convention_names(),
                   "Whose counting rules fill the cost column");
  arguments.choice("--format,-f", format, report_names(), "The format");
  add_dtype_to(arguments, dtype);
  add_views_to(arguments, views);
  arguments.flag("--memory,-m", with_memory,
                 "Show weights, activations and workspace, over time and at the peak");
  training_words.add_to(arguments);
  arguments.option("--depth,-d", options.depth,
                   "Levels of the module tree: 2 for text, all for JSON and CSV", "N");
  arguments.flag("--show-shapes", options.show_shapes,
                 "Show output shapes on a narrow terminal, too");
  arguments.flag("--strict", strict,
                 "Exit with 1 if a cost is unknown, or part of a file was not taken into account");
  arguments.option("--assert", assertions,
                   "Exit with 1 if this does not hold: 'macs <= 4.2G'; repeatable", "EXPR");
  arguments.option("--output,-o", output, "Write to a file instead of standard output", "FILE");
  arguments.footer(convention_help() + "\n" + metrics_help());
  if (!arguments.parse(join_shape_words(words))) return exit_done;
  if (with_memory && format == "csv")
    throw Error(ErrorCode::usage, "--memory", {"--format text or json", format});
  training_words.refuse_useless(format, dtype);

  const Gates gates(assertions, gate_fields({}, false), Gates::Kind::must_hold, "--assert");
  Graph graph;
  LoadedModel loaded = load_model(model, graph);
  place_views(views, graph, loaded);
  store_as(dtype, graph, loaded);
  const Convention* convention =
      convention_name == "native" ? nullptr : find_convention(convention_name);
  const Profile metrics = profile(graph, convention);
  ReportInput input{graph,          metrics,    loaded.name, loaded.source,
                    loaded.variant, convention, loaded.notes};
  std::optional<MemoryProfile> memory;
  if (with_memory) input.memory = &memory.emplace(profile_memory(graph));
  std::optional<TrainingProfile> training;
  if (training_words.wanted)
    input.training = &training.emplace(profile_training(graph, training_words.recipe()));
  if (output.empty()) {
    options.width = terminal_width();
    options.colour = wants_colour();
  }
  write_output(output, find_report(format)->write(input, options));
  const bool passed = gates.pass(gate_fields(totals_of(graph, metrics), convention != nullptr));
  if (strict && !is_complete(loaded, metrics)) return exit_check_failed;
  return passed ? exit_done : exit_check_failed;
}

}  // namespace

extern constinit const Command profile_command = {
    "profile", "show what a model costs, module by module", run_profile, 2};

}  // namespace zoometer
