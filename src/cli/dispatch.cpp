#include "cli/dispatch.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "cli/defaults.hpp"
#include "cli/description.hpp"
#include "cli/load.hpp"
#include "cli/old_commands.hpp"
#include "registry/registry.hpp"
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
          "  zoometer compare resnet50 vit_b_16\n"
          "  zoometer profile vit_b_16 --input-shape 1,3,384,384 --format json\n"
          "  zoometer table resnet18 --max-depth 2\n";
  return text;
}

/// What other tools call a command, in a message; or empty.
std::string usual_name(std::string_view word) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"count", "profile"}, {"flops", "profile"}, {"info", "profile"},      {"ls", "list"},
      {"macs", "profile"},  {"models", "list"},   {"params", "parameters"}, {"summary", "profile"}};
  const auto* const found =
      std::ranges::find(names, word, &std::pair<std::string_view, std::string_view>::first);
  if (found == std::end(names)) return {};
  return "did you mean " + std::string(found->second) + "?";
}

[[noreturn]] void unknown_command(const std::string& word, const Registry& registry) {
  std::vector<std::string_view> names;
  for (const Command* command : commands()) names.push_back(command->name);
  Error error(ErrorCode::usage, "no such command: " + escape_controls(word));
  error.hint = usual_name(word);
  if (error.hint.empty()) error.hint = did_you_mean(word, names);
  if (error.hint.empty()) {
    names.clear();
    for (const RegistryModel& model : registry.models()) names.push_back(model.name);
    error.hint = did_you_mean(word, names);
  }
  if (error.hint.empty()) error.hint = "see zoometer --help";
  throw error;
}

const Command* find_command(std::string_view name) noexcept {
  for (const Command* command : commands()) {
    if (command->name == name) return command;
  }
  return nullptr;
}

int run(std::vector<std::string> words) {
  if (words[0] == "--version" || words[0] == "-V" || words[0] == "version") {
    write_stdout("zoometer " ZOOMETER_VERSION "\n");
    return exit_done;
  }
  if (const Command* command = find_command(words[0]))
    return command->run({with_defaults(*command, {words.begin() + 1, words.end()})});
  // A model by itself: zoometer resnet18
  const Registry registry;
  const bool is_model = model_of(words[0], registry) != nullptr || origin_of(words[0]).has_value();
  if (!is_model) unknown_command(words[0], registry);
  const Command& profile = *find_command("profile");
  return profile.run({with_defaults(profile, std::move(words))});
}

}  // namespace

int dispatch(std::string_view program, const std::vector<std::string>& words) {
  if (const OldCommand* old = find_old_command(program)) return old->run({words});
  const bool asks_help =
      words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help";
  if (!asks_help) return run(words);
  if (words.size() > 1 && words[0] == "help") {
    std::vector<std::string> rest(words.begin() + 1, words.end());
    rest.emplace_back("--help");
    return run(std::move(rest));
  }
  write_stdout(wrapped_lines(help_text(), static_cast<std::size_t>(terminal_width())));
  return words.empty() ? exit_usage : exit_done;
}

}  // namespace zoometer
