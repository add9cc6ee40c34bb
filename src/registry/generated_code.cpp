#include "registry/generated_code.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>

#include "util/text.hpp"
#include "util/toml.hpp"

namespace zoometer {
namespace {

using Group = std::vector<const Finding*>;

struct Natural {
  bool operator()(std::string_view a, std::string_view b) const { return natural_less(a, b); }
};

/// The traceable models by family.
std::map<std::string, Group, Natural> groups_of(const Discovery& discovery) {
  std::map<std::string, Group, Natural> groups;
  for (const Finding& finding : discovery.findings) {
    if (finding.status == Status::traceable) groups[finding.family].push_back(&finding);
  }
  return groups;
}

std::string heading(const Discovery& discovery, std::string_view comment) {
  return fmt::format("{} Model registry: the {} of {} that trace, by family.\n", comment,
                     counted(discovery.count(Status::traceable), "model"), discovery.source);
}

/// The module and the name of a model's builder in torchvision.
std::string builder_of(const Finding& finding) {
  constexpr std::string_view quantized = "quantized_";
  const std::string_view name = finding.name;
  if (name.starts_with(quantized))
    return fmt::format("models.quantization.{}", name.substr(quantized.size()));
  const bool is_plain = finding.task == name_of(Task::classification);
  return is_plain ? fmt::format("models.{}", name)
                  : fmt::format("models.{}.{}", finding.task, name);
}

/// Models that torchvision 0.14 and older do not have.
bool is_recent(const Finding& finding) { return finding.name.starts_with("swin3d_"); }

std::string python_entries(const Group& group, int indent) {
  std::string text;
  for (const Finding* finding : group)
    fmt::format_to(std::back_inserter(text), "{:{}}\"{}\": {},\n", "", indent, finding->name,
                   builder_of(*finding));
  return text;
}

std::string python_code(const Discovery& discovery) {
  std::string text = heading(discovery, "#") + "from torchvision import models\n";
  std::string recent;
  text += "\nMODEL_REGISTRY = {\n";
  for (const auto& [family, group] : groups_of(discovery)) {
    if (is_recent(*group.front())) {
      const std::string package = builder_of(*group.front());
      const std::size_t dot = package.rfind('.');
      recent += fmt::format("\nif hasattr({}, \"{}\"):\n    # {}\n    MODEL_REGISTRY.update({{\n",
                            package.substr(0, dot), package.substr(dot + 1), family);
      recent += python_entries(group, 8) + "    })\n";
    } else {
      text += fmt::format("    # {}\n", family) + python_entries(group, 4);
    }
  }
  return text + "}\n" + recent;
}

/// Quoted names, several per line.
std::string name_lines(const Group& group) {
  constexpr std::size_t widest = 100;
  std::string text;
  std::string line = " ";
  for (const Finding* finding : group) {
    const std::string item = " " + toml_string(finding->name) + ",";
    if (line.size() + item.size() > widest) {
      text += line + "\n";
      line = " ";
    }
    line += item;
  }
  return text + line + "\n";
}

std::string cpp_code(const Discovery& discovery) {
  std::string text = heading(discovery, "//") + "#include <array>\n#include <string_view>\n\n";
  text += fmt::format("inline constexpr std::array<std::string_view, {}> model_registry = {{\n",
                      discovery.count(Status::traceable));
  for (const auto& [family, group] : groups_of(discovery))
    text += fmt::format("  // {}\n", family) + name_lines(group);
  return text + "};\n";
}

std::string toml_code(const Discovery& discovery) {
  std::string text = heading(discovery, "#") + "curated = [\n";
  for (const auto& [family, group] : groups_of(discovery))
    text += fmt::format("  # {}\n", family) + name_lines(group);
  return text + "]\n";
}

}  // namespace

std::string generate_code(const Discovery& discovery, std::string_view language) {
  if (language == "cpp") return cpp_code(discovery);
  if (language == "toml") return toml_code(discovery);
  return python_code(discovery);
}

}  // namespace zoometer
