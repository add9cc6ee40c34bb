#include "cli/side.hpp"

#include <charconv>
#include <filesystem>

#include "registry/zoo.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr std::string_view option_names[] = {"published",   "untrained",  "batch",
                                             "input-shape", "dtype",      "dim",
                                             "proposals",   "detections", "quantize"};

[[noreturn]] void refuse(const std::string& word, std::string_view option) {
  std::string expected;
  for (const std::string_view name : option_names)
    expected.append(expected.empty() ? "" : ", ").append(name);
  Error error(ErrorCode::usage, "an option of one side",
              {"one of " + expected, escape_controls(option)});
  error.hint = did_you_mean(option.substr(0, option.find('=')), option_names);
  const std::size_t at = word.find(option);
  error.excerpt = {word, at, at + option.size()};
  throw error;
}

std::int64_t number_of(const std::string& word, std::string_view option, std::string_view text) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem == std::errc{} && end == text.data() + text.size()) return number;
  Error error(ErrorCode::usage, "an option of one side",
              {"a number after " + std::string(option.substr(0, option.find('='))) + "=",
               escape_controls(text)});
  const std::size_t at = word.find(option);
  error.excerpt = {word, at, at + option.size()};
  throw error;
}

class SideOptions {
 public:
  SideOptions(SideWords& words, const std::string& word) : words_(words), word_(word) {}

  void take(std::string_view option) {
    const std::size_t equals = option.find('=');
    const std::string_view name = option.substr(0, equals);
    const bool is_known = equals == std::string_view::npos
                              ? take_word(name)
                              : take_value(option, name, std::string(option.substr(equals + 1)));
    if (!is_known) refuse(word_, option);
  }

 private:
  bool take_word(std::string_view name) {
    if (name == "quantize") {
      words_.model.quantize = true;
    } else if (name == "published" || name == "untrained") {
      words_.model.variant = name;
    } else {
      return false;
    }
    return true;
  }

  bool take_value(std::string_view option, std::string_view name, const std::string& value) {
    ModelWords& model = words_.model;
    if (name == "batch") {
      model.batch = number_of(word_, option, value);
    } else if (name == "proposals") {
      model.proposals = number_of(word_, option, value);
    } else if (name == "detections") {
      model.detections = number_of(word_, option, value);
    } else if (name == "input-shape") {
      own(model.input_shapes, owns_shapes_).push_back(value);
    } else if (name == "dim") {
      own(model.dims, owns_dims_).push_back(value);
    } else if (name == "dtype" && dtype_from_name(value)) {
      words_.dtype = value;
    } else {
      return false;
    }
    return true;
  }

  /// The side's own list replaces the common one.
  static std::vector<std::string>& own(std::vector<std::string>& list, bool& is_own) {
    if (!is_own) list.clear();
    is_own = true;
    return list;
  }

  SideWords& words_;
  const std::string& word_;
  bool owns_shapes_ = false;
  bool owns_dims_ = false;
};

/// Where the options of a side begin; a file's name may contain an "@".
std::size_t options_of(const std::string& word) {
  std::error_code ignored;
  if (std::filesystem::exists(word, ignored)) return std::string::npos;
  const std::size_t slash = word.rfind('/');
  const std::size_t at = word.find('@', slash == std::string::npos ? 0 : slash);
  return at;
}

LoadedModel load(const SideWords& both, const std::string& word, Graph& graph) {
  SideWords words = both;
  const std::size_t begin = options_of(word);
  words.model.model = word.substr(0, begin);
  if (begin != std::string::npos) {
    SideOptions options(words, word);
    std::string_view rest = std::string_view(word).substr(begin + 1);
    for (;;) {
      const std::size_t end = rest.find('@');
      options.take(rest.substr(0, end));
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
  LoadedModel loaded = load_model(words.model, graph);
  store_as(words.dtype, graph, loaded);
  return loaded;
}

}  // namespace

void SideWords::add_to(Arguments& arguments) {
  model.add_options_to(arguments);
  add_dtype_to(arguments, dtype);
}

LoadedSide::LoadedSide(const SideWords& both, const std::string& word)
    : loaded(load(both, word, graph)),
      profile(zoometer::profile(graph)) {}

ReportInput LoadedSide::report_input() const {
  return {graph, profile, loaded.name, loaded.source, loaded.variant, nullptr, loaded.notes};
}

}  // namespace zoometer
