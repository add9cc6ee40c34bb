#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/sources.hpp"
#include "registry/generated_code.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"

namespace zoometer {
namespace {

struct DiscoverWords {
  std::vector<std::string> patterns;
  SourceWords source;
  std::string test_model;
  bool verbose = false;
  std::optional<std::string> language;
  FormatWords out{table_formats({"text", "json"})};
};

std::string figure(const std::optional<std::int64_t>& value) {
  return value ? format_count(*value) : "-";
}

std::string milliseconds(double seconds) { return fmt::format("{:.1f} ms", seconds * 1e3); }

/// Why a model failed or was skipped, on one line.
std::string reason_text(const Finding& finding) {
  if (finding.status == Status::traceable) return escape_controls(finding.note);
  std::string text = finding.reason;
  if (finding.status == Status::failed && !finding.module_path.empty())
    text += " in " + finding.module_path;
  if (!finding.op.empty()) text += ", " + finding.op;
  return escape_controls(text + ": " + finding.message);
}

/// A row for each model; `exact` writes all digits.
TextTable verbose_table(const Discovery& discovery, bool exact) {
  const auto number = [&](const std::optional<std::int64_t>& value) {
    if (!exact) return figure(value);
    return value ? std::to_string(*value) : std::string();
  };
  const std::string none = exact ? "" : "-";
  TextTable table;
  table.column("MODEL");
  table.column("FAMILY", false, 1);
  table.column("STATUS");
  table.column("TIME", true, 3);
  table.column("NODES", true, 2);
  table.column("PARAMETERS", true);
  table.column("MACS", true);
  table.column("REASON");
  for (const Finding& finding : discovery.findings) {
    const bool tried = finding.status != Status::skipped;
    table.row({finding.name, finding.family, std::string(name_of(finding.status)),
               tried ? milliseconds(finding.seconds) : none,
               finding.nodes ? std::to_string(*finding.nodes) : none, number(finding.parameters),
               number(finding.macs), reason_text(finding)});
  }
  return table;
}

struct Natural {
  bool operator()(std::string_view a, std::string_view b) const { return natural_less(a, b); }
};

std::string family_table(const Discovery& discovery) {
  struct Counts {
    std::size_t traceable = 0, failed = 0, skipped = 0;
  };
  std::map<std::string_view, Counts, Natural> families;
  for (const Finding& finding : discovery.findings) {
    Counts& counts = families[finding.family];
    (finding.status == Status::traceable ? counts.traceable
     : finding.status == Status::failed  ? counts.failed
                                         : counts.skipped)++;
  }
  TextTable table;
  table.column("FAMILY");
  table.column("TRACEABLE", true);
  table.column("FAILED", true);
  table.column("SKIPPED", true);
  const auto cell = [](std::size_t count) { return count == 0 ? "-" : std::to_string(count); };
  for (const auto& [family, counts] : families) {
    table.row(
        {std::string(family), cell(counts.traceable), cell(counts.failed), cell(counts.skipped)});
  }
  return table.text(0, false);
}

/// Words joined with commas, in lines of limited width.
std::string paragraph(const std::vector<std::string_view>& words, int width) {
  const std::size_t limit = width > 0 ? static_cast<std::size_t>(width) : 100;
  std::string text;
  std::string line = " ";
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string item = " " + escape_controls(words[i]) + (i + 1 < words.size() ? "," : "");
    if (line.size() + item.size() > limit && line.size() > 1) {
      text += line + "\n";
      line = " ";
    }
    line += item;
  }
  return text + line + "\n";
}

/// The failures by reason, each with the message of the first model that failed.
std::string failures(const Discovery& discovery, int width) {
  std::map<std::string, std::vector<std::string_view>> reasons;
  for (const Finding& finding : discovery.findings) {
    if (finding.status == Status::failed)
      reasons[finding.reason + ": " + std::string(first_sentence(finding.message))].push_back(
          finding.name);
  }
  std::string text;
  for (const auto& [reason, names] : reasons) {
    text += fmt::format("\n{}, failed ({}):\n", escape_controls(reason), names.size());
    text += paragraph(names, width);
  }
  return text;
}

std::string summary(const Registry& registry, const Discovery& discovery, int width) {
  std::string text = discovery.source;
  if (!discovery.source_version.empty()) text += " " + discovery.source_version;
  text +=
      fmt::format(": {}, {} traceable, {} failed, {} skipped\n",
                  counted(discovery.findings.size(), "model"), discovery.count(Status::traceable),
                  discovery.count(Status::failed), discovery.count(Status::skipped));
  for (const std::string& note : discovery.notes) text += "  " + escape_controls(note) + "\n";
  text += "\n" + family_table(discovery);
  text += failures(discovery, width);
  if (discovery.has_files) return text;
  const auto missing = missing_from_curated(registry, discovery);
  if (missing.empty()) return text + "\nNothing is missing from the curated registry.\n";
  text += fmt::format("\nmissing from the curated registry ({}):\n", missing.size());
  return text + paragraph(missing, width);
}

void write_number(JsonWriter& json, std::string_view name,
                  const std::optional<std::int64_t>& value) {
  json.key(name);
  value ? json.value(*value) : json.null();
}

void write_text_or_null(JsonWriter& json, std::string_view name, const std::string& text) {
  json.key(name);
  text.empty() ? json.null() : json.value(text);
}

void write_finding(JsonWriter& json, const Finding& finding) {
  json.object([&] {
    json.field("name", finding.name);
    json.field("family", finding.family);
    json.field("task", finding.task);
    json.field("status", name_of(finding.status));
    write_text_or_null(json, "reason", finding.reason);
    if (finding.status != Status::traceable) {
      json.field("message", finding.message);
      write_text_or_null(json, "module", finding.module_path);
      write_text_or_null(json, "operator", finding.op);
    }
    if (!finding.note.empty()) json.field("note", finding.note);
    write_number(json, "nodes", finding.nodes);
    write_number(json, "parameters", finding.parameters);
    write_number(json, "macs", finding.macs);
    json.field("seconds", finding.seconds);
  });
}

std::string write_json(const Registry& registry, const Discovery& discovery) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.discovery/1");
    json.field("source", discovery.source);
    json.field("source_version", discovery.source_version);
    json.field("total", discovery.findings.size());
    for (const Status status : {Status::traceable, Status::failed, Status::skipped})
      json.field(name_of(status), discovery.count(status));
    json.array("notes", [&] {
      for (const std::string& note : discovery.notes) json.value(note);
    });
    json.array("missing_from_curated", [&] {
      for (const std::string_view name : missing_from_curated(registry, discovery))
        json.value(name);
    });
    json.array("models", [&] {
      for (const Finding& finding : discovery.findings) write_finding(json, finding);
    });
  });
  return json.text();
}

