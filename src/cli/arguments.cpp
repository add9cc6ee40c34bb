#include "cli/arguments.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// The words of "text|json|csv" and "[python|cpp]"; none for a placeholder.
std::vector<std::string> choices_of(std::string value) {
  std::erase_if(value, [](char c) { return c == '[' || c == ']'; });
  std::vector<std::string> choices;
  if (value.find('|') == std::string::npos) return choices;
  std::size_t begin = 0;
  while (begin <= value.size()) {
    const std::size_t end = std::min(value.find('|', begin), value.size());
    choices.push_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  return choices;
}

/// "SECONDS" for "SECONDS:POSITIVE": the argument library appends its checks.
std::string without_checks(const std::string& value) {
  const std::size_t colon = value.rfind(':');
  const bool is_check =
      colon != std::string::npos &&
      std::none_of(value.begin() + static_cast<std::ptrdiff_t>(colon), value.end(),
                   [](char c) { return (c >= 'a' && c <= 'z') || c == ']'; });
  return is_check ? value.substr(0, colon) : value;
}

ArgumentDescription describe(const CLI::Option& option) {
  ArgumentDescription description;
  for (const std::string& name : option.get_lnames()) description.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) description.names.push_back("-" + name);
  description.is_positional = description.names.empty();
  if (description.is_positional) description.names.push_back(option.get_name(true));
  description.value = without_checks(option.get_type_name());
  description.choices = choices_of(description.value);
  description.help = option.get_description();
  description.standard = option.get_default_str();
  description.is_required = option.get_required();
  description.repeats = option.get_items_expected_max() > 1;
  return description;
}

/// Whether a word may give the option `name`: "--depth", "--depth=2", "-d", "-d2" or "-md".
bool may_give(std::string_view word, std::string_view name) noexcept {
  if (!word.starts_with('-')) return false;
  if (name.starts_with("--")) return word.substr(0, word.find('=')) == name;
  return !word.starts_with("--") && word.find(name[1]) != word.npos;
}

/// Whether one of the words may give an option with these names.
bool may_give(const std::vector<std::string>& words, std::string_view names) noexcept {
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(','), names.size());
    for (const std::string& word : words) {
      if (may_give(word, names.substr(0, end))) return true;
    }
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

/// Fails for a word that is not among `words`; an empty text is no failure.
std::string check_choice(const std::vector<std::string>& words, const std::string& given) {
  if (std::find(words.begin(), words.end(), given) != words.end()) return {};
  const std::vector<std::string_view> views(words.begin(), words.end());
  const std::string hint = did_you_mean(given, views);
  return fmt::format("expected one of {}, got {}{}", fmt::join(words, ", "), given,
                     hint.empty() ? "" : " (" + hint + ")");
}

void add_read_option(CLI::App& app, const ReadOption& option) {
  const auto& read = option.read;
  if (option.value.empty()) {
    app.add_flag_callback(
        option.names, [read] { read("true"); }, option.help);
    return;
  }
  CLI::Option* added = nullptr;
  if (option.repeats) {
    const auto read_all = [read](const std::vector<std::string>& values) {
      for (const std::string& value : values) read(value);
    };
    added = app.add_option_function<std::vector<std::string>>(option.names, read_all, option.help)
                ->allow_extra_args(false);
  } else {
    added = app.add_option_function<std::string>(option.names, read, option.help);
  }
  added->type_name(option.value);
  if (!option.standard.empty()) added->default_str(option.standard);
}

}  // namespace

