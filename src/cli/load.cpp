#include "cli/load.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "import/hub/name.hpp"
#include "models/trace_option.hpp"
#include "registry/origin.hpp"
#include "util/output.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

bool is_number(std::string_view word) {
  if (word.starts_with('-')) word.remove_prefix(1);
  return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

void add_trace_option(Arguments& arguments, TraceOptions& options, const TraceOption& option) {
  const auto words = option.words();
  arguments.option({.names = std::string("--").append(option.name).append(option.other_names),
                    .value = std::string(option.value),
                    .help = std::string(option.help),
                    .standard = std::string(words.empty() ? std::string_view() : words.front()),
                    .repeats = option.repeats(),
                    .read = [&](const std::string& value) { option.parse(value, options); }});
}

/// Adds the options of a trace that size inputs, or the others.
void add_trace_options(Arguments& arguments, TraceOptions& options, bool sizes_inputs) {
  for (const TraceOption& option : trace_options()) {
    if (option.sizes_inputs == sizes_inputs) add_trace_option(arguments, options, option);
  }
}

constexpr std::string_view all_names =
    "zoometer list --registry all and --registry language name every model";

bool looks_like_file(const std::string& name) {
  return name.find('/') != std::string::npos || name.find('.') != std::string::npos ||
         is_anything(name);
}

/// Notes that the model is in another registry than the one that was asked for. It is still traced.
void note_registry(const ModelWords& words, const Registry& registry, const RegistryModel& model) {
  if (words.registry.empty()) return;
  const RegistryKind kind = registry.choose(words.registry);
  if (registry.holds(kind, model)) return;
  const RegistryKind other =
      registry.holds(RegistryKind::automatic, model) ? RegistryKind::automatic : RegistryKind::all;
  write_note(std::string(model.name) + " is not in the " + std::string(name_of(kind)) +
             " registry; it is in " + std::string(name_of(other)));
}

/// An option that the model cannot use is a mistake of the user's, which must not be ignored.
void refuse_useless_options(const TraceOptions& options, const RegistryModel& model) {
  for (const TraceOption& option : trace_options()) {
    if (!option.only || *option.only == model.task || option.format(options).empty()) continue;
    throw Error(ErrorCode::usage,
                "--" + std::string(option.name) + " cannot be used with " + std::string(model.name),
                {std::string(option.only_name), std::string(name_of(model.task))});
  }
  refuse_file_options(options);
}

LoadedModel load_builtin(const ModelWords& words, const RegistryModel& model, Graph& graph) {
  refuse_useless_options(words.options, model);
  trace(*model.builtin, words.options, graph);
  return {std::string(model.name),
          std::string(model.source),
          std::string(name_of(words.options.variant)),
          {}};
}

/// The answer of a model that is not built in. Where no Python has torchvision, the message offers
/// the built-in model.
OriginAnswer answer_of(const ModelWords& words, const Origin& origin,
                       std::vector<UserInput> declared, const Registry& registry, Graph& graph) {
  try {
    return load_origin({origin, words.options, std::move(declared), words.live}, registry,
                       write_note, graph);
  } catch (Error& error) {
    const RegistryModel* twin =
        origin.kind == OriginKind::torchvision ? registry.find(origin.target) : nullptr;
    const bool lacks_python =
        error.code == ErrorCode::io || error.message.find("Python") != std::string::npos;
    if (twin == nullptr || twin->builtin == nullptr || !lacks_python) throw;
    error.hint = fmt::format("{}{}{} alone is the built-in model, which needs no Python",
                             error.hint, error.hint.empty() ? "" : "; ", twin->name);
    throw;
  }
}

LoadedModel load_from(const ModelWords& words, const Origin& origin, std::string name,
                      std::vector<UserInput> declared, const Registry& registry, Graph& graph) {
  OriginAnswer answer = answer_of(words, origin, std::move(declared), registry, graph);
  return {std::move(name),           answer.source,         answer.variant, std::move(answer.notes),
          std::move(answer.ignored), std::move(answer.file)};
}

}  // namespace

