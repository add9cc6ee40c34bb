#include <fmt/format.h>

#include <algorithm>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "registry/registry.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"

namespace zoometer {
namespace {

using Rows = std::vector<const RegistryModel*>;

struct ListWords {
  std::vector<std::string> patterns;
  std::string registry;
  std::string family;
  std::string task;
  std::string sort = "name";
  bool reverse = false;
  std::string format = "text";
  std::string output;
};

/// A key to sort by. Names go from A to Z, figures from low to high; models without one go last.
struct SortKey {
  std::string_view name;
  bool (*less)(const RegistryModel& a, const RegistryModel& b);
};

template <auto member>
bool less_text(const RegistryModel& a, const RegistryModel& b) {
  return natural_less(a.*member, b.*member);
}

template <auto member>
bool less_figure(const RegistryModel& a, const RegistryModel& b) {
  if (!(a.*member) || !(b.*member)) return (a.*member).has_value() && !(b.*member);
  return *(a.*member) < *(b.*member);
}

bool less_task(const RegistryModel& a, const RegistryModel& b) {
  return name_of(a.task) < name_of(b.task);
}

constexpr SortKey sort_keys[] = {
    {"name", less_text<&RegistryModel::name>},
    {"family", less_text<&RegistryModel::family>},
    {"task", less_task},
    {"source", less_text<&RegistryModel::source>},
    {"parameters", less_figure<&RegistryModel::parameters>},
    {"macs", less_figure<&RegistryModel::macs>},
};

/// A word that no model of any registry fits.
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

/// Throws where a word fits no model at all, so that a typing error is no empty list.
void check_words(const ListWords& words, const Registry& registry) {
  const auto models = registry.models();
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

Rows select(const ListWords& words, const Registry& registry, RegistryKind kind) {
  Rows rows;
  for (const RegistryModel& model : registry.models()) {
    if (registry.holds(kind, model) && fits(words, model)) rows.push_back(&model);
  }
  for (const SortKey& key : sort_keys) {
    if (key.name != words.sort) continue;
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const auto* a, const auto* b) { return key.less(*a, *b); });
  }
  if (words.reverse) std::reverse(rows.begin(), rows.end());
  return rows;
}

/// Tells of models that fit the words and are in another registry.
void note_others(const ListWords& words, const Registry& registry, RegistryKind kind,
                 std::size_t shown) {
  const auto all = static_cast<std::size_t>(
      std::count_if(registry.models().begin(), registry.models().end(),
                    [&](const RegistryModel& model) { return fits(words, model); }));
  if (shown > 0 || all == 0) return;
  write_note(
      fmt::format("no such model in the {} registry, {} with --registry all", name_of(kind), all));
}

TextTable table_of(const Rows& rows, bool exact) {
  const auto figure = [&](const std::optional<std::int64_t>& value) {
    if (!value) return std::string(exact ? "" : "-");
    return exact ? std::to_string(*value) : format_count(*value);
  };
  TextTable table;
  table.column(exact ? "name" : "MODEL");
  table.column(exact ? "family" : "FAMILY", false, 2);
  table.column(exact ? "task" : "TASK", false, 3);
  table.column(exact ? "source" : "SOURCE", false, 4);
  table.column(exact ? "input" : "INPUT", false, 1);
  table.column(exact ? "parameters" : "PARAMETERS", true);
  table.column(exact ? "macs" : "MACS", true);
  for (const RegistryModel* model : rows) {
    table.row({std::string(model->name), std::string(model->family),
               std::string(name_of(model->task)), std::string(model->source),
               inputs_text(model->inputs), figure(model->parameters), figure(model->macs)});
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

std::string write_json(const Registry& registry, RegistryKind kind, const Rows& rows) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.list/1");
    json.field("registry", name_of(kind));
    json.array("models", [&] {
      for (const RegistryModel* model : rows) {
        json.object([&] {
          json.field("name", model->name);
          json.field("family", model->family);
          json.field("architecture", model->architecture);
          json.field("paper", model->paper);
          json.field("task", name_of(model->task));
          json.field("source", model->source);
          write_inputs(json, model->inputs);
          write_figure(json, "parameters", model->parameters);
          write_figure(json, "macs", model->macs);
          json.array("registries", [&] {
            for (const RegistryKind each_kind :
                 {RegistryKind::curated, RegistryKind::automatic, RegistryKind::all}) {
              if (registry.holds(each_kind, *model)) json.value(name_of(each_kind));
            }
          });
        });
      }
    });
  });
  return json.text();
}

std::vector<std::string> sort_names() {
  std::vector<std::string> names;
  for (const SortKey& key : sort_keys) names.emplace_back(key.name);
  return names;
}

int run(const std::vector<std::string>& command_line) {
  Arguments arguments("list", "List the models with what is known of them without tracing.");
  ListWords words;
  arguments.positionals("patterns", words.patterns, "Names, or patterns with * and ?");
  arguments.option("--registry,-r", words.registry, "curated, auto or all", "NAME");
  arguments.option("--family", words.family, "Only this family, as resnet or MobileNetV2", "NAME");
  arguments.option("--task", words.task, "Only this task, as classification", "NAME");
  arguments.choice("--sort,-s", words.sort, sort_names(), "What to sort by, lowest first");
  arguments.flag("--reverse", words.reverse, "Highest first");
  arguments.choice("--format,-f", words.format, {"text", "json", "csv"}, "How to write the list");
  arguments.option("--output,-o", words.output, "Write to a file in place of standard output",
                   "FILE");
  arguments.footer("Examples:\n"
                   "  zoometer list 'resnet*' --sort macs\n"
                   "  zoometer list --registry all --task detection --format json\n");
  arguments.parse(command_line);

  const Registry registry;
  const RegistryKind kind = registry.choose(words.registry);
  check_words(words, registry);
  const Rows rows = select(words, registry, kind);
  note_others(words, registry, kind, rows.size());

  if (words.format == "json") {
    write_output(words.output, write_json(registry, kind, rows));
  } else if (words.format == "csv") {
    write_output(words.output, table_of(rows, true).csv());
  } else {
    const bool to_terminal = words.output.empty();
    write_output(words.output,
                 table_of(rows, false)
                     .text(to_terminal ? terminal_width() : 0, to_terminal && wants_colour()));
  }
  return exit_done;
}

}  // namespace

extern constinit const Command list_command = {"list", "list the models and what is known of them",
                                               run, 1};

}  // namespace zoometer
