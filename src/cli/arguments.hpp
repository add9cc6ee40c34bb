#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// Thrown by `Arguments::parse` where there is nothing more to do: help was asked for and printed.
struct HelpShown {};

/// One option or positional word, for manual pages and completions.
struct ArgumentDescription {
  std::vector<std::string> names;    ///< "--format", "-f"; of a positional its one name
  std::string value;                 ///< what its value is called; empty for a flag
  std::vector<std::string> choices;  ///< the words that its value may be; empty: any
  std::string help;
  std::string standard;  ///< its value where it is not given; may be empty
  bool is_positional = false;
  bool is_required = false;
  bool repeats = false;  ///< of a positional
};

/// Thrown by `Arguments::parse` in place of parsing where the only word is `describe_word`.
struct ArgumentsDescribed {
  std::string summary;
  std::vector<ArgumentDescription> arguments;
  std::string footer;
};
inline constexpr std::string_view describe_word = "--describe-arguments";

/// An option whose values are read by a function, which throws Error for those that are wrong.
struct ReadOption {
  std::string names;  ///< "--batch"
  std::string value;  ///< what help calls its value; empty for a flag, which is read as "true"
  std::string help;
  std::string standard;  ///< its value where it is not given; may be empty
  bool repeats = false;
  std::function<void(const std::string& value)> read;
};

/// The words of one subcommand. Wraps the argument library, whose header is heavy, so that only the
/// subcommand that was typed is built.
class Arguments {
 public:
  Arguments(std::string_view command, std::string_view summary);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  void positional(const std::string& name, std::string& target, const std::string& help,
                  bool required = true);
  void positionals(const std::string& name, std::vector<std::string>& target,
                   const std::string& help, bool required = false);
  void flag(const std::string& names, bool& target, const std::string& help);
  void option(const std::string& names, std::string& target, const std::string& help,
              const std::string& value);
  void option(const std::string& names, std::optional<std::int64_t>& target,
              const std::string& help, const std::string& value);
  void option(const std::string& names, std::optional<int>& target, const std::string& help,
              const std::string& value);
  void option(const std::string& names, double& target, const std::string& help,
              const std::string& value);
  void option(const std::string& names, std::vector<std::string>& target, const std::string& help,
              const std::string& value);
  /// An option whose values are read by a function.
  void option(const ReadOption& option);
  /// An option that takes all words up to the next option, at least one.
  void words(const std::string& names, std::vector<std::string>& target, const std::string& help,
             const std::string& value);
  /// One of a few words.
  void choice(const std::string& names, std::string& target, const std::vector<std::string>& words,
              const std::string& help);
  /// An option that may come with a word of the list or without any (then `bare`).
  void optional_choice(const std::string& names, std::optional<std::string>& target,
                       const std::vector<std::string>& words, const std::string& bare,
                       const std::string& help);
  /// What stands below the options in the help text: examples.
  void footer(const std::string& text);

  /// Throws Error{usage} for words that do not fit, HelpShown after printing help.
  void parse(const std::vector<std::string>& words);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace zoometer
