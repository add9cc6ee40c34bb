#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/load.hpp"
#include "cli/sources.hpp"
#include "registry/generated_code.hpp"
#include "registry/origin.hpp"
#include "registry/registry_file.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"

namespace zoometer {
namespace {

using Names = std::vector<std::string>;

[[noreturn]] void unknown(const std::string& name, std::string_view where,
                          const std::vector<std::string_view>& candidates) {
  Error error(ErrorCode::unknown_name, fmt::format("{} is not a model of {}", name, where));
  error.hint = did_you_mean(name, candidates);
  throw error;
}

std::vector<std::string_view> names_of(const Registry& registry) {
  std::vector<std::string_view> names;
  for (const RegistryModel& model : registry.models()) names.push_back(model.name);
  return names;
}

bool is_curated(const Registry& registry, std::string_view name) {
  const Names& curated = registry.curated();
  return std::find(curated.begin(), curated.end(), name) != curated.end();
}

// -- show -------------------------------------------------------------------------------------

/// A row for each model of the lists.
TextTable show_table(const Registry& registry) {
  TextTable table;
  for (const std::string_view title : {"model", "list", "source"}) table.column(title);
  const auto add = [&](const Names& names, const char* list) {
    for (const std::string& name : names) {
      const RegistryModel* model = registry.find(name);
      table.row(
          {escape_controls(name), list, model == nullptr ? "" : escape_controls(model->source)});
    }
  };
  add(registry.curated(), "curated");
  for (const RegistryModel& model : registry.models()) {
    if (model.is_own())
      table.row({escape_controls(model.name), "own", escape_controls(model.source)});
  }
  add(registry.removed(), "removed");
  return table;
}

/// The version of torchvision that the curated list was made from.
std::string_view torchvision_of(const Registry& registry) {
  return registry.torchvision().empty() ? builtin_torchvision : registry.torchvision();
}

/// The models of zoometer's own torchvision that trace and that a list made from an older one
/// lacks.
std::vector<std::string_view> newer_models(const Registry& registry) {
  std::vector<std::string_view> names;
  if (!natural_less(torchvision_of(registry), builtin_torchvision)) return names;
  const Names& removed = registry.removed();
  for (const RegistryModel& model : registry.models()) {
    const bool is_missing = model.builtin != nullptr &&
                            registry.holds(RegistryKind::automatic, model) &&
                            !is_curated(registry, model.name) &&
                            std::ranges::find(removed, model.name) == removed.end();
    if (is_missing) names.push_back(model.name);
  }
  return names;
}

std::string show_json(const Registry& registry) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.registry/1");
    json.field("path", registry.user_path());
    json.field("exists", is_file(registry.user_path()));
    json.field("registry", name_of(registry.choose("")));
    json.array("curated", [&] {
      for (const std::string& name : registry.curated()) json.value(name);
    });
    json.array("removed", [&] {
      for (const std::string& name : registry.removed()) json.value(name);
    });
    json.field("torchvision", torchvision_of(registry));
    json.array("missing", [&] {
      for (const std::string_view name : newer_models(registry)) json.value(name);
    });
    json.array("skip_patterns", [&] {
      for (const std::string& pattern : registry.skip_patterns()) json.value(pattern);
    });
    json.array("own", [&] {
      for (const RegistryModel& model : registry.models()) {
        if (!model.is_own()) continue;
        json.object([&] {
          json.field("name", model.name);
          json.field("source", model.source);
          if (model.user != nullptr) json.field("declared_in", model.user->declared_in);
        });
      }
    });
  });
  return json.text();
}