/// One tested model; if it failed, with a suggestion.
std::string test_text(const Finding& finding) {
  if (finding.status == Status::traceable) {
    return fmt::format("{} is traceable: {} nodes, {} parameters, {} MACs in {}\n", finding.name,
                       *finding.nodes, figure(finding.parameters), figure(finding.macs),
                       milliseconds(finding.seconds));
  }
  std::string text =
      fmt::format("{} failed after {}\n", finding.name, milliseconds(finding.seconds));
  const auto line = [&](std::string_view label, std::string_view content) {
    if (!content.empty()) text += fmt::format("  {:<9} {}\n", label, escape_controls(content));
  };
  line("reason", finding.reason);
  line("message", finding.message);
  line("module", finding.module_path);
  line("operator", finding.op);
  line("advice", advice_for(finding.reason));
  return text;
}

[[noreturn]] void nothing_found(const Registry& registry, const DiscoverWords& words) {
  const std::string& word = words.test_model.empty() ? words.patterns.front() : words.test_model;
  std::vector<std::string_view> names;
  for (const RegistryModel& model : registry.models()) names.push_back(model.name);
  Error error(ErrorCode::unknown_name,
              (words.source.source.empty() ? "there is" : words.source.source + " has") +
                  std::string(" no model ") + escape_controls(word));
  error.hint = did_you_mean(word, names);
  throw error;
}

bool parse(DiscoverWords& words, const CommandLine& command_line) {
  Arguments arguments("discover", "Try every model of a source and report which can be traced.");
  arguments.positionals("models", words.patterns, "Only these names, or patterns with * and ?");
  arguments.flag("--verbose,-v", words.verbose, "Print a line per model");
  arguments.option("--test-model,-t", words.test_model, "Try one model; exit with 1 if it fails",
                   "NAME");
  arguments.optional_choice("--generate-code,-g", words.language, {"python", "cpp", "toml"},
                            "python", "Write a registry of the traceable models as code");
  words.source.add_to(arguments);
  arguments.choice("--tracer", words.source.live.tracer, {"capture", "fx"},
                   "fx: what torch.fx says of the models of Python, without a run");
  words.out.add_to(arguments);
  arguments.footer("Examples:\n"
                   "  zoometer discover --verbose\n"
                   "  zoometer discover --test-model raft_large\n"
                   "  zoometer discover --generate-code toml\n");
  if (!arguments.parse(command_line)) return false;
  if (!words.language) words.out.settle();
  return true;
}

int run_discover(const CommandLine& command_line) {
  DiscoverWords words;
  if (!parse(words, command_line)) return exit_done;
  const Registry registry(words.source.plugins);
  const bool is_test = !words.test_model.empty();
  const Discovery discovery = discover(
      registry, words.source, is_test ? std::vector{words.test_model} : words.patterns, is_test);
  const bool names_some = is_test || !words.patterns.empty();
  if (discovery.findings.empty() && names_some) nothing_found(registry, words);

  const int width = words.out.width();
  std::string text;
  if (words.language) {
    text = generate_code(discovery, registry, *words.language);
  } else if (words.out.is("json")) {
    text = write_json(registry, discovery);
  } else if (auto table =
                 verbose_table(discovery, words.out.is("csv")).written_as(words.out.format())) {
    text = std::move(*table);
  } else if (!words.test_model.empty()) {
    for (const Finding& finding : discovery.findings) text += test_text(finding);
  } else {
    if (words.verbose)
      text = verbose_table(discovery, false).text(width, words.out.colour()) + "\n";
    text += summary(registry, discovery, width);
  }
  words.out.write(text);
  const bool failed = !words.test_model.empty() && discovery.count(Status::failed) > 0;
  return failed ? exit_check_failed : exit_done;
}

}  // namespace

extern constinit const Command discover_command = {
    "discover", "try every model of a source and report which can be traced", run_discover, 5};

}  // namespace zoometer