void refuse_unknown_model(const std::string& name, const Registry& registry) {
  std::vector<std::string_view> names;
  for (const RegistryKind kind : {RegistryKind::all, RegistryKind::language})
    for (const RegistryModel& model : registry.models(kind)) names.push_back(model.name);
  Error error(ErrorCode::unknown_name, "no such model or file: " + escape_controls(name));
  const auto fits = [&](const RegistryModel& model) { return matches_wildcard(name, model.name); };
  if (const auto count = std::ranges::count_if(registry.models(RegistryKind::language), fits))
    error.hint = fmt::format("{} with --registry language", counted(count, "model"));
  if (error.hint.empty()) error.hint = did_you_mean(name, names);
  if (error.hint.empty()) error.hint = all_names;
  throw error;
}

namespace {

/// A word that looks like a path and is none. Names and addresses of other places are pasted, too.
[[noreturn]] void refuse_missing_file(const std::string& word, const Registry& registry) {
  Error error(ErrorCode::io, "cannot read the file: " + std::string(std::strerror(ENOENT)));
  error.place.model = word;
  if (word.starts_with("https://") || word.starts_with("http://")) {
    error.hint = "addresses are not fetched, except models of huggingface.co: download the file";
  } else if (is_hub_name(word)) {
    error.hint = "hf:" + word + " is the model of Hugging Face's hub";
  } else if (word.find('/') == std::string::npos) {
    // Names of language models have dots.
    std::vector<std::string_view> names;
    for (const RegistryModel& model : registry.models(RegistryKind::language))
      names.push_back(model.name);
    error.hint = did_you_mean(word, names);
    const char ending = word[word.find_last_of('.') + 1];  // the end of the word if it has none
    if (error.hint.empty() && ending >= '0' && ending <= '9') error.hint = all_names;
  }
  throw error;
}

}  // namespace

void ModelWords::add_to(Arguments& arguments, bool with_inputs) {
  arguments.positional("model", model,
                       "A model's name, a file, hf:ORG/NAME, torchvision:NAME, timm:NAME, "
                       "transformers:NAME, torch.hub:FOLDER:NAME or python:MODULE:FUNCTION");
  add_options_to(arguments, with_inputs);
}

void ModelWords::add_options_to(Arguments& arguments, bool with_inputs) {
  add_trace_options(arguments, options, false);
  add_live_options(arguments, live);
  add_plugin_option(arguments, plugins);
  arguments.option(
      "--registry", registry,
      "The registry in which the model is looked for first: curated, auto, all or language",
      "NAME");
  if (with_inputs) add_trace_options(arguments, options, true);
}

void add_dtype_to(Arguments& arguments, std::string& dtype) {
  arguments.option(
      {.names = "--dtype",
       .value = "float32|float16|bfloat16|float8|int8|int4",
       .help = "Count bytes as if every floating-point tensor were stored in this type; fp16, "
               "half, bf16 and fp8 are other names",
       .standard = {},
       .read = [&dtype](const std::string& word) {
         dtype = name_of(stored_type(word, "--dtype"));
       }});
}

std::optional<NumberType> number_type_of_word(std::string_view word) {
  struct OtherName {
    std::string_view word;
    NumberType type;
  };
  constexpr OtherName others[] = {{"fp32", NumberType::float32},    {"float", NumberType::float32},
                                  {"fp16", NumberType::float16},    {"half", NumberType::float16},
                                  {"bf16", NumberType::bfloat16},   {"fp8", NumberType::float8},
                                  {"float64", NumberType::float64}, {"fp64", NumberType::float64},
                                  {"double", NumberType::float64}};
  for (const OtherName& other : others) {
    if (other.word == word) return other.type;
  }
  return number_type_from_name(word);
}

