#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <map>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/list_sources.hpp"
#include "cli/load.hpp"
#include "cli/model_query.hpp"
#include "cli/sources.hpp"
#include "registry/origin.hpp"
#include "registry/registry.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"
#include "util/to_integer.hpp"

namespace zoometer {
namespace {

using Rows = std::vector<QueriedModel>;

struct ListWords {
  std::vector<std::string> patterns;
  std::deque<std::string> others;  ///< arguments that are not names: files, python:MODULE:FUNCTION
  std::string registry;
  std::string family;
  std::string task;
  std::string where;
  std::string sort;
  std::string pareto;
  std::string show;
  bool reverse = false;
  bool names = false;
  FormatWords out{table_formats({"text", "json"})};
  std::string views = "torch";
  std::vector<std::string> plugins;
  LiveOptions live;
};

/// The parsed options.
struct Question {
  explicit Question(const ListWords& words);

  ModelQuery query;
  std::optional<Expression> where;
  std::vector<ModelKey> sort;
  std::vector<ModelKey> pareto;
  std::vector<ModelKey> columns;
  std::vector<ModelKey> usual;  ///< asked for, and a column in any case: macs

  /// Whether it asks for a figure that only a graph gives.
  bool needs_graphs() const;

 private:
  void add_column(const ModelKey& key);
  void add_columns(const std::vector<ModelKey>& keys);
};

Question::Question(const ListWords& words) {
  if (!words.where.empty()) where = Expression::condition(words.where, query.names(), "--where");
  if (!words.sort.empty()) sort = parse_keys(words.sort, query, false, "--sort");
  if (!words.pareto.empty()) pareto = parse_keys(words.pareto, query, true, "--pareto");
  if (sort.empty()) sort = pareto;
  if (where) {
    for (const std::size_t field : where->fields())
      add_columns(parse_keys(query.names()[field].name, query, false, "--where"));
  }
  add_columns(sort);
  add_columns(pareto);
  if (!words.show.empty()) add_columns(parse_keys(words.show, query, false, "--show"));
}

void Question::add_columns(const std::vector<ModelKey>& keys) {
  for (const ModelKey& key : keys) add_column(key);
}

/// Adds the columns that the table does not show in any case.
void Question::add_column(const ModelKey& key) {
  constexpr std::string_view names[] = {"name", "family", "task", "source", "parameters", "macs"};
  const auto is_it = [&](std::string_view title) { return title == key.title; };
  if (std::any_of(std::begin(names), std::end(names), is_it)) {
    usual.push_back(key);
    return;
  }
  const auto has_it = [&](const ModelKey& column) { return column.title == key.title; };
  if (std::none_of(columns.begin(), columns.end(), has_it)) columns.push_back(key);
}

bool Question::needs_graphs() const {
  const auto is_figure = [&](std::size_t field) { return query.fields()[field].total != nullptr; };
  return std::ranges::any_of(columns, [&](const ModelKey& column) {
    return std::ranges::any_of(column.expression.fields(), is_figure);
  });
}

/// An argument that matches no model of any registry.
[[noreturn]] void unknown(std::string_view what, const std::string& word,
                          const std::vector<std::string_view>& candidates) {
  Error error(ErrorCode::unknown_name,
              "no model has the " + std::string(what) + " " + escape_controls(word));
  std::string plain = word;
  std::erase_if(plain, [](char c) { return c == '*' || c == '?'; });
  error.hint = did_you_mean(plain, candidates);
  if (error.hint.empty()) error.hint = "zoometer list --registry all shows every model";
  throw error;
}

template <class Text>
std::vector<std::string_view> each(std::span<const RegistryModel> models, const Text& text_of) {
  std::vector<std::string_view> texts;
  for (const RegistryModel& model : models) texts.push_back(text_of(model));
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

bool fits(const ListWords& words, const RegistryModel& model) {
  if (!words.family.empty() && !is_of_family(model, words.family)) return false;
  if (!words.task.empty() && name_of(model.task) != words.task) return false;
  if (words.patterns.empty()) return true;
  return std::any_of(words.patterns.begin(), words.patterns.end(),
                     [&](const auto& pattern) { return matches_wildcard(pattern, model.name); });
}

/// Throws if an argument matches no model at all, so that a typing error is not an empty list.
void check_words(const ListWords& words, const Registry& registry, RegistryKind kind) {
  const auto models = registry.models(kind);
  const auto some = [&](const auto& condition) {
    return std::any_of(models.begin(), models.end(), condition);
  };
  for (const std::string& pattern : words.patterns) {
    if (some([&](const auto& model) { return matches_wildcard(pattern, model.name); })) continue;
    unknown("name", pattern, each(models, [](const auto& model) { return model.name; }));
  }
  if (!words.family.empty() &&
      !some([&](const auto& model) { return is_of_family(model, words.family); })) {
    unknown("family", words.family, each(models, [](const auto& model) { return model.family; }));
  }
  if (!words.task.empty() &&
      !some([&](const auto& model) { return name_of(model.task) == words.task; })) {
    unknown("task", words.task,
            each(models, [](const auto& model) { return name_of(model.task); }));
  }
}

std::string_view source_of(const Origin& origin) {
  if (origin.kind == OriginKind::file) return "file";
  if (origin.kind == OriginKind::family) return "family";
  return name_of_source(origin.kind);
}

/// Models that are in no registry. A row for each is complete or traces itself.
class Others {
 public:
  Others(const Question& question, ListWords& words, const Registry& registry)
      : needs_graphs_(question.needs_graphs()),
        words_(words),
        registry_(registry) {}

  /// Separates the arguments that are no names of the registry: files, python:MODULE:FUNCTION,
  /// 'timm:vit_*'.
  void take_from_words();

  std::size_t count() const noexcept { return models_.size(); }
  void add_to(Rows& rows) const;

 private:
  using Models = std::map<std::string, RegistryModel>;  // by the text of their origin

  std::optional<Origin> origin_of_other(const std::string& word) const;
  Models ask_for_names();
  RegistryModel model_from(const Origin& origin, const Finding& finding);
  void add_pattern(const Discovery& discovery);
  LiveSource::TakeGraph take_graph(const std::string& source);

  bool needs_graphs_;
  ListWords& words_;
  const Registry& registry_;
  std::vector<RegistryModel> models_;
  std::map<std::string, Totals, std::less<>> totals_;  // of the graphs, by the text of the origin
};

/// What keeps the figures of each graph; nothing where they are not asked for.
LiveSource::TakeGraph Others::take_graph(const std::string& source) {
  if (!needs_graphs_) return {};
  return [this, source](const Finding& finding, Graph& graph) {
    totals_.insert_or_assign(source + ":" + finding.name,
                             traced_totals(graph, words_.views == "none"));
  };
}

/// A model of a live source, with the figures that discovery found.
RegistryModel Others::model_from(const Origin& origin, const Finding& finding) {
  RegistryModel model;
  model.name = words_.others.emplace_back(origin.text());
  model.family = words_.others.emplace_back(finding.family);
  model.source = source_of(origin);
  model.task = task_from_name(finding.task).value_or(Task::other);
  model.parameters = finding.parameters;
  model.macs = finding.macs;
  return model;
}

void Others::add_pattern(const Discovery& discovery) {
  for (const Finding& finding : discovery.findings) {
    if (finding.status == Status::traceable) {
      models_.push_back(model_from(*origin_of(discovery, finding), finding));
    } else {
      write_note("not traced: " + finding.name + ": " + finding.message);
    }
  }
}

/// The origin of a word that no registry has as a name.
std::optional<Origin> Others::origin_of_other(const std::string& word) const {
  return model_of(word, registry_) == nullptr ? origin_of(word) : std::nullopt;
}

/// Asks each library and folder once for all models that are named: every start of PyTorch takes
/// seconds. Gives those that can be traced; torchvision's have variants, which discovery has not.
Others::Models Others::ask_for_names() {
  std::map<std::string, std::vector<std::string>> named;
  for (const std::string& word : words_.patterns) {
    const auto origin = origin_of_other(word);
    const bool is_live = origin && origin->runs_python() && origin->kind != OriginKind::torchvision;
    if (is_live && word.find_first_of("*?") == std::string::npos)
      named[origin->source()].push_back(origin->model());
  }
  Models models;
  for (const auto& [source, names] : named) {
    if (names.size() < 2) continue;
    SourceWords words;
    words.live = words_.live;
    words.source = source;
    const Discovery discovery = discover(registry_, words, names, true, take_graph(source));
    for (const Finding& finding : discovery.findings) {
      const Origin origin = *origin_of(discovery, finding);
      if (finding.status == Status::traceable)
        models.emplace(origin.text(), model_from(origin, finding));
    }
  }
  return models;
}

void Others::take_from_words() {
  const Models named = ask_for_names();
  std::vector<std::string> names;
  for (std::string& word : words_.patterns) {
    const std::string source = word.substr(0, word.rfind(':'));
    if (const auto discovery = discover_pattern(registry_, word, words_.live, take_graph(source))) {
      add_pattern(*discovery);
      continue;
    }
    const RegistryModel* known = model_of(word, registry_);
    if (known != nullptr) word = known->name;
    const auto origin = known == nullptr ? origin_of(word) : std::nullopt;
    if (!origin) {
      names.push_back(std::move(word));
      continue;
    }
    if (const auto found = named.find(origin->text()); found != named.end()) {
      models_.push_back(found->second);
      continue;
    }
    const bool is_language = origin->kind == OriginKind::language;
    RegistryModel model;
    model.name = words_.others.emplace_back(is_language ? origin->target : std::move(word));
    model.source = source_of(*origin);
    models_.push_back(model);
  }
  words_.patterns = std::move(names);
}

void Others::add_to(Rows& rows) const {
  for (const RegistryModel& other : models_) {
    QueriedModel& row = rows.emplace_back(other, words_.views == "none", words_.live);
    if (const auto found = totals_.find(other.name); found != totals_.end()) {
      row.remember(found->second);
    } else if (!other.macs) {
      row.trace();
    }
  }
}

Rows select(const ListWords& words, const Registry& registry, RegistryKind kind,
            const Others& others) {
  Rows rows;
  const bool copies_views = words.views == "none";
  const bool only_others = others.count() > 0 && words.patterns.empty();
  for (const RegistryModel& model : registry.models(kind)) {
    if (!only_others && registry.holds(kind, model) && fits(words, model))
      rows.emplace_back(model, copies_views);
  }
  others.add_to(rows);
  return rows;
}

/// Gives the user's models that Python makes the figures that the cache has of them. Opens the
/// cache only where there are such models.
void remember_figures(const ListWords& words, const Registry& registry, Rows& rows) {
  std::optional<Cache> cache;
  for (QueriedModel& row : rows) {
    const RegistryModel& model = row.model();
    if (model.user == nullptr || !model.user->origin.runs_python() || row.macs()) continue;
    if (!cache) cache.emplace([](std::string_view) {}, !words.live.no_cache);
    const auto finding = remembered_own(model, registry, words.live, *cache);
    if (finding && finding->status == Status::traceable) row.remember(*finding);
  }
}

/// Keeps the rows that answer the question, in its order.
void answer(const Question& question, const ListWords& words, Rows& rows) {
  if (question.where) {
    std::erase_if(rows,
                  [&](QueriedModel& row) { return !question.query.holds(*question.where, row); });
  }
  if (!question.pareto.empty()) {
    const std::size_t lacking = keep_pareto(question.pareto, question.query, rows);
    if (lacking > 0)
      write_note(fmt::format("{} left out without {}", counted(lacking, "model"), words.pareto));
  }
  if (!question.sort.empty()) sort_by(question.sort, question.query, rows);
  if (words.reverse) std::reverse(rows.begin(), rows.end());
  for (QueriedModel& row : rows) {
    for (const ModelKey& key : question.usual) question.query.value(key.expression, row);
  }
}

/// The registry to list: the chosen one, or where it has none of the named models and was not asked
/// for, the next wider one that has some, and that of language models after all others.
RegistryKind fitting_registry(const ListWords& words, const Registry& registry,
                              RegistryKind chosen) {
  const auto has_some = [&](RegistryKind kind) {
    return std::ranges::any_of(registry.models(kind), [&](const RegistryModel& model) {
      return registry.holds(kind, model) && fits(words, model);
    });
  };
  const bool names_some = !words.patterns.empty() || !words.family.empty() || !words.task.empty();
  if (!words.registry.empty() || !names_some) return chosen;
  for (const RegistryKind kind :
       {chosen, RegistryKind::automatic, RegistryKind::all, RegistryKind::language}) {
    if (has_some(kind)) return kind;
  }
  return chosen;
}

/// Notes how many models of another registry match, where one was asked for that has none.
void note_others(const ListWords& words, const Registry& registry, RegistryKind kind,
                 std::size_t shown) {
  const auto all = static_cast<std::size_t>(
      std::count_if(registry.models().begin(), registry.models().end(),
                    [&](const RegistryModel& model) { return fits(words, model); }));
  if (shown > 0 || all == 0) return;
  write_note(
      fmt::format("no such model in the {} registry, {} with --registry all", name_of(kind), all));
}

// -- hints --------------------------------------------------------------------------------------

/// Whether a text has what a regular expression has, and a pattern of * and ? does not.
bool looks_like_regex(std::string_view text) {
  return text.find(".*") != std::string_view::npos ||
         text.find_first_of("^$|[]()+\\") != std::string_view::npos;
}

/// Notes a text that is not meant as it is compared, where no model has it.
void note_patterns(const Question& question) {
  for (const LiteralComparison& each : question.where->literal_comparisons()) {
    const bool has_wildcard = each.text.find_first_of("*?") != std::string_view::npos;
    if (each.text.empty()) continue;
    if (each.is_pattern && looks_like_regex(each.text)) {
      write_note(fmt::format(
          "--where: \"{}\" looks like a regular expression: ~ compares whole names with "
          "a pattern of * and ?, as in \"*net1*\"",
          each.text));
    } else if (each.is_pattern && !has_wildcard) {
      write_note(
          fmt::format("--where: ~ compares whole names with a pattern: \"*{}*\"", each.text));
    } else if (!each.is_pattern && has_wildcard) {
      write_note(fmt::format("--where: = compares without patterns: write ~ \"{}\"", each.text));
    }
  }
}

/// Notes a share that a percentage is compared with: top1 > 0.75.
void note_shares(const Question& question) {
  for (const LiteralComparison& each : question.where->literal_comparisons()) {
    const ExpressionField& field = question.query.names()[each.field];
    if (field.type != ExpressionField::Type::percent || each.number <= 0 || each.number >= 1)
      continue;
    const auto share = static_cast<double>(each.number);
    write_note(fmt::format("--where: {} is a percentage: for {:g} write {:g}%", field.name, share,
                           share * 100));
  }
}

/// The value that is known without a trace, or else of the trace, if there was one.
std::optional<std::int64_t> figure_of(const QueriedModel& row, std::optional<std::int64_t> known,
                                      std::int64_t Metrics::*traced) {
  if (known) return known;
  if (const Totals* totals = row.totals()) return totals->metrics.*traced;
  return std::nullopt;
}

std::optional<std::int64_t> parameters_of(const QueriedModel& row) {
  return figure_of(row, row.parameters(), &Metrics::parameters);
}
std::optional<std::int64_t> macs_of(const QueriedModel& row) {
  return figure_of(row, row.macs(), &Metrics::macs);
}

std::string cell_of(const ModelKey& column, const ExpressionValue& value, bool exact) {
  if (value.state != ExpressionValue::State::known) return exact ? "" : "-";
  if (column.expression.is_text()) return std::string(value.text);
  return exact ? exact_figure(column.unit, value.number) : format_figure(column.unit, value.number);
}

TextTable table_of(const Question& question, Rows& rows, bool exact) {
  const auto figure = [&](const std::optional<std::int64_t>& value) {
    if (!value) return std::string(exact ? "" : "-");
    return exact ? std::to_string(*value) : format_count(*value);
  };
  const auto title = [&](const std::string& name) { return exact ? name : upper(name); };
  TextTable table;
  table.column(exact ? "name" : "MODEL");
  table.column(title("family"), false, 2);
  table.column(title("task"), false, 3);
  table.column(title("source"), false, 4);
  table.column(title("input"), false, 1);
  table.column(title("parameters"), true);
  table.column(title("macs"), true);
  for (const ModelKey& column : question.columns)
    table.column(title(column.title), !column.expression.is_text());
  for (QueriedModel& row : rows) {
    const RegistryModel& model = row.model();
    const auto shown = [&](std::string_view text) {
      return exact ? std::string(text) : escape_controls(text);
    };
    std::vector<std::string> cells = {shown(model.name),
                                      shown(model.family),
                                      std::string(name_of(model.task)),
                                      shown(model.source),
                                      shown(inputs_text(model.inputs)),
                                      figure(parameters_of(row)),
                                      figure(macs_of(row))};
    for (const ModelKey& column : question.columns)
      cells.push_back(cell_of(column, question.query.value(column.expression, row), exact));
    table.row(std::move(cells));
  }
  return table;
}

void write_inputs(JsonWriter& json, std::span<const InputSpec> inputs) {
  json.array("inputs", [&] {
    for (const InputSpec& input : inputs) {
      json.object([&] {
        json.field("name", input.name);
        json.field("shape", std::span<const std::int64_t>(input.shape));
        json.field("dtype", name_of(input.dtype));
      });
    }
  });
}

void write_figure(JsonWriter& json, std::string_view name,
                  const std::optional<std::int64_t>& value) {
  if (value) {
    json.field(name, *value);
  } else {
    json.key(name);
    json.null();
  }
}

void write_value(JsonWriter& json, const ModelKey& column, const ExpressionValue& value) {
  const bool is_integer = column.unit == MetricUnit::count || column.unit == MetricUnit::bytes;
  json.key(column.title);
  if (value.state != ExpressionValue::State::known) {
    json.null();
  } else if (column.expression.is_text()) {
    json.value(value.text);
  } else if (is_integer) {
    json.value(to_integer<std::int64_t>(value.number));
  } else {
    json.value(static_cast<double>(value.number));
  }
}

void write_model(JsonWriter& json, const Registry& registry, const Question& question,
                 QueriedModel& row) {
  const RegistryModel& model = row.model();
  json.object([&] {
    json.field("name", model.name);
    json.field("family", model.family);
    json.field("architecture", model.architecture);
    json.field("paper", model.paper);
    json.field("task", name_of(model.task));
    json.field("source", model.source);
    write_inputs(json, model.inputs);
    write_figure(json, "parameters", parameters_of(row));
    write_figure(json, "macs", macs_of(row));
    if (!question.columns.empty()) {
      json.object("figures", [&] {
        for (const ModelKey& column : question.columns)
          write_value(json, column, question.query.value(column.expression, row));
      });
    }
    json.array("registries", [&] {
      if (registry.find(model.name) != &model) return;
      for (const RegistryKind kind : {RegistryKind::curated, RegistryKind::automatic,
                                      RegistryKind::all, RegistryKind::language}) {
        if (registry.holds(kind, model)) json.value(name_of(kind));
      }
    });
  });
}

std::string write_json(const Registry& registry, RegistryKind kind, const Question& question,
                       Rows& rows) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.list/1");
    json.field("registry", name_of(kind));
    json.array("models", [&] {
      for (QueriedModel& row : rows) write_model(json, registry, question, row);
    });
  });
  return json.text();
}

