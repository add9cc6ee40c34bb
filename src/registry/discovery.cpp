#include "registry/discovery.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "analysis/profile.hpp"
#include "registry/cache.hpp"
#include "registry/cache_value.hpp"
#include "util/text.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr ReasonCode codes[] = {
    {"skip_pattern", "its name contains a skip pattern", "try it with --no-skip"},
    {"usage", "the model does not accept the given inputs", ""},
    {"shape", "an operator does not accept the shapes of its inputs",
     "give other sizes with --input-shape"},
    {"overflow", "a size does not fit into 63 bits", "give smaller sizes with --input-shape"},
    {"malformed", "the file violates its format", "write the file again"},
    {"unsupported", "the file or a feature of it is not supported",
     "export the model as ONNX or with torch.export"},
    {"limit", "a limit on memory, depth or size was reached", ""},
    {"io", "the file cannot be read", "check its permissions"},
    {"unknown_name", "unknown model or file", ""},
    {"internal", "a bug in zoometer", "please report it"},
    {"unknown_model", "the source has no such model", ""},
    {"build_error", "the builder raised, exited or returned no module",
     "build it in Python to see the error"},
    {"input_error", "the model does not accept these inputs",
     "give their sizes with --input-shape"},
    {"fx_iteration", "torch.fx cannot iterate over a value that it traces",
     "use the built-in model of that name, or export it as ONNX or with torch.export"},
    {"fx_control_flow", "the model branches on a value that torch.fx traces",
     "use the built-in model of that name, or export it as ONNX or with torch.export"},
    {"fx_trace_error", "torch.fx cannot trace the model",
     "export it as ONNX or with torch.export and profile the file"},
    {"lazy_module", "the model's lazy modules do not get their shapes",
     "run the model once, so that its lazy modules get their shapes"},
    {"shape_error", "the model does not run on these inputs",
     "give other sizes with --input-shape"},
    {"unknown_operator", "PyTorch has no shape rule for an operator", "try a newer PyTorch"},
    {"internal_error", "a bug in the bridge script", "please report it"},
    {"crash", "the model killed the interpreter, or the file the process that read it",
     "build it in Python to see the error"},
    {"time_limit", "the model took longer than --time-limit", "raise --time-limit"},
};

Finding finding_of(const RegistryModel& model) {
  Finding finding;
  finding.name = model.name;
  finding.family = model.family;
  finding.task = name_of(model.task);
  return finding;
}

void try_builtin(Finding& finding, const Model& model, Graph& graph) {
  const auto begin = Clock::now();
  try {
    trace(model, {}, graph);
    take_metrics(finding, graph);
  } catch (const Error& error) {
    take_error(finding, error);
  }
  finding.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
}

std::string number_text(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : std::string();
}

std::optional<std::int64_t> number_of(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return std::strtoll(text.c_str(), nullptr, 10);
}

}  // namespace

bool DiscoveryOptions::wants(std::string_view name) const noexcept {
  return patterns.empty() ||
         std::any_of(patterns.begin(), patterns.end(),
                     [&](const auto& pattern) { return matches_wildcard(pattern, name); });
}

std::string_view name_of(Status status) noexcept {
  switch (status) {
  case Status::traceable: return "traceable";
  case Status::failed: return "failed";
  case Status::skipped: return "skipped";
  }
  return "failed";
}

std::size_t Discovery::count(Status status) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [&](const Finding& finding) { return finding.status == status; }));
}

std::span<const ReasonCode> reason_codes() noexcept { return codes; }

std::string_view advice_for(std::string_view code) noexcept {
  for (const ReasonCode& reason : codes) {
    if (reason.code == code) return reason.advice;
  }
  return {};
}

void take_metrics(Finding& finding, const Graph& graph) {
  const ModelSize size = size_of(graph);
  finding.nodes = static_cast<std::int64_t>(graph.nodes().size());
  finding.parameters = size.parameters;
  finding.macs = size.macs;
}