std::string show_text(const Registry& registry) {
  const bool exists = is_file(registry.user_path());
  std::string text = fmt::format("file           {}{}\n", registry.user_path(),
                                 exists ? "" : " (does not exist: the built-in registry applies)");
  const auto count = [&](RegistryKind kind) {
    return std::count_if(registry.models().begin(), registry.models().end(),
                         [&](const RegistryModel& model) { return registry.holds(kind, model); });
  };
  text += fmt::format("chosen         {}\n", name_of(registry.choose("")));
  text += fmt::format("sizes          curated {}, auto {}, all {}, language {}\n",
                      count(RegistryKind::curated), count(RegistryKind::automatic),
                      count(RegistryKind::all), registry.models(RegistryKind::language).size());
  text += fmt::format("torchvision    {}", torchvision_of(registry));
  if (const auto newer = newer_models(registry); !newer.empty()) {
    text += fmt::format("; {} has {} that this list lacks: registry update adds them",
                        builtin_torchvision, counted(newer.size(), "model"));
  }
  text += "\nskip patterns ";
  for (const std::string& pattern : registry.skip_patterns()) text += " " + pattern;
  text += fmt::format("\n\ncurated ({}):\n", registry.curated().size());
  for (const std::string& name : registry.curated()) {
    const bool known = registry.find(name) != nullptr;
    text += "  " + escape_controls(name) + (known ? "\n" : "  (no such model)\n");
  }
  std::string own;
  for (const RegistryModel& model : registry.models()) {
    if (model.is_own())
      own += fmt::format("  {}  {}\n", escape_controls(model.name), escape_controls(model.source));
  }
  if (!own.empty()) text += "\nown:\n" + own;
  return text;
}

int run_show(const CommandLine& words) {
  Arguments arguments("registry show", "Show the registries and the file that changes them.");
  FormatWords out(table_formats({"text", "json"}));
  out.add_to(arguments, "");
  if (!arguments.parse(words)) return exit_done;
  out.settle();
  const Registry registry;
  const auto table = show_table(registry).written_as(out.format());
  out.write(table ? *table : out.is("json") ? show_json(registry) : show_text(registry));
  return exit_done;
}

// -- changes in JSON --------------------------------------------------------------------------

/// What an action changed, or did not.
struct RegistryChange {
  std::string_view action;
  Names added, removed, unchanged, failed;
};

/// Writes a change: `text`, or a document of the schema zoometer.registry_change/1.
void write_change(const FormatWords& out, const Registry& registry, const RegistryChange& change,
                  const std::string& text) {
  if (!out.is("json")) return out.write(text);
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.registry_change/1");
    json.field("action", change.action);
    json.field("path", registry.user_path());
    const std::pair<std::string_view, const Names*> lists[] = {{"added", &change.added},
                                                               {"removed", &change.removed},
                                                               {"unchanged", &change.unchanged},
                                                               {"failed", &change.failed}};
    for (const auto& [key, names] : lists) {
      json.array(key, [&, list = names] {
        for (const std::string& name : *list) json.value(name);
      });
    }
  });
  out.write(json.text());
}

// -- add and remove ---------------------------------------------------------------------------

std::string failure_text(const Finding& finding) {
  return fmt::format("{} cannot be traced: {}: {}\n", finding.name, finding.reason,
                     escape_controls(finding.message));
}

std::string added_text(const std::string& name, const Finding& finding) {
  return fmt::format("added {}: {} nodes, {} parameters, {} MACs\n", name,
                     finding.nodes.value_or(0), format_count(finding.parameters.value_or(0)),
                     format_count(finding.macs.value_or(0)));
}

/// Adds a model that is not built in under a new name.
struct OwnWords {
  std::string origin;
  std::vector<std::string> input_shapes;
  LiveOptions live;
  bool is_word = false;  ///< `origin` is an argument, not the value of --from

  void add_to(Arguments& arguments) {
    arguments.option(
        "--from", origin,
        "Add your own model under a new name: a file, hf:ORG/NAME, torchvision:NAME, "
        "timm:NAME, transformers:NAME, torch.hub:FOLDER:NAME or python:MODULE:FUNCTION",
        "MODEL");
    arguments.option("--input-shape", input_shapes, "With --from: the input's sizes; repeatable",
                     "[NAME=]N,C,H,W");
    add_live_options(arguments, live);
  }
};

/// Who has a name already.
std::string holder_of(const RegistryModel& model) {
  if (model.user != nullptr) return model.user->declared_in;
  return model.is_plugin ? std::string(model.source) : "built in";
}