bool CommandLine::has(std::string_view word) const noexcept {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view CommandLine::first() const noexcept {
  return words.empty() ? std::string_view() : words.front();
}

namespace {

/// The option of a word with underscores, as argparse has them: "--input_shape=1".
bool has_underscores(const std::string& word) noexcept {
  if (!word.starts_with("--")) return false;
  return word.find('_') < word.find('=');
}

/// The words with hyphens in the names of options.
std::vector<std::string> with_hyphens(std::vector<std::string> words) {
  for (std::string& word : words) {
    if (!has_underscores(word)) continue;
    const auto end =
        word.begin() + static_cast<std::ptrdiff_t>(std::min(word.find('='), word.size()));
    std::replace(word.begin(), end, '_', '-');
  }
  return words;
}

}  // namespace

CommandLine CommandLine::rest() const { return {{words.begin() + 1, words.end()}, description}; }

struct Arguments::Parser {
  /// An argument that the argument library does not have yet.
  struct Declaration {
    std::string names;  ///< "--depth,-d"; without hyphens for a positional
    std::function<void(CLI::App& app, const std::string& names)> add;
    bool is_real = false;  ///< whether its value is a number that need not be whole

    bool is_positional() const noexcept { return names.front() != '-'; }
  };

  std::string command;
  std::string summary;
  std::string footer;
  std::vector<Declaration> declared;

  /// An error of the argument library in plain words.
  Error plain_error(const CLI::ParseError& problem, const CLI::App& app) const {
    const std::string kind = problem.get_name();
    const std::string text = problem.what();
    Error error(ErrorCode::usage, text);
    error.hint = "see zoometer " + command + " --help";
    const std::size_t colon = text.find(": ");
    const std::string after = colon == std::string::npos ? "" : text.substr(colon + 2);
    if (kind == "ConversionError") {
      const std::size_t equals = after.find(" = ");
      if (equals == std::string::npos) return error;
      const std::string name = after.substr(0, equals);
      const std::string value = escape_controls(after.substr(equals + 3));
      error.message = is_flag(name, app)
                          ? fmt::format("{} takes no value, got {}", name, value)
                          : fmt::format("{} takes {}, got {}", name,
                                        is_real(name) ? "a number" : "a whole number", value);
    } else if (dynamic_cast<const CLI::ExtrasError*>(&problem) != nullptr) {
      const std::string word = first_unexpected(app);
      const bool is_option = word.starts_with('-');
      error.message = fmt::format(
          "{} {}", is_option ? "no such option:" : "unexpected word:", escape_controls(word));
      if (is_option) suggest_option(word.substr(0, word.find('=')), app, error);
    } else if (const std::size_t range = text.find(" not in range "); range != text.npos) {
      const std::string value = after.substr(0, after.find(" not in range "));
      error.message =
          fmt::format("{} takes a number above 0, got {}", text.substr(0, colon),
                      escape_controls(value.substr(std::min(value.size(), value.find(' ') + 1))));
    } else if (kind == "RequiredError" && text.ends_with(" is required")) {
      const std::string name = text.substr(0, text.rfind(" is required"));
      error.message = name + (name.ends_with('s') ? " are missing" : " is missing");
    } else if (kind == "ArgumentMismatch" && text.find("At Most") != std::string::npos) {
      error.message = text.substr(0, colon) + " is given more than once";
    } else if (kind == "ArgumentMismatch" && text.find("required") != std::string::npos) {
      error.message = text.substr(0, colon) + " takes a value";
    }
    return error;
  }

  bool is_real(std::string_view name) const noexcept {
    return std::ranges::any_of(declared, [&](const Declaration& each) {
      return each.is_real && each.names.find(name) != std::string::npos;
    });
  }

  static bool is_flag(const std::string& name, const CLI::App& app) {
    const CLI::Option* option = app.get_option_no_throw(name);
    return option != nullptr && option->get_items_expected_max() == 0;
  }

  /// An option that the command does not have, else the first word that is too many.
  static std::string first_unexpected(const CLI::App& app) {
    const std::vector<std::string> words = app.remaining();
    const auto option = std::ranges::find_if(
        words, [](const std::string& word) { return word.size() > 1 && word[0] == '-'; });
    return option == words.end() ? words.front() : *option;
  }

  static void suggest_option(const std::string& word, const CLI::App& app, Error& error) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string hint = did_you_mean(word, views);
    if (!hint.empty()) error.hint = hint;
  }

  /// Gives the argument library the arguments: all, or those that `words` may give. It compares
  /// each option with all others, which takes longer than tracing a small model.
  void fill(CLI::App& app, const std::vector<std::string>* words = nullptr) const {
    app.name("zoometer " + command);
    app.description(summary);
    app.footer(footer);
    app.get_formatter()->column_width(34);
    app.set_help_flag("-h,--help", "Print this help and exit");
    for (const Declaration& each : declared) {
      if (words == nullptr || each.is_positional() || may_give(*words, each.names))
        each.add(app, each.names);
    }
  }

  template <class Target>
  void option(std::string names, Target& target, std::string help, std::string value) {
    declared.push_back(
        {std::move(names), [&target, help = std::move(help),
                            value = std::move(value)](CLI::App& app, const std::string& name) {
           app.add_option(name, target, help)->type_name(value);
         }});
  }

  template <class Target>
  void positional(std::string name, Target& target, std::string help, bool required) {
    declared.push_back({std::move(name), [&target, help = std::move(help),
                                          required](CLI::App& app, const std::string& given) {
                          app.add_option(given, target, help)->required(required)->type_name("");
                        }});
  }
};

Arguments::Arguments(std::string_view command, std::string_view summary)
    : parser_(std::make_unique<Parser>()) {
  parser_->command = command;
  parser_->summary = summary;
  parser_->declared.reserve(48);
}

Arguments::~Arguments() = default;

void Arguments::positional(std::string name, std::string& target, std::string help, bool required) {
  parser_->positional(std::move(name), target, std::move(help), required);
}

void Arguments::positionals(std::string name, std::vector<std::string>& target, std::string help,
                            bool required) {
  parser_->positional(std::move(name), target, std::move(help), required);
}

