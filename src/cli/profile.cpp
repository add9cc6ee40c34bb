#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "analysis/profile.hpp"
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/compare.hpp"
#include "cli/format_words.hpp"
#include "cli/gates.hpp"
#include "cli/load_in_sandbox.hpp"
#include "report/module_table.hpp"
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

/// The reports, text first, and the formats of a table of modules.
std::vector<std::string> report_names() {
  std::vector<std::string> names = {"text"};
  for (const Report* report : reports()) {
    if (report->name != "text") names.emplace_back(report->name);
  }
  return table_formats(std::move(names));
}

/// The options of a table of modules, which takes the place of the module tree and the summary.
struct TableWords {
  std::optional<std::string> group_by;
  std::string sort, columns, units;
  std::optional<std::int64_t> top;

  void add_to(Arguments& arguments) {
    arguments.option("--sort", sort, "A table of leaf modules, largest first by a column: macs",
                     "COLUMN");
    arguments.option("--top", top, "Only so many rows of that table", "N");
    arguments.optional_choice("--group-by", group_by, {"type", "operator", "module-name"}, "type",
                              "A row for each type of module, operator, or last part of the name");
    arguments.option("--columns", columns,
                     "The table's columns: type, kernel, input, output, count, params, params%, "
                     "macs, macs%, flops, activations, memory, memory%, time",
                     "NAME,...");
    arguments.option("--units", units, "The table's figures in M, G, or exact", "UNIT");
  }

  /// The name of the first option that was given; empty if none was.
  std::string_view given() const {
    const std::pair<std::string_view, bool> options[] = {{"--sort", !sort.empty()},
                                                         {"--top", top.has_value()},
                                                         {"--group-by", group_by.has_value()},
                                                         {"--columns", !columns.empty()},
                                                         {"--units", !units.empty()}};
    for (const auto& [name, is_given] : options) {
      if (is_given) return name;
    }
    return {};
  }

  ModuleTableOptions options() const {
    ModuleTableOptions result;
    std::string_view key = sort;
    result.ascending = key.starts_with('+');
    if (key.starts_with('+') || key.starts_with('-')) key.remove_prefix(1);
    result.sort = key;
    result.top = top;
    if (top && *top < 1)
      throw Error(ErrorCode::usage, "--top", {"at least 1", std::to_string(*top)});
    result.group_by = group_by.value_or("");
    for (std::string_view rest = columns; !rest.empty();) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      result.columns.emplace_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    if (units == "M") result.units = FigureUnits::mega;
    if (units == "G") result.units = FigureUnits::giga;
    if (units == "exact") result.units = FigureUnits::exact;
    if (!units.empty() && result.units == FigureUnits::four_digits)
      throw Error(ErrorCode::usage, "--units", {"M, G or exact", escape_controls(units)});
    return result;
  }
};