/// Names that cannot be given to other commands: patterns, lists, paths, options of one side.
void check_name(const std::string& name) {
  constexpr std::string_view refused = "*?[]{}()<>,;:=@/\\\"'`$&|!# ";
  const bool is_good = !name.empty() && !name.starts_with('-') && !name.starts_with('.') &&
                       is_utf8(name) && escape_controls(name) == name &&
                       name.find_first_of(refused) == std::string::npos;
  if (is_good) return;
  throw Error(ErrorCode::usage, "a model's name",
              {"letters, digits, _, - and .", name.empty() ? "nothing" : escape_controls(name)});
}

int add_own(const OwnWords& words, const Names& names, const FormatWords& out) {
  if (names.size() != 1)
    throw Error(ErrorCode::usage, "--from", {"one name", std::to_string(names.size())});
  const std::string& name = names.front();
  check_name(name);
  const Registry registry;
  if (const RegistryModel* taken = registry.find(name)) {
    Error error(ErrorCode::usage,
                fmt::format("the name {} is taken: {}", escape_controls(name), holder_of(*taken)));
    if (words.is_word)
      error.hint =
          fmt::format("zoometer registry add NAME --from {}", escape_controls(words.origin));
    throw error;
  }
  OriginRequest request;
  request.origin = parse_origin(words.origin);
  if (request.origin.kind == OriginKind::file)
    request.origin.target = std::filesystem::absolute(request.origin.target).string();
  request.inputs = parse_user_inputs(words.input_shapes);
  request.live = words.live;
  Finding finding = try_origin(request, registry, write_note);
  finding.name = name;
  if (finding.status != Status::traceable) {
    write_change(out, registry, {"add", {}, {}, {}, names}, failure_text(finding));
    return exit_check_failed;
  }
  RegistryFile file(registry.user_path());
  file.text().add_model(name, RegistryEntry{request.origin, request.inputs}.lines());
  file.save();
  write_change(out, registry, {"add", names, {}, {}, {}}, added_text(name, finding));
  return exit_done;
}

/// The name of a model that is added by its word alone: "NAME" of hf:ORG/NAME@v2 and
/// ollama:NAME:7b, ollama:NAME:7b, "net" of nets/net.onnx.
std::string name_for(const Origin& origin) {
  if (origin.kind == OriginKind::file) {
    const std::filesystem::path path = std::filesystem::absolute(origin.target).lexically_normal();
    return is_folder(origin.target) && !path.has_filename() ? path.parent_path().filename().string()
                                                            : path.stem().string();
  }
  if (origin.kind != OriginKind::hugging_face && origin.kind != OriginKind::ollama)
    return origin.model();
  std::string name = origin.target.substr(0, origin.target.find_first_of("@:"));
  return name.substr(name.rfind('/') + 1);
}

int run_add(const CommandLine& words) {
  Arguments arguments("registry add",
                      "Test models and add those that trace to the curated list, or with --from "
                      "one of your own.");
  Names names;
  OwnWords own;
  arguments.positionals("models", names, "Names of models", true);
  own.add_to(arguments);
  FormatWords out({"text", "json"});
  out.add_to(arguments, "");
  if (!arguments.parse(join_shape_words(words))) return exit_done;
  out.settle();
  if (!own.origin.empty()) return add_own(own, names, out);

  const Registry registry;
  const auto is_origin = [&](const std::string& word) {
    if (registry.find(word) != nullptr) return false;
    const Origin origin = parse_origin(word);
    const bool is_path = origin.kind == OriginKind::file && is_anything(word);
    return origin.runs_python() || origin.kind == OriginKind::hugging_face ||
           origin.kind == OriginKind::ollama || is_path;
  };
  if (std::ranges::any_of(names, is_origin)) {
    if (!std::ranges::all_of(names, is_origin))
      throw Error(ErrorCode::usage, "registry add takes names, or models of sources, not both");
    int status = exit_done;
    for (const std::string& word : names) {
      OwnWords one = own;
      one.origin = word;
      one.is_word = true;
      status = std::max(status, add_own(one, {name_for(parse_origin(word))}, out));
    }
    return status;
  }
  for (std::string& name : names) {
    check_name(name);
    const RegistryModel* model = registry.resolve(name);
    if (model == nullptr) unknown(name, "zoometer", names_of(registry));
    name = model->name;
  }
  std::string text;
  RegistryChange change{"add", {}, {}, {}, {}};
  Names& added = change.added;
  for (const std::string& name : names) {
    const bool is_known =
        is_curated(registry, name) || std::find(added.begin(), added.end(), name) != added.end();
    if (is_known) {
      change.unchanged.push_back(name);
      text += name + " is already in the curated registry\n";
      continue;
    }
    const Discovery discovery = discover(registry, {}, {name}, true);
    const Finding& finding = discovery.findings.front();
    if (finding.status == Status::traceable) {
      added.push_back(name);
      text += added_text(name, finding);
    } else {
      change.failed.push_back(name);
      text += failure_text(finding);
    }
  }
  if (!added.empty()) {
    RegistryFile file(registry.user_path());
    file.text().add_curated(added);
    file.save();
  }
  write_change(out, registry, change, text);
  return change.failed.empty() ? exit_done : exit_check_failed;
}