void take_error(Finding& finding, const Error& error) {
  finding.status = Status::failed;
  finding.reason = name_of(error.code);
  finding.message = error.message;
  if (!error.detail.expected.empty()) finding.message += ": expected " + error.detail.expected;
  if (!error.detail.got.empty()) finding.message += ", got " + error.detail.got;
  finding.module_path = error.place.module_path;
  finding.op = error.place.node;
}

Discovery discover_builtin(const Registry& registry, const DiscoveryOptions& options,
                           const Progress& progress) {
  Discovery discovery;
  discovery.source = "builtin";
  discovery.source_version = ZOOMETER_VERSION;
  std::vector<const RegistryModel*> wanted;
  for (const RegistryModel& model : registry.models()) {
    if (!model.is_own() && options.wants(model.name)) wanted.push_back(&model);
  }
  Graph graph;
  for (const RegistryModel* model : wanted) {
    Finding finding = finding_of(*model);
    if (const std::string* pattern = skip_pattern_of(model->name, options.skip_patterns)) {
      finding.status = Status::skipped;
      finding.reason = "skip_pattern";
      finding.message = *pattern;
    } else {
      try_builtin(finding, *model->builtin, graph);
    }
    if (progress) progress(finding, wanted.size());
    discovery.findings.push_back(std::move(finding));
  }
  return discovery;
}

std::string pack_finding(const Finding& finding) {
  return pack({std::string(name_of(finding.status)), finding.reason, finding.message,
               finding.module_path, finding.op, finding.note, finding.structure,
               number_text(finding.nodes), number_text(finding.parameters),
               number_text(finding.macs), fmt::format("{}", finding.seconds)});
}

bool unpack_finding(std::string_view value, Finding& finding) {
  const auto texts = unpack(value);
  constexpr std::size_t count = 11;
  if (!texts || texts->size() != count) return false;
  const auto& t = *texts;
  finding.status = t[0] == name_of(Status::traceable) ? Status::traceable : Status::failed;
  finding.reason = t[1];
  finding.message = t[2];
  finding.module_path = t[3];
  finding.op = t[4];
  finding.note = t[5];
  finding.structure = t[6];
  finding.nodes = number_of(t[7]);
  finding.parameters = number_of(t[8]);
  finding.macs = number_of(t[9]);
  finding.seconds = std::strtod(t[10].c_str(), nullptr);
  return true;
}

std::optional<Origin> origin_of(const Discovery& discovery, const Finding& finding) {
  if (discovery.has_files || discovery.source == "builtin") return std::nullopt;
  const Origin source = parse_origin(discovery.source + ":");
  if (!source.runs_python()) return std::nullopt;
  std::string target = source.target;
  if (!target.empty()) target.pop_back();  // the colon
  if (source.kind == OriginKind::python) target = target.substr(0, target.find(':'));
  if (!target.empty()) target += ":";
  return Origin{source.kind, target + finding.name};
}

std::vector<std::string_view> missing_from_curated(const Registry& registry,
                                                   const Discovery& discovery) {
  const auto& curated = registry.curated();
  std::vector<std::string_view> missing;
  if (discovery.has_files) return missing;
  for (const Finding& finding : discovery.findings) {
    if (finding.status != Status::traceable) continue;
    const RegistryModel* known = registry.find(finding.name);
    const std::optional<Origin> origin = origin_of(discovery, finding);
    // The name of a model of timm may be that of another one here.
    if (origin && origin->kind != OriginKind::torchvision) {
      const bool is_it = known != nullptr && known->source == origin->text();
      if (!is_it) missing.push_back(finding.name);
      continue;
    }
    if (known != nullptr && known->is_own()) continue;
    if (std::find(curated.begin(), curated.end(), finding.name) == curated.end())
      missing.push_back(finding.name);
  }
  return missing;
}

}  // namespace zoometer
