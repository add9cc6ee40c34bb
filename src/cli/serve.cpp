#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "analysis/cache_size.hpp"
#include "analysis/quantisation.hpp"
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/load.hpp"
#include "cli/memory_devices.hpp"
#include "import/language/config.hpp"
#include "import/weights/ggml_types.hpp"
#include "import/weights/safetensors_header.hpp"
#include "import/weights/stored_weights.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

struct ServeWords {
  std::string on;
  std::string quant;
  std::string cache_dtype;
  std::string engine = "ideal";
  std::optional<std::int64_t> prompt, answer, batch;
  std::string format = "text";
  std::string output;

  void add_to(Arguments& arguments) {
    arguments.option("--prompt", prompt, "Tokens of each sequence's prompt (2048)", "N");
    arguments.option("--output", answer, "Tokens that each sequence gets after it (256)", "N");
    arguments.option("--batch", batch, "Sequences that are served together (1)", "N");
    arguments.option("--quant", quant,
                     "The scheme of the weights: Q4_K_M, awq ... (zoometer quant)", "SCHEME");
    arguments.choice("--engine", engine, {"ideal", "transformers", "vllm", "llama.cpp"},
                     "Whose layout the cache has");
    arguments.option("--cache-dtype", cache_dtype,
                     "The type of keys and values, or of each: bfloat16, float8, q8_0,f16", "TYPE");
    arguments.option("--on", on, "Whether it fits on these devices: H100,L4", "NAME,...");
    arguments.choice("--format,-f", format, {"text", "json"}, "The format");
    arguments.option("--output-file,-o", output, "Write to a file instead of standard output",
                     "FILE");
    arguments.footer("Example:\n  zoometer serve config.json --prompt 8000 --batch 16 --on H100");
  }
  std::int64_t context() const { return checked_add(prompt.value_or(2048), answer.value_or(256)); }
};

struct ServeReport {
  const LoadedModel& model;
  const ServeWords& words;
  StoredSize weights = {};
  std::string scheme = {};
  CacheOptions options = {};
  CacheSize cache = {};
  std::vector<const Device*> devices = {};

  std::int64_t total() const { return checked_add(weights.bytes, cache.bytes); }
};

/// A type by the names of PyTorch, of ggml and of safetensors.
const StorageType& cache_type(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"float32", "F32"},         {"float16", "F16"}, {"bfloat16", "BF16"},
      {"float8", "F8_E4M3"},      {"fp8", "F8_E4M3"}, {"float8_e4m3fn", "F8_E4M3"},
      {"float8_e5m2", "F8_E5M2"}, {"int8", "I8"},
  };
  for (const auto& [known, type] : names) {
    if (known == name) return *safetensors_type(type);
  }
  if (const StorageType* type = ggml_type(name)) return *type;
  throw Error(
      ErrorCode::usage, "--cache-dtype",
      {"bfloat16, float16, float32, float8, int8 or a type of ggml: q8_0", escape_controls(name)});
}

/// The type of the weights is that of the cache where none is given.
DType usual_cache_type(const std::vector<ModelWeight>& weights) {
  for (const ModelWeight& weight : weights) {
    if (weight.kind == WeightKind::embedding && is_floating(weight.dtype)) return weight.dtype;
  }
  return DType::bfloat16;
}

CacheOptions cache_options(const ServeWords& words, const std::vector<ModelWeight>& weights) {
  constexpr std::string_view engines[] = {"ideal", "transformers", "vllm", "llama.cpp"};
  const std::string usual(name_of(usual_cache_type(weights)));
  const std::string_view types = words.cache_dtype.empty() ? usual : words.cache_dtype;
  const std::size_t comma = types.find(',');
  CacheOptions options;
  options.engine = static_cast<CacheEngine>(std::ranges::find(engines, words.engine) - engines);
  options.key_type = &cache_type(types.substr(0, comma));
  options.value_type =
      comma == std::string_view::npos ? options.key_type : &cache_type(types.substr(comma + 1));
  options.context = words.context();
  options.sequences = words.batch.value_or(1);
  return options;
}

/// The tokens and sequences are at most 2^40, as with other commands.
void check_words(const ServeWords& words) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  const auto check = [](std::string_view name, const std::optional<std::int64_t>& number,
                        std::int64_t least) {
    if (!number || (*number >= least && *number <= most)) return;
    throw Error(ErrorCode::usage, std::string(name),
                {fmt::format("{} to 2^40", least), std::to_string(*number)});
  };
  check("--prompt", words.prompt, 1);
  check("--output", words.answer, 0);
  check("--batch", words.batch, 1);
}