/// A file of a folder is a model for as long as it is there.
void refuse_file(const RegistryModel* model) {
  if (model == nullptr || model->user == nullptr || model->user->folder.empty()) return;
  Error error(ErrorCode::usage,
              fmt::format("{} is a file of the folder {}", escape_controls(model->name),
                          escape_controls(model->user->folder)));
  error.hint =
      "remove " + escape_controls(model->user->declared_in) + ", or the folder from folders";
  throw error;
}

int run_remove(const CommandLine& words) {
  Arguments arguments("registry remove",
                      "Remove models from the curated list, or your own models.");
  Names names;
  arguments.positionals("models", names, "Names of models", true);
  FormatWords out({"text", "json"});
  out.add_to(arguments, "");
  if (!arguments.parse(words)) return exit_done;
  out.settle();

  const Registry registry;
  const Names& curated = registry.curated();
  std::vector<std::string_view> candidates(curated.begin(), curated.end());
  for (const RegistryModel& model : registry.models()) {
    if (model.user != nullptr) candidates.push_back(model.name);
  }
  for (std::string& name : names) {
    if (const RegistryModel* model = registry.resolve(name)) name = model->name;
    if (std::find(candidates.begin(), candidates.end(), name) == candidates.end())
      unknown(name, "the curated registry", candidates);
    refuse_file(registry.find(name));
  }
  RegistryFile file(registry.user_path());
  std::string text;
  for (const std::string& name : names) {
    const RegistryModel* model = registry.find(name);
    if (model != nullptr && model->user != nullptr) file.text().remove_model(name);
    if (is_curated(registry, name)) file.text().remove_curated({name});
    text += "removed " + name + "\n";
  }
  file.save();
  write_change(out, registry, {"remove", {}, names, {}, {}}, text);
  return exit_done;
}

// -- use --------------------------------------------------------------------------------------

int run_use(const CommandLine& words) {
  Arguments arguments("registry use", "Choose the registry that commands use where none is named.");
  std::string kind;
  arguments.positional("registry", kind, "curated, auto, all or language");
  FormatWords out({"text", "json"});
  out.add_to(arguments, "");
  if (!arguments.parse(words)) return exit_done;
  out.settle();
  const Registry registry;
  const std::string_view chosen = name_of(registry.choose(kind));
  RegistryFile file(registry.user_path());
  file.text().set("registry", chosen);
  file.save();
  std::string text = fmt::format("the registry is {} now\n", chosen);
  if (const char* variable = std::getenv("ZOOMETER_REGISTRY");
      variable != nullptr && *variable != 0)
    text += fmt::format("but ZOOMETER_REGISTRY is set to {}\n", escape_controls(variable));
  write_change(out, registry, {"use", {std::string(chosen)}, {}, {}, {}}, text);
  return exit_done;
}

// -- diff and update --------------------------------------------------------------------------

/// The models that only the curated list or only a source has.
struct Difference {
  Names missing;  ///< traceable there, not curated
  Names extra;    ///< curated, not traceable there
};

