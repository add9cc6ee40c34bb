#include <fmt/core.h>

#include <algorithm>

#include "cli/compare.hpp"
#include "cli/description.hpp"
#include "cli/model_query.hpp"
#include "registry/registry.hpp"
#include "report/module_table.hpp"
#include "util/output.hpp"
#include "zoometer/analysis/hardware.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::string_view model_position = "model";

using Commands = std::vector<CommandDescription>;

std::string joined(const std::vector<std::string>& words, std::string_view separator = " ") {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : separator).append(word);
  return text;
}

std::vector<std::string> first_words(const Commands& commands) {
  std::vector<std::string> words;
  for (const CommandDescription& command : commands) {
    if (command.name.find(' ') == std::string::npos) words.push_back(command.name);
  }
  return words;
}

/// Whether the positional arguments of a command are models or files.
bool takes_models(const CommandDescription& command) {
  constexpr std::string_view others[] = {"patterns", "before", "after", "other"};
  return std::any_of(command.takes.arguments.begin(), command.takes.arguments.end(),
                     [&](const auto& argument) {
                       return argument.is_positional &&
                              (argument.names[0].starts_with(model_position) ||
                               std::ranges::find(others, argument.names[0]) != std::end(others) ||
                               argument.value.find("MODEL") != std::string::npos);
                     });
}

std::vector<std::string> field_names() {
  std::vector<std::string> names;
  for (const ModelField& field : model_fields()) names.emplace_back(field.name);
  return names;
}

std::vector<std::string> registry_names() {
  std::vector<std::string> names;
  for (const RegistryKind kind :
       {RegistryKind::curated, RegistryKind::automatic, RegistryKind::all, RegistryKind::language})
    names.emplace_back(name_of(kind));
  return names;
}

/// The words of positional arguments that are neither models nor files.
std::vector<std::string> first_values(const CommandDescription& command) {
  if (command.name == "registry use") return registry_names();
  if (command.name == "cache") return {"status", "clear"};
  if (command.name == "completions") return {"bash", "zsh", "fish"};
  return {};
}

/// The values of options that take any text and have known ones.
std::vector<std::string> known_values(const CommandDescription& command, std::string_view option) {
  std::vector<std::string> values;
  if (option == "--registry") return registry_names();
  if (option == "--task") {
    for (const Task task : all_tasks()) values.emplace_back(name_of(task));
  } else if (option == "--on") {
    for (const Device& device : builtin_devices()) values.push_back(device.name);
  } else if (option == "--units") {
    return {"M", "G", "exact"};
  } else if (option == "--sort" && command.name == "list") {
    return field_names();
  } else if (option == "--sort" && command.name == "compare") {
    return compare_keys();
  } else if ((option == "--sort" || option == "--columns") && command.name == "profile") {
    for (const std::string_view name : module_table_columns()) values.emplace_back(name);
  } else if (option == "--columns" && command.name == "sweep") {
    for (const TotalsField& field : totals_fields()) values.emplace_back(field.name);
  } else if (option == "--dtype" && command.name == "sweep") {
    return {"float32", "float16", "bfloat16", "float8", "int8", "int4"};
  } else if (option == "--show" || option == "--pareto") {
    return field_names();
  }
  return values;
}

/// The values that an option may have; none: any, or files.
std::vector<std::string> values_of(const CommandDescription& command,
                                   const ArgumentDescription& argument) {
  if (!argument.choices.empty()) return argument.choices;
  return known_values(command, argument.names[0]);
}

std::vector<std::string> options_of(const CommandDescription& command) {
  std::vector<std::string> words;
  for (const ArgumentDescription& argument : command.takes.arguments) {
    if (!argument.is_positional)
      words.insert(words.end(), argument.names.begin(), argument.names.end());
  }
  return words;
}

