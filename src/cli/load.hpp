#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "registry/live.hpp"
#include "zoometer/analysis/hardware.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Which model to trace and how: shared by every command that takes MODEL|FILE.
struct ModelWords {
  std::string model;
  TraceOptions options;
  std::string registry;
  LiveOptions live;
  std::vector<std::string> plugins;

  /// Adds the positional and the options. Without `with_inputs`, those that size inputs are left
  /// out.
  void add_to(Arguments& arguments, bool with_inputs = true);
  /// The same without the positional.
  void add_options_to(Arguments& arguments, bool with_inputs = true);
};

/// A traced model and what was assumed.
struct LoadedModel {
  std::string name;
  std::string source;   ///< "builtin", "plugin:FILE", "torchvision", "python" or the file's format
  std::string variant;  ///< empty for files
  std::vector<std::string> notes;
  std::vector<std::string> ignored = {};  ///< of the notes, those that `--strict` refuses
  std::optional<ModelFile> file = {};     ///< the file that the graph was read from
};

/// Whether it is a graph of a configuration: `config.json`, or weights with one beside them.
inline bool is_language_model(const LoadedModel& model) {
  return model.source.starts_with("configuration");
}

/// The number type that a word of `--dtype` means: "float16", and "fp16" or "half".
std::optional<NumberType> number_type_of_word(std::string_view word);

/// The same for types in which tensors can be stored. Throws Error{usage} that begins with
/// `option`.
NumberType stored_type(std::string_view word, std::string_view option);

/// Adds `--dtype`, which `store_as` takes.
void add_dtype_to(Arguments& arguments, std::string& dtype);

/// Counts the graph as stored in that type (empty: in its own), and notes it: only bytes change.
void store_as(const std::string& dtype, Graph& graph, LoadedModel& loaded);

/// Adds `--views`, which `place_views` takes.
void add_views_to(Arguments& arguments, std::string& views);

/// Counts views as PyTorch has them ("torch"), or as copies ("none"), and notes it where the model
/// is a file that runs without PyTorch.
void place_views(const std::string& views, Graph& graph, LoadedModel& loaded);

/// Adds some options of a trace, by their names.
void add_trace_options(Arguments& arguments, TraceOptions& options,
                       std::initializer_list<std::string_view> names);

/// What a word refers to that is not a name of the registry: "python:MODULE:FUNCTION",
/// "resnet(...)", the path of a file or a folder that exists. Nothing for other words: patterns,
/// unknown names.
std::optional<Origin> origin_of(const std::string& word);

/// Throws Error{usage} for `--batch-axis` without `--batch`.
void check_batch(const TraceOptions& options, bool has_batch);

/// The inputs that `--input-shape` words name: "1,3,224,224", "1x3x224x224", "NAME=1,3,224,224".
std::vector<UserInput> parse_user_inputs(const std::vector<std::string>& words);

/// Adds --python, --time-limit and --no-cache.
void add_live_options(Arguments& arguments, LiveOptions& live);

/// Adds --plugin.
void add_plugin_option(Arguments& arguments, std::vector<std::string>& plugins);

/// Joins the words of `--input-shape 1 3 224 224` into one, so that every spelling is parsed alike.
CommandLine join_shape_words(CommandLine line);

/// Joins the words of `--sort -macs`, which would be options else.
CommandLine join_sort_words(CommandLine line);

/// The model of the registry that a word means; null if it means a file or nothing. A file wins
/// over a model whose name differs from the word in case, hyphens or underscores.
const RegistryModel* model_of(const std::string& word, const Registry& registry);

/// Throws Error{unknown_name} with the nearest name of the registry.
[[noreturn]] void refuse_unknown_model(const std::string& name, const Registry& registry);

/// Traces a built-in model, reads a file, or asks the user's Python for the graph. Throws Error.
LoadedModel load_model(const ModelWords& words, Graph& graph);

}  // namespace zoometer
