#include <algorithm>

#include "api/network.hpp"
#include "binding.hpp"
#include "cli/sources.hpp"
#include "registry/registry.hpp"
#include "util/text.hpp"

namespace zoometer::python {
namespace {

/// Passes results to Python one by one; Ctrl-C and exceptions of the callback end the work.
void take_in_python(const nb::object& take, const SweepResult& result) {
  const nb::gil_scoped_acquire held;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
  take(nb::cast(result));
}

void bind_models(nb::module_& core) {
  nb::class_<ModelInfo>(core, "Model", "What is known about a model without tracing it.")
      .def_ro("name", &ModelInfo::name, "'resnet50'")
      .def_ro("family", &ModelInfo::family, "'ResNet'")
      .def_ro("task", &ModelInfo::task, "'classification'")
      .def_ro("source", &ModelInfo::source, "'builtin', or what added it")
      .def_ro("inputs", &ModelInfo::inputs, "The inputs of its figures")
      .def_ro("parameters", &ModelInfo::parameters, "Elements; None where that is unknown")
      .def_ro("macs", &ModelInfo::macs, "At those inputs; None where that is unknown")
      .def("__repr__", [](const ModelInfo& self) { return "<Model " + self.name + ">"; });
}

std::vector<ModelInfo> list_models(const std::vector<std::string>& patterns,
                                   const std::string& kind,
                                   const std::vector<std::string>& plugins) {
  const Registry registry(plugins);
  const RegistryKind chosen = registry.choose(kind);
  std::vector<ModelInfo> models;
  for (const RegistryModel& model : registry.models()) {
    const bool is_wanted = std::ranges::any_of(
        patterns, [&](const auto& pattern) { return matches_wildcard(pattern, model.name); });
    if (!registry.holds(chosen, model) || !(patterns.empty() || is_wanted)) continue;
    models.push_back({std::string(model.name), std::string(model.family),
                      std::string(name_of(model.task)), std::string(model.source),
                      tensors_of(model.inputs), model.parameters, model.macs});
  }
  return models;
}

void bind_sweep(nb::module_& core) {
  nb::class_<SweepResult>(core, "SweepRow", "One combination, with figures or a reason.")
      .def_ro("model", &SweepResult::model, "A model's name, or a file's path")
      .def_ro("batch", &SweepResult::batch, "None if no input has a first size")
      .def_prop_ro(
          "resolution",
          [](const SweepResult& self) -> nb::object {
            if (!self.resolution) return nb::none();
            return nb::make_tuple(self.resolution->height, self.resolution->width);
          },
          "(height, width); None if no input is an image or a clip")
      .def_ro("dtype", &SweepResult::dtype, "'float32'; empty if the model has no input")
      .def_ro("totals", &SweepResult::totals, "Zeros where there is a reason")
      .def_ro("reason", &SweepResult::reason, "Why the model refused; empty if it did not");
  core.def(
      "sweep",
      [](const std::vector<std::string>& models, const std::vector<std::int64_t>& batches,
         const std::vector<std::pair<std::int64_t, std::int64_t>>& resolutions,
         const std::vector<std::string>& dtypes, std::int64_t part, std::int64_t parts,
         std::size_t threads, const nb::object& take) {
        SweepOptions options{.part = part, .parts = parts, .threads = threads};
        options.axes.batches = batches;
        for (const auto& [height, width] : resolutions)
          options.axes.resolutions.push_back({height, width});
        for (const std::string& name : dtypes) {
          const std::optional<DType> dtype = dtype_from_name(name);
          if (!dtype) throw Error(ErrorCode::usage, "dtype", {"a type like float16", name});
          options.axes.dtypes.push_back(*dtype);
        }
        const nb::gil_scoped_release released;
        sweep_each(models, options,
                   [&](const SweepResult& result) { take_in_python(take, result); });
      },
      "models"_a, "batches"_a, "resolutions"_a, "dtypes"_a, "part"_a, "parts"_a, "threads"_a,
      "take"_a, "Passes every combination to `take`, in order.");
}

void bind_discovery(nb::module_& core) {
  nb::class_<Finding>(core, "Finding", "The result of trying one model.")
      .def_ro("name", &Finding::name)
      .def_ro("family", &Finding::family)
      .def_ro("task", &Finding::task)
      .def_prop_ro(
          "status", [](const Finding& self) { return name_of(self.status); },
          "'traceable', 'failed' or 'skipped'")
      .def_ro("reason", &Finding::reason, "A stable code; empty for traceable")
      .def_ro("message", &Finding::message, "Why it failed, as the source reports it")
      .def_ro("module", &Finding::module_path, "Where it failed; empty if unknown")
      .def_ro("operator", &Finding::op, "The operator that failed; empty if unknown")
      .def_ro("note", &Finding::note, "Anything else to report")
      .def_ro("nodes", &Finding::nodes)
      .def_ro("parameters", &Finding::parameters)
      .def_ro("macs", &Finding::macs)
      .def_ro("seconds", &Finding::seconds, "That the model took")
      .def("__repr__", [](const Finding& self) {
        return "<Finding " + self.name + " " + std::string(name_of(self.status)) + ">";
      });
  core.def(
      "discover",
      [](const std::vector<std::string>& patterns, const std::string& source,
         const std::string& python, double time_limit, bool no_skip) {
        SourceWords words;
        words.source = source;
        words.live.python = python;
        if (time_limit > 0) words.live.time_limit = time_limit;
        words.no_skip = no_skip;
        const Registry registry;
        return discover(registry, words, patterns).findings;
      },
      "patterns"_a, "source"_a, "python"_a, "time_limit"_a, "no_skip"_a,
      nb::call_guard<nb::gil_scoped_release>(), "Tries every model of a source.");
}

}  // namespace

void bind_catalogue(nb::module_& core) {
  bind_models(core);
  bind_sweep(core);
  bind_discovery(core);
  core.def("list_models", &list_models, "patterns"_a, "registry"_a, "plugins"_a,
           nb::call_guard<nb::gil_scoped_release>(), "The models of a registry, by name.");
}

}  // namespace zoometer::python