/// Text in single quotes for a POSIX shell.
std::string in_quotes(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// -- bash ---------------------------------------------------------------------------------------

std::string bash_values(const CommandDescription& command) {
  std::string text;
  for (const ArgumentDescription& argument : command.takes.arguments) {
    if (argument.is_positional || argument.value.empty()) continue;
    std::string patterns;
    for (const std::string& name : argument.names)
      patterns += (patterns.empty() ? "" : " | ") + in_quotes(command.name + " " + name);
    const std::vector<std::string> values = values_of(command, argument);
    text += values.empty()
                ? fmt::format("    {}) files=yes ;;\n", patterns)
                : fmt::format("    {}) words={} ;;\n", patterns, in_quotes(joined(values)));
  }
  return text;
}

std::string bash_script() {
  const Commands commands = describe_commands();
  std::string options;
  std::string values;
  std::string actions;
  std::string model_commands;
  std::string words;
  for (const CommandDescription& command : commands) {
    if (!command.actions.empty()) {
      actions +=
          fmt::format("    {}) words={} ;;\n", command.name, in_quotes(joined(command.actions)));
      continue;
    }
    options += fmt::format("    {}) words={} ;;\n", in_quotes(command.name),
                           in_quotes(joined(options_of(command))));
    values += bash_values(command);
    if (const auto first = first_values(command); !first.empty())
      words +=
          fmt::format("    {}) words={} ;;\n", in_quotes(command.name), in_quotes(joined(first)));
    if (takes_models(command))
      model_commands += (model_commands.empty() ? "" : " | ") + in_quotes(command.name);
  }
  return fmt::format(R"script(# bash completion of zoometer, written by `zoometer completions bash`
_zoometer() {{
  local current=$2 previous=$3 command=${{COMP_WORDS[1]}} words='' files=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W '{0} help version --help --version' -- "$current")
    return
  fi
  if [ "$command" = help ]; then
    mapfile -t COMPREPLY < <(compgen -W '{0}' -- "$current")
    return
  fi
  case $command in
{1}  esac
  if [ -n "$words" ]; then
    if [ "$COMP_CWORD" -eq 2 ]; then
      mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
      return
    fi
    command="$command ${{COMP_WORDS[2]}}" words=''
  fi
  case "$command $previous" in
{2}  esac
  if [ -n "$files" ]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    return
  fi
  if [ -z "$words" ] && [[ $current == -* ]]; then
    case $command in
{3}    esac
  elif [ -z "$words" ]; then
    case $command in
{5}    esac
  fi
  if [ -n "$words" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    return
  fi
  case $command in
    {4})
      mapfile -t COMPREPLY < <(compgen -W "$("${{COMP_WORDS[0]}}" completions models 2>/dev/null)" -- "$current"; compgen -f -- "$current")
      ;;
  esac
}}
complete -o filenames -F _zoometer zoometer
)script",
                     joined(first_words(commands)), actions, values, options, model_commands,
                     words);
}

// -- zsh ----------------------------------------------------------------------------------------

/// Text in a quoted specification for `_arguments`.
std::string zsh_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return result;
}

std::string zsh_option(const CommandDescription& command, const ArgumentDescription& argument) {
  std::string value;
  if (!argument.value.empty()) {
    const std::vector<std::string> values = values_of(command, argument);
    value = values.empty() ? fmt::format(":{}:_files", zsh_text(argument.value))
                           : fmt::format(":word:({})", joined(values));
  }
  std::string text;
  for (const std::string& name : argument.names) {
    text += fmt::format(" \\\n        '({}){}[{}]{}'", joined(argument.names), name,
                        zsh_text(argument.help), value);
  }
  return text;
}

