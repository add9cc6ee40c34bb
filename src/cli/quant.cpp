#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "analysis/gguf_size.hpp"
#include "analysis/model_storage.hpp"
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/language_model.hpp"
#include "cli/memory_devices.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// A row of the table.
struct QuantRow {
  std::string scheme;
  std::string origin;  ///< "file", "configuration" or "foreseen"
  StoredSize size;
  std::optional<std::int64_t> file_bytes = {};  ///< of a GGUF file, where its header is known
  bool is_file_foreseen = false;                ///< by its tokenizer, and not by such a file
};

struct QuantReport {
  const LoadedModel& model;
  std::vector<QuantRow> rows;
  std::vector<const Device*> devices;
  std::vector<std::string> notes;
};

/// The file's own weights first, then what the configuration says of its checkpoint.
void add_own_rows(const ModelStorage& storage, const std::vector<ModelWeight>& weights,
                  QuantReport& report) {
  if (storage.files) report.rows.push_back({storage.name(), "file", storage.size(weights)});
  if (storage.scheme) {
    report.rows.push_back({storage.scheme->name + " as configured", "configuration",
                           storage.configured_size(weights)});
  }
  if (!storage.unknown.empty()) {
    report.notes.push_back("the quantisation " + escape_controls(storage.unknown) +
                           " of the configuration is not known");
  }
}

bool has_file_sizes(const QuantReport& report) {
  return std::ranges::any_of(report.rows,
                             [](const QuantRow& row) { return row.file_bytes.has_value(); });
}

TextTable quant_table(const QuantReport& report) {
  TextTable table;
  table.column("scheme");
  table.column("bytes", true, 2);
  table.column("", true, 1);
  table.column("bits per weight", true);
  const bool has_files = has_file_sizes(report);
  if (has_files) table.column("bytes of the file", true, 3);
  for (const Device* device : report.devices) table.column("on " + escape_controls(device->name));
  for (const QuantRow& row : report.rows) {
    std::vector<std::string> cells = {row.scheme, std::to_string(row.size.bytes),
                                      format_bytes(row.size.bytes),
                                      fmt::format("{:.4f}", row.size.bits_per_weight())};
    if (has_files) cells.push_back(row.file_bytes ? std::to_string(*row.file_bytes) : "");
    for (const Device* device : report.devices) {
      const std::int64_t left = device->capacity - row.size.bytes;
      cells.push_back(left >= 0 ? "fits, " + format_bytes(left) + " left"
                                : format_bytes(-left) + " too many");
    }
    table.row(std::move(cells));
  }
  return table;
}

std::string quant_text(const QuantReport& report, int width) {
  std::string text = quant_table(report).text(width, false);
  for (const std::string& note : report.notes) text += "note: " + escape_controls(note) + '\n';
  return text;
}

std::string quant_json(const QuantReport& report) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.quant/1");
    json.field("model", report.model.name);
    json.field("source", report.model.source);
    json.array("notes", [&] {
      for (const std::string& note : report.notes) json.value(note);
    });
    json.array("schemes", [&] {
      for (const QuantRow& row : report.rows) {
        json.object([&] {
          json.field("scheme", row.scheme);
          json.field("origin", row.origin);
          json.field("bytes", row.size.bytes);
          if (row.file_bytes) {
            json.field("file_bytes", *row.file_bytes);
            json.field("file_bytes_exact", !row.is_file_foreseen);
          }
          json.field("bits_per_weight", row.size.bits_per_weight());
          json.field("parameters", row.size.parameters);
          json.field("stored", row.size.stored);
          json.object("by_dtype", [&] {
            for (const auto& [type, elements] : row.size.elements_by_type)
              json.field(type, elements);
          });
          write_devices(json, report.devices, row.size.bytes);
        });
      }
    });
  });
  return json.text();
}

std::string quant_csv(const QuantReport& report) {
  std::string text = "scheme,origin,bytes,bits_per_weight";
  for (const Device* device : report.devices) text += "," + csv_field("fits " + device->name);
  text += '\n';
  for (const QuantRow& row : report.rows) {
    fmt::format_to(std::back_inserter(text), "{},{},{},{:.4f}", row.scheme, row.origin,
                   row.size.bytes, row.size.bits_per_weight());
    for (const Device* device : report.devices)
      text += row.size.bytes <= device->capacity ? ",true" : ",false";
    text += '\n';
  }
  return text;
}