Difference compare(const Registry& registry, const Discovery& discovery) {
  Difference difference;
  for (const std::string_view name : missing_from_curated(registry, discovery))
    difference.missing.emplace_back(name);
  for (const std::string& name : registry.curated()) {
    const bool found = std::any_of(
        discovery.findings.begin(), discovery.findings.end(), [&](const Finding& finding) {
          return finding.name == name && finding.status == Status::traceable;
        });
    if (!found) difference.extra.push_back(name);
  }
  return difference;
}

int run_registry_diff(const CommandLine& words) {
  Arguments arguments(
      "registry diff",
      "Compare the curated list with the traceable models of zoometer or another source.");
  SourceWords source;
  bool strict = false;
  FormatWords out({"text", "json"});
  source.add_to(arguments);
  arguments.flag("--strict", strict, "Exit with 1 if they differ");
  out.add_to(arguments, "");
  if (!arguments.parse(words)) return exit_done;
  out.settle();

  const Registry registry(source.plugins);
  const Discovery discovery = discover(registry, source, {});
  const Difference difference = compare(registry, discovery);
  std::string text;
  if (out.is("json")) {
    JsonWriter json;
    json.object([&] {
      json.field("schema", "zoometer.registry_diff/1");
      json.field("source", discovery.source);
      json.array("missing", [&] {
        for (const std::string& name : difference.missing) json.value(name);
      });
      json.array("extra", [&] {
        for (const std::string& name : difference.extra) json.value(name);
      });
    });
    text = json.text();
  } else {
    for (const std::string& name : difference.missing) text += "+ " + name + "\n";
    for (const std::string& name : difference.extra) text += "- " + name + "\n";
    text += fmt::format("{} that trace and are not curated (+), {} curated that do not trace (-)\n",
                        difference.missing.size(), difference.extra.size());
  }
  out.write(text);
  const bool differs = !difference.missing.empty() || !difference.extra.empty();
  return strict && differs ? exit_check_failed : exit_done;
}

/// What a source has and the registry lacks.
struct News {
  Names curated;                      ///< built-in models for the curated list
  std::vector<const Finding*> own;    ///< become entries of their own
  std::vector<const Finding*> taken;  ///< whose names other models have
};

News news_of(const Registry& registry, const Discovery& discovery, const Names& missing) {
  News news;
  for (const std::string& name : missing) {
    const Finding& finding = *std::ranges::find(discovery.findings, name, &Finding::name);
    const std::optional<Origin> origin = origin_of(discovery, finding);
    if (registry.find(name) == nullptr) {
      news.own.push_back(&finding);
    } else if (!origin || origin->kind == OriginKind::torchvision) {
      news.curated.push_back(name);
    } else {
      news.taken.push_back(&finding);
    }
  }
  return news;
}

/// Adds the models to the user's file, which then names the version of torchvision that it is of.
void add_news(const Registry& registry, const Discovery& discovery, const News& news) {
  RegistryFile file(registry.user_path());
  for (const Finding* finding : news.own)
    file.text().add_model(finding->name,
                          RegistryEntry{*origin_of(discovery, *finding), {}}.lines());
  file.text().add_curated(news.curated);
  const std::string version = torchvision_of(discovery);
  if (!version.empty() && natural_less(torchvision_of(registry), version))
    file.text().set("torchvision", version);
  file.save();
}