NumberType stored_type(std::string_view word, std::string_view option) {
  constexpr std::string_view names[] = {"float32", "float16", "bfloat16", "float8", "int8", "int4"};
  const auto type = number_type_of_word(word);
  if (type && std::ranges::find(names, name_of(*type)) != std::end(names)) return *type;
  Error error(ErrorCode::usage, std::string(option),
              {"one of float32, float16, bfloat16, float8, int8, int4", escape_controls(word)});
  error.hint = did_you_mean(word, names);
  throw error;
}

void store_as(const std::string& dtype, Graph& graph, LoadedModel& loaded) {
  if (dtype.empty()) return;
  graph.count_floating_as(dtype_of(stored_type(dtype, "--dtype")));
  loaded.notes.push_back("bytes as if every floating-point tensor were stored in " + dtype);
}

void add_views_to(Arguments& arguments, std::string& views) {
  arguments.choice(
      "--views", views, {"torch", "none"},
      "Whether slices, transpositions and expansions take no memory, as in PyTorch, or "
      "are copies, as in ONNX Runtime");
}

void place_views(const std::string& views, Graph& graph, LoadedModel& loaded) {
  const bool has_views = std::ranges::any_of(graph.values(), [&](const Value& value) {
    return value.has(Value::shares) &&
           graph.nodes()[value.producer].op->memory->storage == Storage::view;
  });
  if (!has_views) return;
  if (views == "none") {
    graph.copy_views();
    loaded.notes.emplace_back(
        "views are copies: what PyTorch slices, transposes or expands is written");
  } else if (loaded.source.starts_with("ONNX")) {
    loaded.notes.emplace_back(
        "views take no memory, as in PyTorch; --views none copies them, as ONNX Runtime does");
  }
}

void add_trace_options(Arguments& arguments, TraceOptions& options,
                       std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    add_trace_option(arguments, options, *find_trace_option(name));
}

std::optional<Origin> origin_of(const std::string& word) {
  Origin origin = parse_origin(word);
  if (origin.kind == OriginKind::file && !is_file(word) && !is_folder(word)) return std::nullopt;
  return origin;
}

void check_batch(const TraceOptions& options, bool has_batch) {
  if (!options.batch_axes.empty() && !has_batch)
    throw Error(ErrorCode::usage, "--batch-axis needs --batch");
}

std::vector<UserInput> parse_user_inputs(const std::vector<std::string>& words) {
  TraceOptions options;
  for (const std::string& word : words) find_trace_option("input-shape")->parse(word, options);
  std::vector<UserInput> inputs;
  for (InputShape& input : options.inputs)
    inputs.push_back({std::move(input.name), input.shape, input.dtype});
  return inputs;
}

void add_live_options(Arguments& arguments, LiveOptions& live) {
  arguments.option("--python", live.python, "The Python with torch, instead of the first one found",
                   "PATH");
  arguments.option("--time-limit", live.time_limit, "Seconds that one model may take in Python",
                   "SECONDS");
  arguments.flag("--no-cache", live.no_cache, "Ask Python again, and keep no answer");
  arguments.flag("--offline", live.is_offline,
                 "Fetch nothing for hf:ORG/NAME; HF_HUB_OFFLINE=1 does the same");
}

void add_plugin_option(Arguments& arguments, std::vector<std::string>& plugins) {
  arguments.option("--plugin", plugins, "Load the models of a plug-in, too; repeatable", "FILE");
}

CommandLine join_shape_words(CommandLine line) {
  const std::vector<std::string> words = std::move(line.words);
  line.words.clear();
  for (std::size_t i = 0; i < words.size(); ++i) {
    line.words.push_back(words[i]);
    if ((words[i] != "--input-shape" && words[i] != "--input_shape") || i + 1 == words.size())
      continue;
    std::string shape = words[++i];
    while (is_number(words[i]) && i + 1 < words.size() && is_number(words[i + 1]))
      shape += "," + words[++i];
    line.words.back() += "=" + shape;
  }
  return line;
}

