#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/load.hpp"
#include "report/graph_writer.hpp"
#include "util/output.hpp"

namespace zoometer {
namespace {

/// The formats, text first.
std::vector<std::string> graph_formats() {
  std::vector<std::string> names = {"text"};
  for (const GraphWriter* writer : graph_writers()) {
    if (writer->name != "text") names.emplace_back(writer->name);
  }
  return names;
}

struct GraphWords {
  ModelWords model;
  FormatWords out{graph_formats()};
  GraphOptions options;
  bool random_weights = false;
  std::optional<std::int64_t> seed;
  bool external_data = false;
  bool strict = false;

  bool parse(const CommandLine& words);
  const GraphWriter& check();
};

/// The formats, for the end of the help text.
std::string format_help() {
  std::string text = "Formats:\n";
  for (const GraphWriter* writer : graph_writers()) {
    text.append("  ").append(writer->name).append(": ").append(writer->summary).append("\n");
  }
  return text;
}

bool GraphWords::parse(const CommandLine& words) {
  Arguments arguments("graph", "Write a model's graph.");
  model.add_to(arguments);
  out.add_to(arguments);
  arguments.option("--depth,-d", options.depth,
                   "dot, svg, png, pdf: modules at this depth of the tree are single boxes (2)",
                   "N");
  arguments.flag("--random-weights", random_weights,
                 "onnx: fill the parameters with random numbers, so that the model runs");
  arguments.option("--seed", seed, "onnx: seed of the random numbers (0)", "N");
  arguments.option("--weights", options.weight_file,
                   "onnx: take the parameters from a safetensors file, by their names", "FILE");
  arguments.flag("--external-data", external_data,
                 "onnx: write the parameters to OUTPUT.data beside the model");
  arguments.flag("--strict", strict,
                 "onnx: exit with 1, and write nothing, if other programs cannot run the file");
  arguments.footer(format_help());
  if (!arguments.parse(join_shape_words(words))) return false;
  out.settle();
  return true;
}

const GraphWriter& GraphWords::check() {
  const std::string& format = out.format();
  const std::string& output = out.output();
  const GraphWriter& writer = *find_graph_writer(format);
  const bool has_file = !options.weight_file.empty();
  if (options.depth && !writer.has_depth) {
    throw Error(ErrorCode::usage, "--depth", {"--format dot, svg, png or pdf", format});
  }
  if (options.depth && *options.depth < 0) {
    throw Error(ErrorCode::usage, "--depth", {"at least 0", std::to_string(*options.depth)});
  }
  const bool asks_for_weights = random_weights || has_file || external_data || seed;
  if (asks_for_weights && !writer.has_weights) {
    throw Error(ErrorCode::usage, "--random-weights, --seed, --weights and --external-data",
                {"--format onnx", format});
  }
  if (random_weights && has_file) {
    throw Error(ErrorCode::usage, "--random-weights and --weights exclude each other");
  }
  if (seed && !random_weights) throw Error(ErrorCode::usage, "--seed needs --random-weights");
  if (external_data && !random_weights && !has_file) {
    throw Error(ErrorCode::usage, "--external-data needs --random-weights or --weights");
  }
  const bool to_stdout = output.empty() || output == "-";
  if (external_data && to_stdout) {
    throw Error(ErrorCode::usage, "--external-data needs --output FILE");
  }
  if (writer.is_binary && to_stdout && isatty(STDOUT_FILENO) != 0) {
    throw Error(ErrorCode::usage, "cannot write a binary file to a terminal: use --output FILE");
  }
  if (random_weights) options.weights = WeightData::random;
  if (has_file) options.weights = WeightData::file;
  if (seed) options.seed = *seed;
  if (external_data) options.external_data = output + ".data";
  return writer;
}

int run_graph(const CommandLine& words) {
  GraphWords given;
  if (!given.parse(words)) return exit_done;
  const GraphWriter& writer = given.check();

  Graph graph;
  const LoadedModel loaded = load_model(given.model, graph);
  const GraphInput input{graph,          loaded.name,  loaded.source,
                         loaded.variant, loaded.notes, loaded.file};
  std::vector<std::string> remarks;
  given.options.remarks = &remarks;
  const std::string text = writer.write(input, given.options);
  for (const std::string& remark : remarks) write_note(remark);
  if (writer.has_weights && is_language_model(loaded))
    write_note("factors that cost no product are not written: docs/export.md, Language models");
  if (given.strict && !remarks.empty()) {
    std::fputs("zoometer: --strict: no file is written\n", stderr);
    return exit_check_failed;
  }
  given.out.write(text);
  return exit_done;
}

}  // namespace

extern constinit const Command graph_command = {"graph", "write a model's graph", run_graph, 5};

}  // namespace zoometer