/// The table of modules in its format; CSV has all digits.
std::string table_text(const ReportInput& input, const ReportOptions& options,
                       const TableWords& words, std::string_view format) {
  constexpr int usual_depth = 2;
  ModuleTableOptions asked = words.options();
  if (format == "csv") asked.units = FigureUnits::exact;
  const TextTable table = module_table(input, asked, depth_limit(options, usual_depth));
  if (auto text = table.written_as(format)) return *text;
  std::string text =
      fmt::format("{}  ({})\n\n", escape_controls(input.model), escape_controls(input.source));
  text += table.text(options.width, options.colour);
  for (const std::string& note : input.notes) text += "note  " + escape_controls(note) + "\n";
  return wrapped_lines(text, static_cast<std::size_t>(options.width));
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

/// Whether a language model gives logits for one of several tokens.
bool has_last_logits(const Graph& graph) {
  const auto is = [](std::string_view name) {
    return [name](const Port& port) { return port.name == name; };
  };
  const auto ids = std::ranges::find_if(graph.inputs(), is("input_ids"));
  const auto logits = std::ranges::find_if(graph.outputs(), is("logits"));
  if (ids == graph.inputs().end() || logits == graph.outputs().end()) return false;
  const Shape& given = graph.shape(logits->value);
  const Shape& tokens = graph.shape(ids->value);
  return given.rank() == 3 && tokens.rank() == 2 && given.dim(1) == 1 && tokens.dim(1) > 1;
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

/// How all models of a comparison are counted.
struct CountedAs {
  std::string dtype, views;
};

int compare_all(const ModelWords& model, const std::vector<std::string>& others,
                const CountedAs& counted_as, const FormatWords& out) {
  const std::vector<std::string> formats = compare_formats();
  if (std::ranges::find(formats, out.format()) == formats.end())
    throw Error(ErrorCode::usage, "--format of several models",
                {fmt::format("one of {}", fmt::join(formats, ", ")), out.format()});
  CompareWords words;
  words.both.model = model;
  words.both.dtype = counted_as.dtype;
  words.both.views = counted_as.views;
  words.models = others;
  words.models.insert(words.models.begin(), model.model);
  return compare_models(words, out);
}

int run_profile(const CommandLine& words) {
  Arguments arguments("profile", "Show what a model costs, module by module.");
  ModelWords model;
  arguments.positional("model", model.model,
                       "A model's name, a file, torchvision:NAME or python:MODULE:FUNCTION");
  std::string convention_name = "native";
  FormatWords out(report_names());
  TableWords table_words;
  std::vector<std::string> others;
  ReportOptions options;
  bool strict = false;
  std::vector<std::string> assertions;
  bool with_memory = false;
  bool sandboxed = false;
  TrainingWords training_words;
  std::string dtype;
  std::string views = "torch";
  arguments.positionals("models", others, "Other models: a table compares all, as compare does");
  model.add_options_to(arguments);
  arguments.choice("--convention,-c", convention_name, convention_names(),
                   "Whose counting rules fill the cost column");
  out.add_to(arguments);
  table_words.add_to(arguments);
  add_dtype_to(arguments, dtype);
  add_views_to(arguments, views);
  arguments.flag("--memory,-m", with_memory,
                 "Show weights, activations and workspace, over time and at the peak");
  training_words.add_to(arguments);
  arguments.option("--depth,-d", options.depth,
                   "Levels of the module tree: 2 for text, all for JSON and CSV and for -1", "N");
  arguments.flag("--show-shapes", options.show_shapes,
                 "Show output shapes on a narrow terminal, too");
  arguments.flag("--strict", strict,
                 "Exit with 1 if a cost is unknown, or part of a file was not taken into account");
  arguments.option("--assert", assertions,
                   "Exit with 1 if this does not hold: 'macs <= 4.2G'; repeatable", "EXPR");
  arguments.flag("--sandbox", sandboxed,
                 "Read a file in a process that can read its folder and do nothing else");
  arguments.footer(convention_help() + "\n" + metrics_help());
  if (!arguments.parse(join_sort_words(join_shape_words(words)))) return exit_done;
  out.settle();
  const std::string& format = out.format();
  if (!others.empty()) {
    const std::pair<std::string_view, bool> of_one_model[] = {
        {"--strict", strict},
        {"--memory", with_memory},
        {"--training", training_words.wanted},
        {"--assert", !assertions.empty()},
        {table_words.given(), !table_words.given().empty()}};
    for (const auto& [name, is_given] : of_one_model) {
      if (is_given)
        throw Error(ErrorCode::usage, std::string(name),
                    {"one model", std::to_string(others.size() + 1)});
    }
    return compare_all(model, others, {dtype, views}, out);
  }
  const bool is_table = format == "markdown" || format == "latex" || format == "html-table" ||
                        !table_words.given().empty();
  if (is_table && format != "text" && format != "csv" && find_report(format) != nullptr)
    throw Error(ErrorCode::usage, std::string(table_words.given()),
                {"--format text, csv, markdown, latex or html-table", format});
  if (with_memory && format != "text" && format != "json" && format != "html")
    throw Error(ErrorCode::usage, "--memory", {"--format text or json", format});
  training_words.refuse_useless(format, dtype);
  // The table is fvcore's, whose rules are part of it.
  if (format == "table" && convention_name == "native") convention_name = "fvcore";

  const Gates gates(assertions, gate_fields({}, false), Gates::Kind::must_hold, "--assert");
  options.width = out.width();
  options.colour = out.colour();
  std::string output = out.output();
  if (sandboxed) {
    if (const std::optional<int> status = load_in_sandbox(model, output)) return *status;
    output.clear();
  }
  Graph graph;
  LoadedModel loaded = load_model(model, graph);
  place_views(views, graph, loaded);
  store_as(dtype, graph, loaded);
  const Convention* convention =
      convention_name == "native" ? nullptr : find_convention(convention_name);
  const Profile metrics = profile(graph, convention);
  if (training_words.wanted && has_last_logits(graph)) {
    loaded.notes.emplace_back(
        "the logits of the last token alone are trained: --logits all for a loss over all tokens");
  }
  ReportInput input{graph,          metrics,    loaded.name, loaded.source,
                    loaded.variant, convention, loaded.notes};
  std::optional<MemoryProfile> memory;
  if (with_memory) input.memory = &memory.emplace(profile_memory(graph));
  std::optional<TrainingProfile> training;
  if (training_words.wanted)
    input.training = &training.emplace(profile_training(graph, training_words.recipe()));
  write_output(output, is_table ? table_text(input, options, table_words, format)
                                : find_report(format)->write(input, options));
  const bool passed = gates.pass(gate_fields(totals_of(graph, metrics), convention != nullptr));
  if (strict && !is_complete(loaded, metrics)) return exit_check_failed;
  return passed ? exit_done : exit_check_failed;
}

}  // namespace

extern constinit const Command profile_command = {
    "profile", "show what a model costs, module by module", run_profile, 2};

}  // namespace zoometer
