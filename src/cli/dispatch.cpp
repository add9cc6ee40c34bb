#include "cli/dispatch.hpp"

#include <fmt/core.h>

#include "cli/description.hpp"
#include "cli/old_commands.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

std::string help_text() {
  std::string text = "zoometer shows what a neural network costs, without running it.\n\n"
                     "Usage: zoometer COMMAND [ARGUMENTS...]\n\nCommands:\n";
  for (const Command* command : commands_by_rank())
    text += fmt::format("  {:<12} {}\n", command->name, command->summary);
  text += "\nOptions:\n";
  for (const ProgramOption& option : program_options())
    text += fmt::format("  {:<18} {}\n", option.words, option.summary);
  text += "\nExamples:\n"
          "  zoometer list 'resnet*'\n"
          "  zoometer profile resnet50\n"
          "  zoometer profile vit_b_16 --input-shape 1,3,384,384 --format json\n"
          "  zoometer table resnet18 --max-depth 2\n";
  return text;
}

[[noreturn]] void unknown_command(const std::string& word) {
  std::vector<std::string_view> names;
  for (const Command* command : commands()) names.push_back(command->name);
  Error error(ErrorCode::usage, "no such command: " + escape_controls(word));
  error.hint = did_you_mean(word, names);
  if (error.hint.empty()) error.hint = "see zoometer --help";
  throw error;
}

}  // namespace

int dispatch(std::string_view program, const std::vector<std::string>& words) {
  if (const OldCommand* old = find_old_command(program)) return old->run({words});
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    write_stdout(help_text());
    return words.empty() ? exit_usage : exit_done;
  }
  if (words[0] == "--version") {
    write_stdout("zoometer " ZOOMETER_VERSION "\n");
    return exit_done;
  }
  for (const Command* command : commands()) {
    if (command->name == words[0]) return command->run({{words.begin() + 1, words.end()}});
  }
  unknown_command(words[0]);
}

}  // namespace zoometer