int run_update(const CommandLine& words) {
  Arguments arguments("registry update", "Add all new traceable models to the curated list.");
  SourceWords source;
  Names patterns;
  bool dry_run = false;
  arguments.positionals("models", patterns, "Only these names, or patterns with * and ?");
  source.add_to(arguments);
  arguments.flag("--dry-run", dry_run, "Only show what would be added");
  FormatWords out({"text", "json"});
  out.add_to(arguments, "");
  if (!arguments.parse(words)) return exit_done;
  out.settle();

  const Registry registry(source.plugins);
  const Discovery discovery = discover(registry, source, patterns);
  if (discovery.has_files) {
    Error error(ErrorCode::usage, "registry update cannot add files");
    error.hint = fmt::format("folders = [{}] in {} makes each file of the folder a model",
                             toml_string(discovery.source), registry.user_path());
    throw error;
  }
  Difference difference = compare(registry, discovery);
  const Names& removed = registry.removed();
  RegistryChange change{dry_run ? "dry-run" : "update", {}, {}, {}, {}};
  std::erase_if(difference.missing, [&](const std::string& name) {
    const bool was_removed = std::ranges::find(removed, name) != removed.end();
    if (was_removed) change.unchanged.push_back(name);
    return was_removed;
  });
  const News news = news_of(registry, discovery, difference.missing);
  change.added = news.curated;
  for (const Finding* finding : news.own) change.added.push_back(finding->name);
  std::string text;
  for (const std::string& name : change.added) text += "+ " + escape_controls(name) + "\n";
  for (const Finding* finding : news.taken) {
    text += fmt::format("  {} is taken ({}): {} names this one\n", escape_controls(finding->name),
                        holder_of(*registry.find(finding->name)),
                        escape_controls(origin_of(discovery, *finding)->text()));
  }
  if (!change.unchanged.empty()) {
    text += fmt::format(
        "{} that you removed {} left out: {}\n", counted(change.unchanged.size(), "model"),
        change.unchanged.size() == 1 ? "is" : "are", fmt::join(change.unchanged, ", "));
  }
  const std::string version = torchvision_of(discovery);
  const bool is_newer = natural_less(torchvision_of(registry), version);
  if (is_newer && !change.added.empty()) {
    text += fmt::format("torchvision {} has models that this registry, made from {}, lacks\n",
                        version, torchvision_of(registry));
  }
  // A list that lacks nothing of a newer version is of that version.
  const bool is_confirmed = is_newer && patterns.empty() && is_file(registry.user_path());
  if (!dry_run && (!change.added.empty() || is_confirmed)) add_news(registry, discovery, news);
  text += counted(change.added.size(), "model");
  text += dry_run ? " would be added\n" : " added to " + registry.user_path() + "\n";
  write_change(out, registry, change, text);
  return exit_done;
}

// -- the command ------------------------------------------------------------------------------

constexpr Action actions[] = {
    {"show", "show the registries and the file that changes them", run_show},
    {"list", "the same as show", run_show},
    {"use", "choose the registry that commands use: curated, auto or all", run_use},
    {"add", "test models and add the traceable ones to the curated list", run_add},
    {"remove", "remove models from the curated list", run_remove},
    {"rm", "the same as remove", run_remove},
    {"update", "add all new traceable models", run_update},
    {"diff", "show traceable models that are not curated, and the reverse", run_registry_diff},
};

std::string registry_help() {
  std::string text = "Show and change the curated registry.\n\n"
                     "Usage: zoometer registry ACTION [ARGUMENTS...]\n\nActions:\n";
  for (const Action& action : actions)
    text += fmt::format("  {:<8} {}\n", action.name, action.summary);
  return text + "\nExamples:\n"
                "  zoometer registry add convnext_large\n"
                "  zoometer registry add mine --from net.onnx\n"
                "  zoometer registry add timm:resnet50.a1_in1k\n"
                "  zoometer registry add hf:Qwen/Qwen3-8B\n"
                "  zoometer registry update --source timm 'vit_*'\n"
                "  zoometer registry update --no-skip --dry-run\n";
}

int run_registry(const CommandLine& words) {
  const std::string_view name = words.first();
  if (words.words.empty() || name == "--help" || name == "-h") {
    write_stdout(wrapped_lines(registry_help(), static_cast<std::size_t>(terminal_width())));
    return words.words.empty() ? exit_usage : exit_done;
  }
  for (const Action& action : actions) {
    if (action.name == name) return action.run(words.rest());
  }
  std::vector<std::string_view> names;
  for (const Action& action : actions) names.push_back(action.name);
  Error error(ErrorCode::usage, "registry has no action " + escape_controls(name));
  error.hint = did_you_mean(name, names);
  if (error.hint.empty()) error.hint = "see zoometer registry --help";
  throw error;
}

}  // namespace

extern constinit const Command registry_command = {
    "registry", "show and change the curated registry", run_registry, 6, actions};

}  // namespace zoometer