std::string serve_text(const ServeReport& report) {
  std::string text;
  const auto line = [&](std::string_view what, std::int64_t bytes) {
    fmt::format_to(std::back_inserter(text), "{:<24}{:>20}  {}\n", what, bytes,
                   format_bytes(bytes));
  };
  fmt::format_to(std::back_inserter(text), "{}: {} sequence{} of {} tokens, {}\n",
                 escape_controls(report.model.name), report.options.sequences,
                 report.options.sequences == 1 ? "" : "s", report.options.context,
                 report.words.engine);
  line("weights, " + report.scheme, report.weights.bytes);
  line("cache", report.cache.bytes);
  for (const auto& [kind, bytes] : report.cache.by_kind)
    line(fmt::format("  {} layers", kind), bytes);
  line("cache of a token", report.cache.bytes_per_token);
  line("weights and cache", report.total());
  for (const Device* device : report.devices) {
    const std::int64_t left = device->capacity - report.total();
    fmt::format_to(std::back_inserter(text), "on {}: {}\n", escape_controls(device->name),
                   left >= 0 ? "fits, " + format_bytes(left) + " left"
                             : "does not fit, " + format_bytes(-left) + " too many");
  }
  for (const std::string& note : report.model.notes)
    text += "note: " + escape_controls(note) + '\n';
  return text;
}

std::string serve_json(const ServeReport& report) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.serve/1");
    json.field("model", report.model.name);
    json.field("source", report.model.source);
    json.array("notes", [&] {
      for (const std::string& note : report.model.notes) json.value(note);
    });
    json.object("weights", [&] {
      json.field("scheme", report.scheme);
      json.field("bytes", report.weights.bytes);
      json.field("bits_per_weight", report.weights.bits_per_weight());
    });
    json.object("cache", [&] {
      json.field("engine", report.words.engine);
      json.field("key_dtype", name_of(*report.options.key_type));
      json.field("value_dtype", name_of(*report.options.value_type));
      json.field("context", report.options.context);
      json.field("sequences", report.options.sequences);
      json.field("bytes_per_token", report.cache.bytes_per_token);
      json.field("bytes", report.cache.bytes);
      json.object("by_kind", [&] {
        for (const auto& [kind, bytes] : report.cache.by_kind) json.field(kind, bytes);
      });
    });
    json.field("bytes", report.total());
    write_devices(json, report.devices, report.total());
  });
  return json.text();
}

/// The weights in the scheme that is asked for, else as the file or the configuration has them.
void take_weights(const std::vector<ModelWeight>& weights, ServeReport& report) {
  const auto& file = report.model.file;
  const std::optional<Setting> settings = file ? settings_of(*file) : std::optional<Setting>();
  const WeightContext context = settings ? weight_context(*settings) : WeightContext{};
  if (!report.words.quant.empty()) {
    const Scheme scheme = scheme_of(report.words.quant);
    report.scheme = scheme.name;
    report.weights = size_after(scheme, weights, context);
    return;
  }
  if (file && file->weights != nullptr && !file->weights->has_unknown()) {
    const StoredCounts counts = count_stored(*file->weights);
    report.scheme = "as stored";
    report.weights.bytes = counts.bytes;
    report.weights.parameters = counts.learned;
    return;
  }
  std::string unknown;
  const auto scheme = settings ? scheme_of_configuration(*settings, unknown) : std::nullopt;
  report.scheme = scheme ? scheme->name : std::string("not quantised");
  report.weights = scheme ? size_after(*scheme, weights, context) : size_of_weights(weights);
}

int run_serve(const CommandLine& words) {
  Arguments arguments("serve", "Show the memory that serving a language model takes.");
  ModelWords model;
  model.add_to(arguments, false);
  ServeWords serve;
  serve.add_to(arguments);
  if (!arguments.parse(words)) return exit_done;
  check_words(serve);

  const std::vector<Device> devices = serve.on.empty() ? std::vector<Device>() : all_devices();
  model.options.decode = true;
  model.options.context = 4;  // what is kept of a token does not depend on their number
  Graph graph;
  const LoadedModel loaded = load_model(model, graph);
  const std::vector<ModelWeight> weights = model_weights(graph);
  ServeReport report{loaded, serve};
  report.options = cache_options(serve, weights);
  report.cache = cache_size(cache_layers(graph), report.options);
  report.devices = devices_with_memory(serve.on, devices);
  take_weights(weights, report);
  write_output(serve.output, serve.format == "json" ? serve_json(report) : serve_text(report));
  return exit_done;
}

}  // namespace

extern constinit const Command serve_command = {
    "serve", "show the memory that serving a language model takes", run_serve, 6};

}  // namespace zoometer
