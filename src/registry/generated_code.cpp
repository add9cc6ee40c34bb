#include "registry/generated_code.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>

#include "registry/origin.hpp"
#include "registry/registry_file.hpp"
#include "util/text.hpp"
#include "util/toml.hpp"

namespace zoometer {
namespace {

/// A traceable model and what builds it.
struct Entry {
  const Finding* finding;
  const RegistryModel* known = nullptr;  ///< null for a file of a folder, a model of a live source
  Origin origin = {};                    ///< of a model that is not built in

  bool is_builtin() const { return known != nullptr && !known->is_own(); }
  bool is_plugin() const { return known != nullptr && known->is_plugin; }
  /// Whether it is one of torchvision's, by its own name or another.
  bool is_of_torchvision() const {
    return is_builtin() || (!is_plugin() && origin.kind == OriginKind::torchvision);
  }
};

using Group = std::vector<Entry>;

struct Natural {
  bool operator()(std::string_view a, std::string_view b) const { return natural_less(a, b); }
};
using Groups = std::map<std::string, Group, Natural>;

/// Where a model of another source than the registry comes from.
Origin foreign_origin(const Discovery& discovery, const Finding& finding) {
  if (discovery.has_files) {
    const std::filesystem::path folder = std::filesystem::absolute(discovery.source);
    return {OriginKind::file, (folder / finding.name).lexically_normal().string()};
  }
  return origin_of(discovery, finding).value_or(Origin{OriginKind::torchvision, finding.name});
}

/// The traceable models by family.
Groups groups_of(const Discovery& discovery, const Registry& registry) {
  const bool is_registry = discovery.source == "builtin";
  Groups groups;
  for (const Finding& finding : discovery.findings) {
    if (finding.status != Status::traceable) continue;
    Entry entry{&finding};
    const RegistryModel* known = registry.find(finding.name);
    if (is_registry) {
      entry.known = known;
      if (known->user != nullptr) entry.origin = known->user->origin;
    } else {
      entry.origin = foreign_origin(discovery, finding);
      // torchvision's own models have the same names here.
      if (entry.origin.kind == OriginKind::torchvision && known != nullptr && !known->is_own())
        entry.known = known;
    }
    groups[finding.family].push_back(entry);
  }
  return groups;
}

std::string heading(const Discovery& discovery, std::string_view comment) {
  std::string source = discovery.source;
  const std::string version = torchvision_of(discovery);
  if (!version.empty()) source += " (torchvision " + version + ")";
  return fmt::format("{} Model registry: the {} of {} that trace, by family.\n", comment,
                     counted(discovery.count(Status::traceable), "model"), escape_controls(source));
}

std::string family_line(const std::string& family, std::string_view comment) {
  return fmt::format("{} {}\n", comment, escape_controls(family));
}

/// The text in double quotes, as Python and C++ read it.
std::string code_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : to_utf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\{:03o}", byte);
    } else {
      if (c == '"' || c == '\\') result += '\\';
      result += c;
    }
  }
  return result + "\"";
}

/// Quoted names, several per line.
std::string name_lines(const std::vector<std::string_view>& names,
                       std::string (*quote)(std::string_view)) {
  constexpr std::size_t widest = 100;
  std::string text;
  std::string line = " ";
  for (const std::string_view name : names) {
    const std::string item = " " + quote(name) + ",";
    if (line.size() + item.size() > widest && line.size() > 1) {
      text += line + "\n";
      line = " ";
    }
    line += item;
  }
  return line.size() > 1 ? text + line + "\n" : text;
}
std::string name_lines(const Group& group, std::string (*quote)(std::string_view)) {
  std::vector<std::string_view> names;
  for (const Entry& entry : group) names.push_back(entry.finding->name);
  return name_lines(names, quote);
}

// -- Python ---------------------------------------------------------------------------------------

/// The module and the name of a model's builder in torchvision.
std::string builder_of(std::string_view name, Task task) {
  constexpr std::string_view quantized = "quantized_";
  if (name.starts_with(quantized))
    return fmt::format("models.quantization.{}", name.substr(quantized.size()));
  return task == Task::classification ? fmt::format("models.{}", name)
                                      : fmt::format("models.{}.{}", name_of(task), name);
}

/// The name in torchvision.
std::string_view torchvision_name(const Entry& entry) {
  return entry.is_builtin() ? entry.known->name : std::string_view(entry.origin.target);
}

/// Models that torchvision 0.14 and older do not have.
bool is_recent(const Entry& entry) {
  return entry.is_of_torchvision() && torchvision_name(entry).starts_with("swin3d_");
}

/// An expression that is the model's builder; empty if no Python builds the model.
std::string builder_of(const Entry& entry, const Registry& registry) {
  const std::string& named = entry.finding->builder;
  if (!named.empty()) return named.substr(named.rfind('\n') + 1);
  if (entry.is_of_torchvision()) {
    const RegistryModel* known = registry.find(torchvision_name(entry));
    if (known != nullptr && !known->is_own()) return builder_of(known->name, known->task);
    return fmt::format("models.get_model_builder({})", code_string(torchvision_name(entry)));
  }
  if (entry.is_plugin() || entry.origin.kind != OriginKind::python) return {};
  const std::string_view target = entry.origin.target;
  const std::size_t colon = std::min(target.rfind(':'), target.size());
  return fmt::format("_own({}, {})", code_string(target.substr(0, colon)),
                     code_string(target.substr(std::min(colon + 1, target.size()))));
}

