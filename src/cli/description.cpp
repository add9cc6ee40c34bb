#include "cli/description.hpp"

#include <algorithm>

namespace zoometer {
namespace {

CommandDescription describe(std::string name, std::string_view summary,
                            int (*run)(const CommandLine& line)) {
  CommandDescription description{std::move(name), std::string(summary), {}, {}};
  run({{}, &description.takes});
  return description;
}

constexpr ProgramOption options_of_program[] = {
    {"-h, --help", "print this help, or a command's with COMMAND --help"},
    {"-V, --version", "print the version"},
    {"--max-memory SIZE",
     "stop if more is needed, as 512M; the default is 3/4 of the machine's, or the container's"},
    {"--max-time SECONDS", "stop if it takes longer"},
};

}  // namespace

std::span<const ProgramOption> program_options() noexcept { return options_of_program; }

std::vector<const Command*> commands_by_rank() {
  std::vector<const Command*> sorted(commands().begin(), commands().end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](auto* a, auto* b) { return a->rank < b->rank; });
  return sorted;
}

std::vector<CommandDescription> describe_commands() {
  std::vector<CommandDescription> descriptions;
  for (const Command* command : commands_by_rank()) {
    const std::string name(command->name);
    if (command->actions.empty()) {
      descriptions.push_back(describe(name, command->summary, command->run));
      continue;
    }
    CommandDescription& parent =
        descriptions.emplace_back(CommandDescription{name, std::string(command->summary), {}, {}});
    for (const Action& action : command->actions) parent.actions.emplace_back(action.name);
    for (const Action& action : command->actions) {
      descriptions.push_back(
          describe(name + " " + std::string(action.name), action.summary, action.run));
    }
  }
  return descriptions;
}

}  // namespace zoometer
