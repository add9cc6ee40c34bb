#include "cli/slurm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace zoometer {
namespace {

/// A word as a shell reads it back.
std::string shell_word(std::string_view word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos)
    return std::string(word);
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string shell_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text.append(text.empty() ? "" : " ").append(shell_word(word));
  return text;
}

/// The path of this program; its name where the system does not say.
std::string own_path() {
  std::error_code problem;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", problem);
  return problem ? "zoometer" : path.string();
}

constexpr std::string_view script = R"(#!/usr/bin/env bash
# An array job for Slurm: `sbatch THIS` runs it, with any options of sbatch. Task i computes shard i
# of a sweep, and the last one joins them. Whatever ended a task, nothing is lost: submit it again.
#SBATCH --job-name=zoometer-sweep
#SBATCH --array=1-{tasks}
#SBATCH --cpus-per-task={threads}
#SBATCH --requeue
#SBATCH --open-mode=append
set -eu
cd -- {folder}
zoometer={program}
output={output}
parts=$output.parts
task=${{SLURM_ARRAY_TASK_ID:?sbatch THIS runs it}}
mkdir -p -- "$parts"

# A process that a signal ends, as when memory is short, begins again after the rows it has written.
status=0
for try in 1 2 3; do
  status=0
  "$zoometer" sweep {words} --jobs "${{SLURM_CPUS_PER_TASK:-{threads}}}" \
    --shard "$task/{tasks}" --resume --output "$parts/$task.jsonl" || status=$?
  [ "$status" -gt 128 ] || break
done
[ "$status" -eq 0 ] || exit "$status"

files=()
for ((i = 1; i <= {tasks}; i++)); do
  [ -e "$parts/$i.jsonl" ] || exit 0 # that one will join them
  files+=("$parts/$i.jsonl")
done
"$zoometer" sweep merge "${{files[@]}}"{format} --output "$output"
)";

bool begins_with_option(std::string_view word, std::string_view option) {
  if (!word.starts_with(option)) return false;
  if (word.size() == option.size()) return true;
  return option.starts_with("--") ? word[option.size()] == '=' : true;
}

}  // namespace

std::string array_job(const SlurmSweep& sweep) {
  std::error_code problem;
  const std::string folder = std::filesystem::current_path(problem).string();
  const std::string format = sweep.format.empty() ? "" : " --format " + shell_word(sweep.format);
  // What begins with a dash would be taken for an option.
  const std::string output = sweep.output.starts_with('-') ? "./" + sweep.output : sweep.output;
  return fmt::format(script, fmt::arg("tasks", sweep.tasks), fmt::arg("threads", sweep.threads),
                     fmt::arg("folder", shell_word(folder)),
                     fmt::arg("program", shell_word(own_path())),
                     fmt::arg("output", shell_word(output)),
                     fmt::arg("words", shell_words(sweep.words)), fmt::arg("format", format));
}

std::vector<std::string> without_options(const std::vector<std::string>& words,
                                         std::initializer_list<std::string_view> options,
                                         std::initializer_list<std::string_view> flags) {
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (std::ranges::find(flags, word) != flags.end()) continue;
    const auto* const option = std::ranges::find_if(
        options, [&](std::string_view each) { return begins_with_option(word, each); });
    if (option == options.end()) {
      kept.push_back(word);
    } else if (*option == word) {
      ++i;  // its value
    }
  }
  return kept;
}

}  // namespace zoometer