/// Where a model that no Python builds comes from.
std::string place_of(const Entry& entry) {
  return entry.is_plugin() ? std::string(entry.known->source) : entry.origin.target;
}

/// The parts of the Python code.
struct PythonParts {
  std::string builders, recent, others;
  std::set<std::string> imports;  ///< lines that the builders which Python named need
};

/// All lines of a builder but the last, which is the expression.
void add_imports(std::set<std::string>& imports, std::string_view builder) {
  for (std::size_t end = builder.find('\n'); end != std::string_view::npos;
       end = builder.find('\n')) {
    imports.emplace(builder.substr(0, end));
    builder.remove_prefix(end + 1);
  }
}

void add_group(PythonParts& parts, const std::string& family, const Group& group,
               const Registry& registry) {
  std::string builders;
  std::string recent;
  std::string others;
  for (const Entry& entry : group) {
    const std::string builder = builder_of(entry, registry);
    add_imports(parts.imports, entry.finding->builder);
    std::string& text = builder.empty() ? others : is_recent(entry) ? recent : builders;
    fmt::format_to(std::back_inserter(text), "{}{}: {},\n", is_recent(entry) ? "        " : "    ",
                   code_string(entry.finding->name),
                   builder.empty() ? code_string(place_of(entry)) : builder);
  }
  if (!builders.empty()) parts.builders += "    " + family_line(family, "#") + builders;
  if (!others.empty()) parts.others += "    " + family_line(family, "#") + others;
  if (recent.empty()) return;
  parts.recent += "\nif hasattr(models.video, \"swin3d_t\"):\n    " + family_line(family, "#") +
                  "    MODEL_REGISTRY.update({\n" + recent + "    })\n";
}

/// A warning where the installed torchvision has models that the one of the discovery had not.
std::string newer_models_code(const Discovery& discovery, const Registry& registry) {
  std::set<std::string_view, Natural> others;
  for (const RegistryModel& model : registry.models()) {
    if (model.builtin != nullptr) others.insert(model.name);
  }
  for (const Finding& finding : discovery.findings) others.insert(finding.name);
  for (const Finding& finding : discovery.findings) {
    if (finding.status == Status::traceable) others.erase(finding.name);
  }
  std::string text = "\n# Other models of that version.\nOTHER_MODELS = {\n";
  std::vector<std::string_view> names(others.begin(), others.end());
  text += name_lines(names, code_string);
  return text +
         "}\n\nif hasattr(models, \"list_models\"):  # from torchvision 0.14\n"
         "    _newer = sorted(set(models.list_models()) - set(MODEL_REGISTRY) - "
         "set(OTHER_MODELS))\n"
         "    if _newer:\n"
         "        warnings.warn(f\"torchvision {torchvision.__version__} has models that this "
         "registry, \"\n"
         "                      f\"made from {TORCHVISION_VERSION}, lacks: {', '.join(_newer)}"
         "\")\n";
}

std::string python_code(const Discovery& discovery, const Registry& registry) {
  PythonParts parts;
  for (const auto& [family, group] : groups_of(discovery, registry))
    add_group(parts, family, group, registry);
  const bool has_own = parts.builders.find(": _own(") != std::string::npos;
  const bool has_torchvision =
      !parts.recent.empty() || parts.builders.find(": models.") != std::string::npos;
  std::string text = heading(discovery, "#");
  const std::string version = has_torchvision ? torchvision_of(discovery) : std::string();
  if (!version.empty()) text += "import warnings\n\n";
  if (has_own) text += "import importlib\nimport operator\n\n";
  if (!version.empty()) text += "import torchvision\n";
  if (has_torchvision) text += "from torchvision import models\n\n";
  for (const std::string& line : parts.imports) text += line + "\n";
  if (!parts.imports.empty()) text += "\n";
  if (!version.empty()) {
    text += fmt::format("TORCHVISION_VERSION = {}  # has all of these models\n\n",
                        code_string(version));
  }
  if (has_own) {
    text += "\ndef _own(module, name):\n"
            "    \"\"\"A builder of your own, whose module is imported when it is called.\"\"\"\n"
            "    def build(*args, **kwargs):\n"
            "        builder = operator.attrgetter(name)(importlib.import_module(module))\n"
            "        return builder(*args, **kwargs)\n"
            "    build.__name__ = name\n"
            "    return build\n\n\n";
  }
  text += "MODEL_REGISTRY = {\n" + parts.builders + "}\n" + parts.recent;
  if (!parts.others.empty()) {
    text += "\n# Models that no Python builds: zoometer profile reads them.\nMODEL_FILES = {\n" +
            parts.others + "}\n";
  }
  return version.empty() ? text : text + newer_models_code(discovery, registry);
}

