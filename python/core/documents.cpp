#include "analysis/diff.hpp"
#include "api/network.hpp"
#include "binding.hpp"
#include "report/diff.hpp"
#include "report/report.hpp"
#include "util/output.hpp"

namespace zoometer::python {
namespace {

/// A network with its figures, for reports.
struct Reported {
  Reported(const Network& from, const Convention* rules)
      : network(from),
        convention(rules),
        profile(zoometer::profile(from.graph(), rules)) {}

  ReportInput input() const {
    return {network.graph(),   profile,    network.name(), network.source(),
            network.variant(), convention, network.notes()};
  }

  const Network& network;
  const Convention* convention;
  Profile profile;
};

std::string report(const Network& network, const std::string& format, const std::string& convention,
                   std::optional<int> depth, int width, bool with_memory,
                   const std::optional<Words>& recipe) {
  const Report* written = find_report(format);
  if (written == nullptr) throw Error(ErrorCode::unknown_name, "no such report: " + format);
  const std::string rules = format == "table" ? "fvcore" : convention;
  const Convention* counted = rules == "native" ? nullptr : find_convention(rules);
  if (counted == nullptr && rules != "native")
    throw Error(ErrorCode::unknown_name, "no such convention: " + rules);
  const Reported reported(network, counted);
  ReportInput input = reported.input();
  std::optional<MemoryProfile> memory;
  if (with_memory) input.memory = &memory.emplace(profile_memory(network.graph()));
  std::optional<TrainingProfile> training;
  if (recipe)
    input.training = &training.emplace(profile_training(network.graph(), recipe_from(*recipe)));
  return written->write(input, {.depth = depth, .width = width});
}

std::string diff_document(const Network& before, const Network& after, const std::string& format) {
  const Reported first(before, nullptr);
  const Reported second(after, nullptr);
  const Diff difference = diff({before.graph(), first.profile}, {after.graph(), second.profile});
  const ReportInput report_before = first.input();
  const ReportInput report_after = second.input();
  const DiffInput both{report_before, report_after, difference};
  if (format == "html") return diff_html(both, {});
  if (format == "json") return diff_json(both, {});
  return diff_text(both, {});
}

}  // namespace

void bind_documents(nb::module_& core) {
  const nb::call_guard<nb::gil_scoped_release> released;
  core.def("report", &report, "network"_a, "format"_a = "text", "convention"_a = "native",
           "depth"_a = nb::none(), "width"_a = 0, "memory"_a = false, "training"_a = nb::none(),
           released, "The profile as text, json, csv, table or html.");
  core.def("diff_document", &diff_document, "before"_a, "after"_a, "format"_a = "text", released,
           "The differences of two networks as text, json or html.");
  core.def(
      "write_graph",
      [](const Network& network, std::string_view format) {
        std::string document;
        {
          const nb::gil_scoped_release free;
          document = write_graph(network, format);
        }
        return nb::bytes(document.data(), document.size());
      },
      "network"_a, "format"_a, "The graph as text, json, dot, svg, png, pdf or onnx.");
  core.def(
      "write_file",
      [](const std::string& path, const std::string& text) {
        if (path.empty()) throw Error(ErrorCode::usage, "a file without a name");
        write_output(path, text);
      },
      "path"_a, "text"_a, released, "Writes a file; after an error it is as it was.");
  core.def(
      "save_graph",
      [](const Network& network, const std::string& path, const std::string& weights,
         std::int64_t seed) {
        GraphOptions options;
        if (weights == "random") {
          options.weights = WeightData::random;
          options.seed = seed;
        } else if (!weights.empty()) {
          options.weights = WeightData::file;
          options.weight_file = weights;
        }
        save_graph(network, path, options);
      },
      "network"_a, "path"_a, "weights"_a = "", "seed"_a = 0, released,
      "Writes the graph in the format of the path's ending.");
}

}  // namespace zoometer::python