/// What rows of llama.cpp are about.
void note_llama_files(const std::vector<Scheme>& schemes, const std::vector<ModelWeight>& weights,
                      const std::optional<GgufHeaderSize>& header,
                      std::vector<std::string>& notes) {
  const bool has_rows =
      std::ranges::find(schemes, Scheme::Kind::ggml, &Scheme::kind) != schemes.end();
  if (!has_rows) return;
  if (std::ranges::any_of(weights, &ModelWeight::is_tower))
    notes.emplace_back("llama.cpp has towers for pictures and sound in a file of their own: its "
                       "schemes are of the language model");
  if (header && !header->tokenizer.empty()) {
    notes.push_back(fmt::format("bytes of files are foreseen by the vocabulary in {}: the model's "
                                "name, licence and keys are taken to be {} bytes",
                                header->tokenizer, usual_keys));
  }
}

QuantRow foreseen_row(const Scheme& scheme, const std::vector<ModelWeight>& weights,
                      const WeightContext& context, const std::optional<GgufHeaderSize>& header) {
  QuantRow row{scheme.name, "foreseen", size_after(scheme, weights, context)};
  if (header && scheme.kind == Scheme::Kind::ggml)
    row.file_bytes = checked_add(header->bytes, row.size.in_file);
  row.is_file_foreseen = row.file_bytes && !header->tokenizer.empty();
  return row;
}

int run_quant(const CommandLine& words) {
  Arguments arguments("quant", "Show the bytes of a language model's weights in each scheme.");
  ModelWords model;
  model.add_to(arguments, false);
  std::vector<std::string> schemes;
  std::string on;
  FormatWords out(table_formats({"text", "json"}));
  arguments.option(
      "--quant", schemes,
      "Only this scheme: Q4_K_M, gptq:4:128, awq, fp8-block, mxfp4, nf4 ...; repeatable", "SCHEME");
  arguments.option("--on", on, "Whether the weights fit on these devices: H100,L4", "NAME,...");
  out.add_to(arguments);
  arguments.footer("Example:\n  zoometer quant config.json --quant Q4_K_M --quant awq --on L4");
  if (!arguments.parse(words)) return exit_done;
  out.settle();

  const std::vector<Device> devices = on.empty() ? std::vector<Device>() : all_devices();
  std::vector<Scheme> chosen;
  for (const std::string& scheme : schemes) chosen.push_back(scheme_of(scheme));
  Graph graph;
  const LoadedModel loaded = load_model(model, graph);
  QuantReport report{loaded, {}, devices_with_memory(on, devices), loaded.ignored};
  const bool is_configured = is_language_model(loaded);
  if (!is_configured && !(loaded.file && loaded.file->weights != nullptr)) {
    throw Error(ErrorCode::usage, "quant",
                {"a language model: config.json, its folder, safetensors or GGUF", loaded.name});
  }
  const std::vector<ModelWeight> weights = model_weights(graph);
  const std::optional<Setting> settings = settings_of(loaded, graph);
  const ModelStorage storage = model_storage(file_of(loaded), settings ? &*settings : nullptr);
  if (!is_configured) {
    report.notes.emplace_back("without a configuration it is not known what the tensors are for");
    chosen.clear();
  }
  if (schemes.empty() || !is_configured) {
    add_own_rows(storage, weights, report);
  }
  if (schemes.empty() && is_configured) {
    for (const std::string_view scheme : usual_schemes()) chosen.push_back(scheme_of(scheme));
  }
  std::optional<GgufHeaderSize> header;
  if (!chosen.empty()) header = gguf_header_size(*loaded.file, weights, storage.context);
  note_llama_files(chosen, weights, header, report.notes);
  for (const Scheme& scheme : chosen)
    report.rows.push_back(foreseen_row(scheme, weights, storage.context, header));
  if (out.is("json")) {
    out.write(quant_json(report));
  } else if (out.is("csv")) {
    out.write(quant_csv(report));
  } else {
    out.write(
        quant_table(report).written_as(out.format()).value_or(quant_text(report, out.width())));
  }
  return exit_done;
}

}  // namespace

extern constinit const Command quant_command = {
    "quant", "show the bytes of a language model in each scheme of quantisation", run_quant, 6};

}  // namespace zoometer
