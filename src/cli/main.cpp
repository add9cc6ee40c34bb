#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/description.hpp"
#include "cli/old_commands.hpp"
#include "util/error.hpp"
#include "util/limits.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

std::string help_text() {
  std::string text = "zoometer tells what a neural network costs, without running it.\n\n"
                     "Usage: zoometer COMMAND [WORDS...]\n\nCommands:\n";
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

int unknown_command(const std::string& word) {
  std::vector<std::string_view> names;
  for (const Command* command : commands()) names.push_back(command->name);
  Error error(ErrorCode::usage, "no such command: " + escape_controls(word));
  error.hint = did_you_mean(word, names);
  if (error.hint.empty()) error.hint = "see zoometer --help";
  throw error;
}

int dispatch(const OldCommand* old, const std::vector<std::string>& words) {
  if (old != nullptr) return old->run(words);
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    write_stdout(help_text());
    return words.empty() ? exit_usage : exit_done;
  }
  if (words[0] == "--version") {
    write_stdout("zoometer " ZOOMETER_VERSION "\n");
    return exit_done;
  }
  for (const Command* command : commands()) {
    if (command->name == words[0]) return command->run({words.begin() + 1, words.end()});
  }
  return unknown_command(words[0]);
}

int exit_status(const Error& error) {
  switch (error.code) {
  case ErrorCode::usage:
  case ErrorCode::unknown_name: return exit_usage;
  case ErrorCode::check: return exit_check_failed;
  default: return exit_unreadable;
  }
}

int report(const char* message, int status) {
  std::fputs(("zoometer: " + escape_controls(message) + "\n").c_str(), stderr);
  return status;
}

std::string out_of_memory(const Limits& limits) {
  return "out of memory: more than " + format_bytes(limits.memory) +
         " are needed (--max-memory sets the limit)";
}

int run(std::string_view program, std::vector<std::string> words) {
  Limits limits = usual_limits();
  try {
    take_limits(words, limits);
    apply_limits(limits);
    return dispatch(find_old_command(program), words);
  } catch (const HelpShown&) {
    return exit_done;
  } catch (const Error& error) {
    const int status = report(error.what(), exit_status(error));
    const ErrorExcerpt& excerpt = error.excerpt;
    if (!excerpt.text.empty())
      std::fputs(point_at(excerpt.text, excerpt.begin, excerpt.end).c_str(), stderr);
    return status;
  } catch (const std::bad_alloc&) {
    return report(out_of_memory(limits).c_str(), exit_unreadable);
  } catch (const std::exception& error) {
    return report(error.what(), exit_unreadable);
  }
}

}  // namespace
}  // namespace zoometer

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is told by write(), with a message
  if (argc == 0) return zoometer::run({}, {});
  return zoometer::run(argv[0], {argv + 1, argv + argc});
}
