#include "cli/compare.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "analysis/roofline.hpp"
#include "analysis/totals.hpp"
#include "cli/command.hpp"
#include "registry/published_metrics.hpp"
#include "report/text_lines.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"
#include "util/to_integer.hpp"

namespace zoometer {
namespace {

/// A column of the table.
struct Compared {
  std::string name, source, variant;
  std::vector<std::string> notes;
  Totals totals;
  std::optional<double> seconds;  ///< the least time on the device
  std::optional<double> top1;     ///< published, in percent
};

enum class FigureKind : std::uint8_t { count, bytes, seconds, percent };

/// A row of the table.
struct ComparedFigure {
  std::string_view name;   ///< in JSON and in `--sort`
  std::string_view title;  ///< in the table
  FigureKind kind;
  std::optional<long double> (*value)(const Compared& model);  ///< exact for 63 bits
};

template <auto member>
std::optional<long double> compared_metric(const Compared& model) {
  return static_cast<long double>(model.totals.metrics.*member);
}

constexpr ComparedFigure compared_figures[] = {
    {"parameters", "parameters", FigureKind::count, compared_metric<&Metrics::parameters>},
    {"macs", "MACs", FigureKind::count, compared_metric<&Metrics::macs>},
    {"flops", "FLOPs", FigureKind::count, compared_metric<&Metrics::flops>},
    {"activations", "activations", FigureKind::count, compared_metric<&Metrics::activations>},
    {"peak_activation_bytes", "peak activations", FigureKind::bytes,
     [](const Compared& model) -> std::optional<long double> {
       return static_cast<long double>(model.totals.peak_bytes);
     }},
    {"traffic", "memory traffic", FigureKind::bytes,
     [](const Compared& model) -> std::optional<long double> {
       return static_cast<long double>(model.totals.metrics.bytes_read) +
              static_cast<long double>(model.totals.metrics.bytes_written);
     }},
    {"seconds", "time", FigureKind::seconds,
     [](const Compared& model) -> std::optional<long double> { return model.seconds; }},
    {"top1", "top-1", FigureKind::percent,
     [](const Compared& model) -> std::optional<long double> { return model.top1; }},
};

const ComparedFigure& compared_figure(std::string_view word) {
  constexpr std::pair<std::string_view, std::string_view> others[] = {
      {"params", "parameters"},
      {"peak", "peak_activation_bytes"},
      {"time", "seconds"},
      {"memory", "traffic"},
      {"mem", "traffic"}};
  std::string_view wanted = word;
  for (const auto& [other, name] : others) {
    if (word == other) wanted = name;
  }
  std::vector<std::string_view> names;
  std::string list;
  for (const ComparedFigure& figure : compared_figures) {
    if (figure.name == wanted) return figure;
    names.push_back(figure.name);
    list.append(list.empty() ? "" : ", ").append(figure.name);
  }
  Error error(ErrorCode::usage, "--sort", {"one of " + list, escape_controls(word)});
  error.hint = did_you_mean(word, names);
  throw error;
}

std::optional<double> published_top1(const LoadedModel& model) {
  if (model.source != "builtin") return std::nullopt;
  for (const PublishedMetrics& row : published_metrics()) {
    if (row.is_default && row.model == model.name && row.metric == "top1") return row.accuracy;
  }
  return std::nullopt;
}

Compared compared(const CompareWords& words, const std::string& word, const Device& device) {
  const LoadedSide side(words.both, word);
  Compared model;
  model.name = word;
  if (word.find('@') == std::string::npos) model.name = side.loaded.name;
  model.source = side.loaded.source;
  model.variant = side.loaded.variant;
  model.notes = side.loaded.notes;
  model.totals = totals_of(side.graph, side.profile);
  const Workload workload = workload_of(side.graph, {});
  if (!lacking_type(side.graph, workload, device))
    model.seconds = roofline_of(side.graph, workload, device).total.seconds;
  model.top1 = published_top1(side.loaded);
  return model;
}

void sort_compared(std::vector<Compared>& models, std::string_view word) {
  if (word.empty()) return;
  const bool down = word.starts_with('-');
  if (down) word.remove_prefix(1);
  const ComparedFigure& key = compared_figure(word);
  std::ranges::stable_sort(models, [&](const Compared& a, const Compared& b) {
    const auto first = key.value(a);
    const auto second = key.value(b);
    if (!first || !second) return first.has_value() && !second.has_value();
    return down ? *first > *second : *first < *second;
  });
}

std::string compared_text(const ComparedFigure& figure, long double value) {
  switch (figure.kind) {
  case FigureKind::count: return format_count(to_integer<std::int64_t>(value));
  case FigureKind::bytes: return format_bytes(to_integer<std::int64_t>(value));
  case FigureKind::seconds: return format_seconds(static_cast<double>(value));
  case FigureKind::percent: return fmt::format("{:.3f}%", value);
  }
  return {};
}

/// "25.56 M  2.19x": the figure, and its ratio to the first model's.
std::string compared_cell(const ComparedFigure& figure, const Compared& model,
                          const Compared& first) {
  const auto value = figure.value(model);
  if (!value) return "-";
  const Metrics& metrics = model.totals.metrics;
  const bool is_certain =
      figure.kind == FigureKind::percent || figure.name == std::string_view("parameters");
  const bool of_macs = figure.name == std::string_view("macs");
  std::string text = marked(compared_text(figure, *value), is_certain ? Certainty::exact
                                                           : of_macs  ? certainty_of_macs(metrics)
                                                                      : certainty_of(metrics));
  const auto base = figure.value(first);
  if (&model == &first || !base || *base <= 0 || figure.kind == FigureKind::percent) return text;
  return text + fmt::format("  {:.2f}x", *value / *base);
}

TextTable compared_table(const std::vector<Compared>& models, const Device& device) {
  TextTable table;
  table.column("");
  for (const Compared& model : models) table.column(escape_controls(model.name), true);
  for (const ComparedFigure& figure : compared_figures) {
    std::vector<std::string> cells = {std::string(figure.title)};
    if (figure.kind == FigureKind::seconds) cells[0] += " on " + escape_controls(device.name);
    for (const Compared& model : models)
      cells.push_back(compared_cell(figure, model, models.front()));
    table.row(std::move(cells));
  }
  return table;
}

/// The figures with all their digits, a line for each model.
TextTable compared_csv(const std::vector<Compared>& models) {
  TextTable table;
  table.column("name");
  for (const ComparedFigure& figure : compared_figures) table.column(figure.name);
  for (const Compared& model : models) {
    std::vector<std::string> cells = {model.name};
    for (const ComparedFigure& figure : compared_figures) {
      const auto value = figure.value(model);
      const bool is_whole = figure.kind == FigureKind::count || figure.kind == FigureKind::bytes;
      cells.push_back(!value     ? ""
                      : is_whole ? std::to_string(to_integer<std::int64_t>(*value))
                                 : fmt::format("{}", static_cast<double>(*value)));
    }
    table.row(std::move(cells));
  }
  return table;
}

std::string compared_json(const std::vector<Compared>& models, const Device& device) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.compare/1");
    json.field("device", device.name);
    json.array("models", [&] {
      for (const Compared& model : models) {
        json.object([&] {
          json.field("name", model.name);
          json.field("source", model.source);
          if (!model.variant.empty()) json.field("variant", model.variant);
          if (!model.notes.empty()) {
            json.array("notes", [&] {
              for (const std::string& note : model.notes) json.value(note);
            });
          }
          json.object("totals", [&] {
            for (const ComparedFigure& figure : compared_figures) {
              const auto value = figure.value(model);
              json.key(figure.name);
              if (!value) {
                json.null();
              } else if (figure.kind == FigureKind::count || figure.kind == FigureKind::bytes) {
                json.value(to_integer<std::int64_t>(*value));
              } else {
                json.value(static_cast<double>(*value));
              }
            }
            if (model.totals.metrics.bounded) json.field("bound", true);
            if (model.totals.metrics.assumed) json.field("assumed", true);
          });
        });
      }
    });
  });
  return json.text();
}

