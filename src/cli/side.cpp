#include "cli/side.hpp"

#include <algorithm>
#include <filesystem>

#include "models/trace_option.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

ErrorExcerpt excerpt_of(const std::string& word, std::string_view option) {
  const std::size_t at = word.find(option);
  return {word, at, at + option.size()};
}

/// What may follow an "@": flags and words of options by themselves, other options with a value.
std::vector<std::string_view> option_names() {
  std::vector<std::string_view> names;
  for (const TraceOption& option : trace_options()) {
    const auto words = option.words();
    if (words.empty()) names.push_back(option.name);
    names.insert(names.end(), words.begin(), words.end());
  }
  names.push_back("dtype");
  names.push_back("views");
  return names;
}

[[noreturn]] void refuse(const std::string& word, std::string_view option) {
  const std::vector<std::string_view> names = option_names();
  std::string expected;
  for (const std::string_view name : names)
    expected.append(expected.empty() ? "" : ", ").append(name);
  Error error(ErrorCode::usage, "an option of one side",
              {"one of " + expected, escape_controls(option)});
  error.hint = did_you_mean(option.substr(0, option.find('=')), names);
  error.excerpt = excerpt_of(word, option);
  throw error;
}

class SideOptions {
 public:
  SideOptions(SideWords& words, const std::string& word) : words_(words), word_(word) {}

  /// Takes the text between two "@": "batch=8", "untrained".
  void take(std::string_view text) {
    const std::size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    if (equals == std::string_view::npos) return take_word(text);
    const std::string_view value = text.substr(equals + 1);
    if (name == "dtype" && number_type_of_word(value)) {
      words_.dtype = name_of(stored_type(value, "dtype"));
      return;
    }
    if (name == "views" && (value == "torch" || value == "none")) {
      words_.views = value;
      return;
    }
    const TraceOption* option = find_trace_option(name);
    if (option == nullptr) refuse(word_, text);
    try {
      set(*option, value);
    } catch (Error& error) {
      error.excerpt = excerpt_of(word_, text);
      throw;
    }
  }

 private:
  void take_word(std::string_view text) {
    for (const TraceOption& option : trace_options()) {
      if (option.is_flag() && option.name == text) return set(option, "true");
      if (std::ranges::find(option.words(), text) != option.words().end()) return set(option, text);
    }
    refuse(word_, text);
  }

  /// The side's own list takes the place of that of both.
  void set(const TraceOption& option, std::string_view value) {
    const bool is_first = std::ranges::find(taken_, &option) == taken_.end();
    if (is_first) option.reset(words_.model.options);
    taken_.push_back(&option);
    option.parse(value, words_.model.options);
  }

  SideWords& words_;
  const std::string& word_;
  std::vector<const TraceOption*> taken_;
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
  place_views(words.views, graph, loaded);
  store_as(words.dtype, graph, loaded);
  return loaded;
}

}  // namespace

void SideWords::add_to(Arguments& arguments) {
  model.add_options_to(arguments);
  add_dtype_to(arguments, dtype);
  add_views_to(arguments, views);
}

LoadedSide::LoadedSide(const SideWords& both, const std::string& word)
    : loaded(load(both, word, graph)),
      profile(zoometer::profile(graph)) {}

ReportInput LoadedSide::report_input() const {
  return {graph, profile, loaded.name, loaded.source, loaded.variant, nullptr, loaded.notes};
}

}  // namespace zoometer