// -- C++ and TOML ---------------------------------------------------------------------------------

std::string cpp_code(const Discovery& discovery, const Registry& registry) {
  std::string text = heading(discovery, "//") + "#include <array>\n#include <string_view>\n\n";
  text += fmt::format("inline constexpr std::array<std::string_view, {}> model_registry = {{\n",
                      discovery.count(Status::traceable));
  for (const auto& [family, group] : groups_of(discovery, registry))
    // A backslash at the end would join the next line to the comment.
    text += "  " + family_line(family + (family.ends_with('\\') ? "." : ""), "//") +
            name_lines(group, code_string);
  return text + "};\n";
}

/// Paths of plug-ins, which a registry.toml names instead of their models.
std::vector<std::string> plugins_of(const Groups& groups) {
  constexpr std::string_view prefix = "plugin:";
  std::vector<std::string> paths;
  for (const auto& [family, group] : groups) {
    for (const Entry& entry : group) {
      if (!entry.is_plugin()) continue;
      std::string_view path = entry.known->source;
      if (path.starts_with(prefix)) path.remove_prefix(prefix.size());
      std::string absolute = std::filesystem::absolute(path).lexically_normal().string();
      if (std::ranges::find(paths, absolute) == paths.end()) paths.push_back(std::move(absolute));
    }
  }
  return paths;
}

/// The model's name, or another if zoometer has a model of that name.
std::string free_name(const Entry& entry, const Registry& registry) {
  std::string name = entry.finding->name;
  if (entry.known != nullptr) return name;
  for (const RegistryModel* other = registry.find(name); other != nullptr && other->user == nullptr;
       other = registry.find(name))
    name += "_own";
  return name;
}

std::string entry_text(const Entry& entry, const Registry& registry) {
  RegistryEntry written{entry.origin, {}, entry.finding->family};
  if (entry.known != nullptr && entry.known->user != nullptr)
    written.inputs = entry.known->user->inputs;
  if (const auto task = task_from_name(entry.finding->task)) written.task = *task;
  std::string text = fmt::format("\n[models.{}]\n", toml_string(free_name(entry, registry)));
  for (const std::string& line : written.lines()) text += line + "\n";
  return text;
}

std::string toml_code(const Discovery& discovery, const Registry& registry) {
  const Groups groups = groups_of(discovery, registry);
  std::string text = heading(discovery, "#");
  if (const std::string version = torchvision_of(discovery); !version.empty())
    text += fmt::format("torchvision = {}\n", toml_string(version));
  text += "curated = [\n";
  std::string entries;
  for (const auto& [family, group] : groups) {
    Group builtin;
    for (const Entry& entry : group) {
      if (entry.is_builtin()) {
        builtin.push_back(entry);
      } else if (!entry.is_plugin()) {
        entries += entry_text(entry, registry);
      }
    }
    if (!builtin.empty())
      text += "  " + family_line(family, "#") + name_lines(builtin, toml_string);
  }
  text += "]\n";
  std::string plugins;
  for (const std::string& path : plugins_of(groups)) plugins += "  " + toml_string(path) + ",\n";
  if (!plugins.empty()) text += "plugins = [\n" + plugins + "]\n";
  return text + entries;
}

}  // namespace

std::vector<std::string> RegistryEntry::lines() const {
  std::string_view key = origin.kind == OriginKind::family ? "family" : "file";
  const auto named = std::ranges::find(origin_names(), origin.kind, &OriginName::kind);
  if (named != origin_names().end()) key = named->key;
  std::vector<std::string> lines = {fmt::format("{} = {}", key, toml_string(origin.target))};
  if (!inputs.empty()) {
    std::string shapes;
    for (const UserInput& input : inputs) {
      if (!shapes.empty()) shapes += ", ";
      const std::string sizes = fmt::format("[{}]", fmt::join(input.shape, ", "));
      const DType dtype = input.dtype.value_or(DType::float32);
      if (input.name.empty() && dtype == DType::float32) {
        shapes += sizes;
        continue;
      }
      shapes += "{";
      if (!input.name.empty()) shapes += fmt::format("name = {}, ", toml_string(input.name));
      shapes += "shape = " + sizes;
      if (dtype != DType::float32)
        shapes += fmt::format(", dtype = {}", toml_string(name_of(dtype)));
      shapes += "}";
    }
    lines.push_back(fmt::format("inputs = [{}]", shapes));
  }
  if (family != "own" && !family.empty())
    lines.push_back(fmt::format("group = {}", toml_string(family)));
  if (task != Task::other) lines.push_back(fmt::format("task = {}", toml_string(name_of(task))));
  return lines;
}

std::string torchvision_of(const Discovery& discovery) {
  if (discovery.source == "builtin") return std::string(builtin_torchvision);
  return discovery.source == "torchvision" ? discovery.source_version : std::string();
}

std::string generate_code(const Discovery& discovery, const Registry& registry,
                          std::string_view language) {
  if (language == "cpp") return cpp_code(discovery, registry);
  if (language == "toml") return toml_code(discovery, registry);
  return python_code(discovery, registry);
}

}  // namespace zoometer
