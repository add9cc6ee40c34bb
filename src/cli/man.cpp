#include <fmt/core.h>

#include <algorithm>

#include "cli/description.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

/// Text for troff: without control lines and escapes, and with hyphens that can be copied.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool starts_line = result.empty() || result.back() == '\n';
    if (starts_line && (c == '.' || c == '\'')) result += "\\&";
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
  }
  return result;
}

/// The name of a page: "zoometer-registry-add".
std::string page_of(std::string_view command) {
  std::string page = "zoometer";
  if (!command.empty()) page.append("-").append(command);
  std::replace(page.begin(), page.end(), ' ', '-');
  return page;
}

std::string head(std::string_view command, std::string_view summary) {
  const std::string page = page_of(command);
  return fmt::format(".TH {} 1 \"\" \"zoometer {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n",
                     upper(escaped(page)), ZOOMETER_VERSION, escaped(page), escaped(summary));
}

constexpr std::string_view exit_statuses = ".SH EXIT STATUS\n"
                                           ".TP\n.B 0\nDone.\n"
                                           ".TP\n.B 1\nA check failed.\n"
                                           ".TP\n.B 2\nInvalid arguments.\n"
                                           ".TP\n.B 3\nInput that could not be read or traced.\n";

constexpr std::string_view files_and_environment =
    ".SH FILES\n"
    ".TP\n.I ~/.config/zoometer/registry.toml\nThe user's registry: your own models, the "
    "curated list, plug\\-ins. $XDG_CONFIG_HOME replaces ~/.config.\n"
    ".TP\n.I ~/.config/zoometer/config.toml\nDefaults of options.\n"
    ".TP\n.I ~/.cache/zoometer\nThe cache of other sources. $XDG_CACHE_HOME replaces ~/.cache."
    "\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B ZOOMETER_REGISTRY\nThe registry to use: curated, auto, all or language.\n"
    ".TP\n.B COLUMNS\nThe width to which text is fitted.\n"
    ".TP\n.B NO_COLOR\nIf set, output has no colours.\n";

std::string names_of(const ArgumentDescription& argument) {
  std::string text;
  for (const std::string& name : argument.names)
    text += (text.empty() ? "\\fB" : ", \\fB") + escaped(name) + "\\fR";
  return argument.value.empty() ? text : text + " \\fI" + escaped(argument.value) + "\\fR";
}

std::string synopsis(const CommandDescription& command) {
  std::string text =
      fmt::format(".SH SYNOPSIS\n.B zoometer {}\n[\\fIOPTIONS\\fR]", escaped(command.name));
  for (const ArgumentDescription& argument : command.takes.arguments) {
    if (!argument.is_positional) continue;
    const std::string word =
        "\\fI" + escaped(upper(argument.names[0])) + "\\fR" + (argument.repeats ? "..." : "");
    text += argument.is_required ? " " + word : " [" + word + "]";
  }
  return text + "\n";
}

std::string entry(const std::string& names, const ArgumentDescription& argument) {
  std::string text = ".TP\n" + names + "\n" + escaped(argument.help);
  if (!argument.help.ends_with('.')) text += '.';
  if (!argument.standard.empty()) text += " Default: " + escaped(argument.standard) + ".";
  return text + "\n";
}

std::string command_page(const CommandDescription& command) {
  std::string text = head(command.name, command.summary);
  if (!command.actions.empty()) {
    text += fmt::format(".SH SYNOPSIS\n.B zoometer {}\n\\fIACTION\\fR [\\fIARGUMENTS\\fR...]\n",
                        escaped(command.name));
    text += ".SH ACTIONS\n";
    for (const std::string& action : command.actions) {
      text += fmt::format(".TP\n.B {}\nSee\n.BR {} (1).\n", escaped(action),
                          escaped(page_of(command.name + " " + action)));
    }
    return text + ".SH SEE ALSO\n.BR zoometer (1)\n";
  }
  text += synopsis(command);
  std::string positionals;
  std::string options;
  for (const ArgumentDescription& argument : command.takes.arguments) {
    if (argument.is_positional) {
      positionals += entry("\\fI" + escaped(upper(argument.names[0])) + "\\fR", argument);
    } else {
      options += entry(names_of(argument), argument);
    }
  }
  if (!positionals.empty()) text += ".SH ARGUMENTS\n" + positionals;
  text += ".SH OPTIONS\n" + options;
  if (!command.takes.footer.empty())
    text += ".SH NOTES\n.nf\n" + escaped(command.takes.footer) + "\n.fi\n";
  return text + std::string(exit_statuses) + ".SH SEE ALSO\n.BR zoometer (1)\n";
}

std::string program_page() {
  std::string text = head("", "show what a neural network costs, without running it");
  text += ".SH SYNOPSIS\n.B zoometer\n\\fICOMMAND\\fR [\\fIARGUMENTS\\fR...]\n"
          ".SH DESCRIPTION\nParameters, multiply\\-accumulates, FLOPs, activations, memory traffic "
          "and peak memory of a neural network, module by module: of the models of torchvision, "
          "which are built in, and of model files.\n"
          ".SH COMMANDS\n";
  for (const Command* command : commands_by_rank()) {
    text += fmt::format(".TP\n.BR {} (1)\n{}\n", escaped(page_of(command->name)),
                        escaped(command->summary));
  }
  text += ".SH OPTIONS\n";
  for (const ProgramOption& option : program_options()) {
    text += fmt::format(".TP\n.B {}\n{}\n", escaped(option.words), escaped(option.summary));
  }
  return text + std::string(exit_statuses) + std::string(files_and_environment);
}

void write_pages(const std::string& folder) {
  write_output(folder + "/zoometer.1", program_page());
  for (const CommandDescription& command : describe_commands())
    write_output(folder + "/" + page_of(command.name) + ".1", command_page(command));
}

int run_man(const CommandLine& words) {
  Arguments arguments("man", "Write the manual page of a command, or of the program.");
  std::vector<std::string> names;
  std::string folder;
  arguments.positionals("command", names, "A command, with its action if it has some");
  arguments.option("--all", folder, "Write every page into this folder", "FOLDER");
  arguments.footer("Example:\n  zoometer man profile | man -l -");
  if (!arguments.parse(words)) return exit_done;
  if (!folder.empty()) {
    write_pages(folder);
    return exit_done;
  }
  std::string wanted;
  for (const std::string& name : names) wanted += (wanted.empty() ? "" : " ") + name;
  if (wanted.empty()) {
    write_stdout(program_page());
    return exit_done;
  }
  const auto commands = describe_commands();
  std::vector<std::string_view> known;
  for (const CommandDescription& command : commands) {
    if (command.name == wanted) {
      write_stdout(command_page(command));
      return exit_done;
    }
    known.push_back(command.name);
  }
  Error error(ErrorCode::usage, "no such command: " + escape_controls(wanted));
  error.hint = did_you_mean(wanted, known);
  throw error;
}

}  // namespace

extern constinit const Command man_command = {"man", "write a manual page", run_man, 91};

}  // namespace zoometer