int run_compare(const CommandLine& given) {
  Arguments arguments("compare", "Compare models: a table with a column for each.");
  CompareWords words;
  FormatWords out(compare_formats());
  arguments.positionals("models", words.models,
                        "Models and files; options of one follow its name: resnet50@batch=8", true);
  words.both.add_to(arguments);
  arguments.option("--on", words.device, "The device of the time (A100)", "NAME");
  arguments.option("--sort", words.sort, "Order of the models: macs, -macs for largest first",
                   "KEY");
  out.add_to(arguments);
  arguments.footer("Example:\n  zoometer compare resnet50 efficientnet_b0 vit_b_16 --sort macs");
  if (!arguments.parse(join_sort_words(join_shape_words(given)))) return exit_done;
  out.settle();
  return compare_models(words, out);
}

}  // namespace

std::vector<std::string> compare_keys() {
  std::vector<std::string> keys;
  for (const ComparedFigure& figure : compared_figures) keys.emplace_back(figure.name);
  return keys;
}

std::vector<std::string> compare_formats() { return table_formats({"text", "json"}); }

int compare_models(const CompareWords& words, const FormatWords& out) {
  const std::vector<Device> devices = all_devices();
  const Device& device = find_device(devices, words.device);
  if (!words.sort.empty()) compared_figure(words.sort.substr(words.sort.starts_with('-') ? 1 : 0));
  std::vector<Compared> models;
  for (const std::string& word : words.models) models.push_back(compared(words, word, device));
  sort_compared(models, words.sort);
  if (out.is("json")) {
    out.write(compared_json(models, device));
    return exit_done;
  }
  const TextTable table = out.is("csv") ? compared_csv(models) : compared_table(models, device);
  std::string text;
  if (auto written = table.written_as(out.format())) {
    text = std::move(*written);
  } else {
    text = table.text(out.width(), out.colour());
    for (const Compared& model : models) {
      for (const std::string& note : model.notes)
        text += fmt::format("note  {}: {}\n", escape_controls(model.name), escape_controls(note));
    }
  }
  out.write(text);
  return exit_done;
}

extern constinit const Command compare_command = {
    "compare", "compare models: a table with a column for each", run_compare, 4};

}  // namespace zoometer