CommandLine join_sort_words(CommandLine line) {
  for (std::size_t i = 0; i + 1 < line.words.size(); ++i) {
    const std::string& next = line.words[i + 1];
    const bool is_key = next.size() > 2 && next[0] == '-' && next[1] >= 'a' && next[1] <= 'z';
    if ((line.words[i] != "--sort" && line.words[i] != "-s") || !is_key) continue;
    line.words[i] = "--sort=" + next;
    line.words.erase(line.words.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
  return line;
}

const RegistryModel* model_of(const std::string& word, const Registry& registry) {
  if (const RegistryModel* model = registry.find(word)) return model;
  return is_anything(word) ? nullptr : registry.resolve(word);
}

namespace {

/// A copy of standard input, which stays until the program ends: files are mapped and read again.
class StandardInput {
 public:
  /// Throws Error{io}.
  StandardInput() {
    const char* folder = std::getenv("TMPDIR");
    path_ = std::string(folder != nullptr && *folder != 0 ? folder : "/tmp") + "/zoometer_XXXXXX";
    const int fd = mkstemp(path_.data());
    if (fd < 0) refuse(errno);
    std::array<char, 1U << 16U> bytes{};
    int reason = 0;
    while (reason == 0) {
      const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
      if (count == 0) break;
      if (count < 0 && errno != EINTR) reason = errno;
      if (count < 0) continue;
      const std::string_view part(bytes.data(), static_cast<std::size_t>(count));
      if (size_ < most_name) name_ += part.substr(0, most_name - size_);
      size_ += part.size();
      reason = write_fully(fd, part);
    }
    close(fd);
    if (reason == 0 && size_ == 0) refuse(ENODATA);
    if (reason != 0) refuse(reason);
  }
  ~StandardInput() { unlink(path_.c_str()); }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

  /// The model that the input names, if it is one short line; else the file's path.
  std::string word() const {
    std::string line = name_;
    while (line.ends_with('\n') || line.ends_with('\r') || line.ends_with(' ')) line.pop_back();
    const bool is_line = size_ < most_name && !line.empty() && escape_controls(line) == line &&
                         line.find_first_of("{}[]<>\"") == std::string::npos;
    return is_line ? line : path_;
  }
  const std::string& path() const noexcept { return path_; }

 private:
  static constexpr std::size_t most_name = 512;

  [[noreturn]] void refuse(int reason) {
    if (!path_.ends_with('X')) unlink(path_.c_str());
    Error error(ErrorCode::io, std::string("cannot be read: ") + std::strerror(reason));
    error.place.model = "standard input";
    throw error;
  }

  std::string path_;
  std::string name_;  ///< its first bytes
  std::size_t size_ = 0;
};

}  // namespace

LoadedModel load_model(const ModelWords& words, Graph& graph) {
  if (words.model == "-") {
    static const StandardInput input;
    ModelWords named = words;
    named.model = input.word();
    LoadedModel loaded = load_model(named, graph);
    if (loaded.name == input.path()) loaded.name = "standard input";
    return loaded;
  }
  check_batch(words.options, words.options.batch.has_value());
  const Registry registry(words.plugins);
  if (const RegistryModel* model = model_of(words.model, registry)) {
    note_registry(words, registry, *model);
    if (model->builtin != nullptr) return load_builtin(words, *model, graph);
    return load_from(words, model->user->origin, std::string(model->name), model->user->inputs,
                     registry, graph);
  }
  const Origin origin = parse_origin(words.model);
  if (origin.kind == OriginKind::file && !is_anything(words.model)) {
    if (!looks_like_file(words.model)) refuse_unknown_model(words.model, registry);
    refuse_missing_file(words.model, registry);
  }
  const bool is_language =
      origin.kind == OriginKind::language;  // of which a word may be a spelling
  return load_from(words, origin, is_language ? origin.target : words.model, {}, registry, graph);
}

}  // namespace zoometer
