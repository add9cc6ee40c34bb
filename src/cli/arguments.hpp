#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// One option or positional argument, for manual pages and completions.
struct ArgumentDescription {
  std::vector<std::string> names;    ///< "--format", "-f"; one name for a positional
  std::string value;                 ///< placeholder of its value; empty for a flag
  std::vector<std::string> choices;  ///< the allowed values; empty: any
  std::string help;
  std::string standard;  ///< the default value; may be empty
  bool is_positional = false;
  bool is_required = false;
  bool repeats = false;  ///< of a positional
};

/// What a command declares: its arguments, and the text below them in its help.
struct ArgumentList {
  std::vector<ArgumentDescription> arguments;
  std::string footer;
};

/// An option whose values are read by a function, which throws Error for invalid ones.
struct ReadOption {
  std::string names;  ///< "--batch"
  std::string value;  ///< placeholder of its value; empty for a flag, which is read as "true"
  std::string help;
  std::string standard;  ///< the default value; may be empty
  bool repeats = false;
  std::function<void(const std::string& value)> read;
};

/// What a command runs with: the words after its name.
struct CommandLine {
  std::vector<std::string> words;
  /// If set, the command puts its description here and does nothing else.
  ArgumentList* description = nullptr;

  bool has(std::string_view word) const noexcept;
  /// The first word; empty if there is none.
  std::string_view first() const noexcept;
  /// All but the first word.
  CommandLine rest() const;
};

/// The arguments of one command. Wraps the argument library, whose header is slow to compile, and
/// gives it only the options that the typed words may use, since it takes long for many options.
class Arguments {
 public:
  Arguments(std::string_view command, std::string_view summary);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  void positional(std::string name, std::string& target, std::string help, bool required = true);
  void positionals(std::string name, std::vector<std::string>& target, std::string help,
                   bool required = false);
  void flag(std::string names, bool& target, std::string help);
  void option(std::string names, std::string& target, std::string help, std::string value);
  void option(std::string names, std::optional<std::int64_t>& target, std::string help,
              std::string value);
  /// A number of levels: at least -1, which stands for all.
  void option(std::string names, std::optional<int>& target, std::string help, std::string value);
  void option(std::string names, double& target, std::string help, std::string value);
  void option(std::string names, std::vector<std::string>& target, std::string help,
              std::string value);
  /// An option whose values are read by a function.
  void option(ReadOption option);
  /// An option that takes all words up to the next option, at least one.
  void words(std::string names, std::vector<std::string>& target, std::string help,
             std::string value);
  /// An option with a fixed set of values.
  void choice(std::string names, std::string& target, std::vector<std::string> words,
              std::string help);
  /// The same, whose value may be omitted; it is `bare` then.
  void optional_choice(std::string names, std::optional<std::string>& target,
                       std::vector<std::string> words, std::string bare, std::string help);
  /// The text below the options in the help: examples.
  void footer(std::string text);

  /// Fills the targets. Returns whether the command is to run: not after printing its help, and not
  /// where it is asked for its description. Throws Error{usage} for invalid words.
  [[nodiscard]] bool parse(const CommandLine& line);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace zoometer