/// The figures of expressions, for the end of the help text.
std::string query_metrics_help() {
  std::string text = "Figures, for --where, --sort, --pareto and --show:\n";
  for (const ModelField& field : model_fields())
    text += fmt::format("  {:<16} {}\n", field.name, field.summary);
  return text;
}

/// The registry that was chosen, and the one that is listed.
struct ListedRegistry {
  RegistryKind chosen, kind;
};

std::string text_of(const ListWords& words, const Registry& registry, ListedRegistry listed,
                    const Question& question, Rows& rows) {
  if (words.names) {
    std::string text;
    for (const QueriedModel& row : rows) text += escape_controls(row.model().name) + "\n";
    return text;
  }
  if (words.out.is("json")) return write_json(registry, listed.kind, question, rows);
  const bool exact = words.out.is("csv");
  const TextTable table = table_of(question, rows, exact);
  if (auto text = table.written_as(words.out.format())) return *text;
  std::string text = table.text(words.out.width(), words.out.colour());
  if (listed.kind != listed.chosen) {
    text += fmt::format("\nThe {} registry has none of these: they are of the registry {}.\n",
                        name_of(listed.chosen), name_of(listed.kind));
  }
  return text;
}

int run_list(const CommandLine& command_line) {
  Arguments arguments("list", "List the models with what is known without tracing.");
  ListWords words;
  arguments.positionals("patterns", words.patterns, "As in profile, and patterns with * and ?");
  arguments.option("--registry,-r", words.registry, "curated, auto, all or language", "NAME");
  arguments.option("--family", words.family, "Only this family: resnet, MobileNetV2", "NAME");
  arguments.option("--task", words.task, "Only this task: classification", "NAME");
  arguments.option("--where,-w", words.where, "Only models for which this holds: 'macs < 1G'",
                   "EXPR");
  arguments.option("--sort,-s", words.sort, "Sort by this, lowest first: macs, 'top1:desc'",
                   "KEY[:desc]");
  arguments.flag("--reverse", words.reverse, "In reverse order");
  arguments.option("--pareto", words.pareto,
                   "Only models that no other model beats in all of these: macs,top1", "KEY,KEY");
  arguments.option("--show", words.show, "Additional figures: flops,peak", "KEY,KEY");
  bool sources = false;
  arguments.flag("--sources", sources, "List where models come from, each with version and age");
  add_views_to(arguments, words.views);
  add_live_options(arguments, words.live);
  add_plugin_option(arguments, words.plugins);
  arguments.flag("--names", words.names, "Print the names only, one a line");
  words.out.add_to(arguments);
  arguments.footer("Examples:\n"
                   "  zoometer list 'resnet*' --sort macs\n"
                   "  zoometer list --registry all --task detection --format json\n"
                   "  zoometer list --where 'macs < 1G and top1 > 75%' --sort intensity:desc\n"
                   "  zoometer list --registry all --pareto macs,top1\n\n" +
                   query_metrics_help());
  if (!arguments.parse(join_sort_words(command_line))) return exit_done;
  words.out.settle();

  if (sources && !words.patterns.empty())
    throw Error(ErrorCode::usage, "--sources takes no names: it lists sources");
  if (sources) return run_list_sources(words.out);
  const Question question(words);
  const Registry registry(words.plugins);
  const RegistryKind chosen = registry.choose(words.registry);
  registry.models(chosen);  // language models are found by name only where they are asked for
  Others others(question, words, registry);
  others.take_from_words();
  const RegistryKind kind =
      others.count() == 0 ? fitting_registry(words, registry, chosen) : chosen;
  check_words(words, registry, kind);
  Rows rows = select(words, registry, kind, others);
  note_others(words, registry, kind, rows.size());
  const bool has_models = !rows.empty();
  remember_figures(words, registry, rows);
  answer(question, words, rows);
  if (question.where) {
    if (has_models && rows.empty()) note_patterns(question);
    note_shares(question);
  }

  words.out.write(text_of(words, registry, {chosen, kind}, question, rows));
  return exit_done;
}

}  // namespace

extern constinit const Command list_command = {"list", "list the models with what is known of them",
                                               run_list, 1};

}  // namespace zoometer