void Arguments::flag(std::string names, bool& target, std::string help) {
  parser_->declared.push_back(
      {std::move(names), [&target, help = std::move(help)](CLI::App& app, const std::string& name) {
         app.add_flag(name, target, help);
       }});
}

void Arguments::option(std::string names, std::string& target, std::string help,
                       std::string value) {
  parser_->option(std::move(names), target, std::move(help), std::move(value));
}

void Arguments::option(std::string names, std::optional<std::int64_t>& target, std::string help,
                       std::string value) {
  parser_->option(std::move(names), target, std::move(help), std::move(value));
}

void Arguments::option(std::string names, std::optional<int>& target, std::string help,
                       std::string value) {
  const auto check = [](const std::string& given) {
    const bool is_wrong = given.starts_with('-') && given != "-1";
    return is_wrong ? fmt::format("expected -1 or more, got {}", given) : std::string();
  };
  parser_->declared.push_back(
      {std::move(names), [&target, help = std::move(help), value = std::move(value),
                          check](CLI::App& app, const std::string& name) {
         app.add_option(name, target, help)->type_name(value)->check(check);
       }});
}

void Arguments::option(std::string names, double& target, std::string help, std::string value) {
  parser_->declared.push_back(
      {std::move(names),
       [&target, help = std::move(help), value = std::move(value)](CLI::App& app,
                                                                   const std::string& name) {
         app.add_option(name, target, help)->type_name(value)->check(CLI::PositiveNumber);
       },
       true});
}

void Arguments::option(std::string names, std::vector<std::string>& target, std::string help,
                       std::string value) {
  parser_->declared.push_back(
      {std::move(names), [&target, help = std::move(help),
                          value = std::move(value)](CLI::App& app, const std::string& name) {
         app.add_option(name, target, help)->type_name(value)->allow_extra_args(false);
       }});
}

void Arguments::option(ReadOption option) {
  std::string names = option.names;
  parser_->declared.push_back(
      {std::move(names), [option = std::move(option)](CLI::App& app, const std::string& /*name*/) {
         add_read_option(app, option);
       }});
}

void Arguments::words(std::string names, std::vector<std::string>& target, std::string help,
                      std::string value) {
  parser_->declared.push_back(
      {std::move(names), [&target, help = std::move(help),
                          value = std::move(value)](CLI::App& app, const std::string& name) {
         app.add_option(name, target, help)
             ->type_name(value)
             ->expected(1, CLI::detail::expected_max_vector_size);
       }});
}

void Arguments::choice(std::string names, std::string& target, std::vector<std::string> words,
                       std::string help) {
  parser_->declared.push_back(
      {std::move(names), [&target, words = std::move(words),
                          help = std::move(help)](CLI::App& app, const std::string& name) {
         app.add_option(name, target, help)
             ->type_name(fmt::format("{}", fmt::join(words, "|")))
             ->check([words](const std::string& given) { return check_choice(words, given); })
             ->capture_default_str();
       }});
}

void Arguments::optional_choice(std::string names, std::optional<std::string>& target,
                                std::vector<std::string> words, std::string bare,
                                std::string help) {
  const auto add = [&target, words = std::move(words), bare = std::move(bare),
                    help = std::move(help)](CLI::App& app, const std::string& name) {
    const auto read = [&target, bare](const std::vector<std::string>& given) {
      target = given.empty() || given.front().empty() ? bare : given.front();
    };
    app.add_option_function<std::vector<std::string>>(name, read, help)
        ->type_name(fmt::format("[{}]", fmt::join(words, "|")))
        ->expected(0, 1)
        ->check([words](const std::string& given) {
          return given.empty() ? std::string() : check_choice(words, given);
        });
  };
  parser_->declared.push_back({std::move(names), add});
}

void Arguments::footer(std::string text) { parser_->footer = std::move(text); }

bool Arguments::parse(const CommandLine& line) {
  if (line.description != nullptr) {
    CLI::App app;
    parser_->fill(app);
    for (const CLI::Option* option : app.get_options())
      line.description->arguments.push_back(describe(*option));
    line.description->footer = app.get_footer();
    return false;
  }
  // The argument library takes the words from the back.
  const std::vector<std::string> words = with_hyphens(line.words);
  const std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    CLI::App app;
    parser_->fill(app, &words);
    app.parse(std::vector<std::string>(reversed));
    return true;
  } catch (const CLI::ParseError&) {
    // A help text or an error is about all options.
  }
  CLI::App app;
  parser_->fill(app);
  try {
    app.parse(std::vector<std::string>(reversed));
  } catch (const CLI::CallForHelp&) {
    write_stdout(wrapped_lines(app.help(), static_cast<std::size_t>(terminal_width())));
    return false;
  } catch (const CLI::ParseError& problem) {
    throw parser_->plain_error(problem, app);
  }
  return true;
}

}  // namespace zoometer
