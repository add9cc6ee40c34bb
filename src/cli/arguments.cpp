#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

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

}  // namespace

bool CommandLine::has(std::string_view word) const noexcept {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view CommandLine::first() const noexcept {
  return words.empty() ? std::string_view() : words.front();
}

CommandLine CommandLine::rest() const { return {{words.begin() + 1, words.end()}, description}; }

struct Arguments::Parser {
  CLI::App app;
  std::string command;
};

Arguments::Arguments(std::string_view command, std::string_view summary)
    : parser_(std::make_unique<Parser>()) {
  parser_->command = command;
  parser_->app.name("zoometer " + std::string(command));
  parser_->app.description(std::string(summary));
  parser_->app.set_help_flag("-h,--help", "Print this help and exit");
  parser_->app.get_formatter()->column_width(34);
}

Arguments::~Arguments() = default;

void Arguments::positional(const std::string& name, std::string& target, const std::string& help,
                           bool required) {
  parser_->app.add_option(name, target, help)->required(required)->type_name("");
}

void Arguments::positionals(const std::string& name, std::vector<std::string>& target,
                            const std::string& help, bool required) {
  parser_->app.add_option(name, target, help)->required(required)->type_name("");
}

void Arguments::flag(const std::string& names, bool& target, const std::string& help) {
  parser_->app.add_flag(names, target, help);
}

void Arguments::option(const std::string& names, std::string& target, const std::string& help,
                       const std::string& value) {
  parser_->app.add_option(names, target, help)->type_name(value);
}

void Arguments::option(const std::string& names, std::optional<std::int64_t>& target,
                       const std::string& help, const std::string& value) {
  parser_->app.add_option(names, target, help)->type_name(value);
}

void Arguments::option(const std::string& names, std::optional<int>& target,
                       const std::string& help, const std::string& value) {
  parser_->app.add_option(names, target, help)->type_name(value);
}

void Arguments::option(const std::string& names, double& target, const std::string& help,
                       const std::string& value) {
  parser_->app.add_option(names, target, help)->type_name(value)->check(CLI::PositiveNumber);
}

void Arguments::option(const std::string& names, std::vector<std::string>& target,
                       const std::string& help, const std::string& value) {
  parser_->app.add_option(names, target, help)->type_name(value)->allow_extra_args(false);
}

void Arguments::option(const ReadOption& option) {
  CLI::App& app = parser_->app;
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

void Arguments::words(const std::string& names, std::vector<std::string>& target,
                      const std::string& help, const std::string& value) {
  parser_->app.add_option(names, target, help)
      ->type_name(value)
      ->expected(1, CLI::detail::expected_max_vector_size);
}

void Arguments::choice(const std::string& names, std::string& target,
                       const std::vector<std::string>& words, const std::string& help) {
  std::string joined;
  for (const std::string& word : words) joined += (joined.empty() ? "" : "|") + word;
  const auto check = [words, names](const std::string& given) -> std::string {
    if (std::find(words.begin(), words.end(), given) != words.end()) return {};
    std::string list;
    for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
    const std::vector<std::string_view> views(words.begin(), words.end());
    const std::string hint = did_you_mean(given, views);
    return "expected one of " + list + ", got " + given + (hint.empty() ? "" : " (" + hint + ")");
  };
  parser_->app.add_option(names, target, help)
      ->type_name(joined)
      ->check(check)
      ->capture_default_str();
}

void Arguments::optional_choice(const std::string& names, std::optional<std::string>& target,
                                const std::vector<std::string>& words, const std::string& bare,
                                const std::string& help) {
  std::string joined;
  for (const std::string& word : words) joined += (joined.empty() ? "[" : "|") + word;
  parser_->app
      .add_option_function<std::vector<std::string>>(
          names,
          [&target, bare](const std::vector<std::string>& given) {
            target = given.empty() || given.front().empty() ? bare : given.front();
          },
          help)
      ->type_name(joined + "]")
      ->expected(0, 1)
      ->check([words](const std::string& given) -> std::string {
        const bool known =
            given.empty() || std::find(words.begin(), words.end(), given) != words.end();
        if (known) return {};
        std::string list;
        for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
        return "expected one of " + list + ", got " + given;
      });
}

void Arguments::footer(const std::string& text) { parser_->app.footer(text); }

bool Arguments::parse(const CommandLine& line) {
  if (line.description != nullptr) {
    for (const CLI::Option* option : parser_->app.get_options())
      line.description->arguments.push_back(describe(*option));
    line.description->footer = parser_->app.get_footer();
    return false;
  }
  try {
    // The argument library takes them from the back.
    std::vector<std::string> reversed(line.words.rbegin(), line.words.rend());
    parser_->app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    write_stdout(parser_->app.help());
    return false;
  } catch (const CLI::ParseError& problem) {
    Error error(ErrorCode::usage, problem.what());
    error.hint = "see zoometer " + parser_->command + " --help";
    throw error;
  }
  return true;
}

}  // namespace zoometer