std::string zsh_script() {
  const Commands commands = describe_commands();
  std::string summaries;
  std::string actions;
  std::string cases;
  for (const CommandDescription& command : commands) {
    if (command.name.find(' ') == std::string::npos)
      summaries += fmt::format("    '{}:{}'\n", command.name, zsh_text(command.summary));
    if (!command.actions.empty()) {
      actions += fmt::format("    {}) actions=({}) ;;\n", command.name, joined(command.actions));
      continue;
    }
    cases += fmt::format("    {}) _arguments", in_quotes(command.name));
    for (const ArgumentDescription& argument : command.takes.arguments) {
      if (!argument.is_positional) cases += zsh_option(command, argument);
    }
    const std::vector<std::string> first = first_values(command);
    cases +=
        fmt::format(" \\\n        '*:word:{}' ;;\n", takes_models(command) ? "_zoometer_models"
                                                     : first.empty()       ? "_files"
                                                                     : "(" + joined(first) + ")");
  }
  return fmt::format(R"script(#compdef zoometer
# zsh completion of zoometer, written by `zoometer completions zsh`
_zoometer_models() {{
  local -a models
  models=(${{(f)"$(zoometer completions models 2>/dev/null)"}})
  _alternative 'models:model:compadd -a models' 'files:file:_files'
}}
_zoometer() {{
  local -a commands actions
  local command
  commands=(
{0}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  if [[ $words[2] = help ]]; then
    (( CURRENT == 3 )) && _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  command=$words[1]
  case $command in
{1}  esac
  if (( $#actions )); then
    if (( CURRENT == 2 )); then
      compadd -a actions
      return
    fi
    command="$command $words[2]"
    shift words
    (( CURRENT-- ))
  fi
  case $command in
{2}  esac
}}
if [ "$funcstack[1]" = _zoometer ]; then
  _zoometer "$@"
else
  compdef _zoometer zoometer
fi
)script",
                     summaries, actions, cases);
}

// -- fish ---------------------------------------------------------------------------------------

std::string fish_in_quotes(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

/// "__fish_seen_subcommand_from registry; and __fish_seen_subcommand_from add".
std::string fish_condition(std::string_view command) {
  const std::size_t space = command.find(' ');
  std::string text = "__fish_seen_subcommand_from " + std::string(command.substr(0, space));
  if (space != std::string_view::npos)
    text.append("; and __fish_seen_subcommand_from ").append(command.substr(space + 1));
  return fish_in_quotes(text);
}

std::string fish_option(const CommandDescription& command, const ArgumentDescription& argument) {
  std::string text = "complete -c zoometer -n " + fish_condition(command.name);
  for (const std::string& name : argument.names)
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  const std::vector<std::string> values = values_of(command, argument);
  if (!values.empty()) {
    text += " -x -a " + fish_in_quotes(joined(values));
  } else if (!argument.value.empty()) {
    text += " -r";
  }
  return text + " -d " + fish_in_quotes(argument.help) + "\n";
}

std::string fish_script() {
  std::string text = "# fish completion of zoometer, written by `zoometer completions fish`\n"
                     "complete -c zoometer -f\n";
  std::vector<std::string> commands;
  for (const CommandDescription& command : describe_commands()) {
    const bool is_action = command.name.find(' ') != std::string::npos;
    if (!is_action) {
      commands.push_back(command.name);
      text += fmt::format("complete -c zoometer -n __fish_use_subcommand -a {} -d {}\n",
                          command.name, fish_in_quotes(command.summary));
    }
    if (!command.actions.empty()) {
      text += fmt::format("complete -c zoometer -n '__fish_seen_subcommand_from {}; and not "
                          "__fish_seen_subcommand_from {}' -a {}\n",
                          command.name, joined(command.actions),
                          fish_in_quotes(joined(command.actions)));
    }
    for (const ArgumentDescription& argument : command.takes.arguments) {
      if (!argument.is_positional) text += fish_option(command, argument);
    }
    if (const auto first = first_values(command); !first.empty()) {
      text += fmt::format("complete -c zoometer -n {} -a {}\n", fish_condition(command.name),
                          fish_in_quotes(joined(first)));
    }
    if (takes_models(command)) {
      text += fmt::format("complete -c zoometer -n {} -F -a '(zoometer completions models "
                          "2>/dev/null)'\n",
                          fish_condition(command.name));
    }
  }
  text += fmt::format(
      "complete -c zoometer -n __fish_use_subcommand -a help -d 'the help of a command'\n"
      "complete -c zoometer -n '__fish_seen_subcommand_from help' -a {}\n",
      fish_in_quotes(joined(commands)));
  return text;
}

// -- the command --------------------------------------------------------------------------------

std::string model_names() {
  std::string text;
  const Registry registry;
  for (const RegistryKind kind : {RegistryKind::all, RegistryKind::language}) {
    for (const RegistryModel& model : registry.models(kind)) text.append(model.name).append("\n");
  }
  return text;
}

constexpr struct {
  std::string_view name;
  std::string (*write)();
} writers[] = {
    {"bash", bash_script},
    {"zsh", zsh_script},
    {"fish", fish_script},
    {"models", model_names},
};

int run_completions(const CommandLine& words) {
  Arguments arguments("completions", "Write the completion script of a shell.");
  std::string wanted;
  arguments.positional("shell", wanted,
                       "bash, zsh or fish; or models, for the names that the scripts ask for");
  arguments.footer("Example:\n  source <(zoometer completions bash)");
  if (!arguments.parse(words)) return exit_done;
  for (const auto& writer : writers) {
    if (writer.name != wanted) continue;
    write_stdout(writer.write());
    return exit_done;
  }
  throw Error(ErrorCode::usage, "completions", {"bash, zsh, fish or models", wanted});
}

}  // namespace

extern constinit const Command completions_command = {
    "completions", "write the completion script of a shell", run_completions, 90};

}  // namespace zoometer
