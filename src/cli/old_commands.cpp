#include "cli/old_commands.hpp"

#include <algorithm>
#include <filesystem>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/load.hpp"
#include "registry/registry.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using Words = std::vector<std::string>;

int run_command(std::string_view name, const Words& words) {
  const auto all = commands();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Command* command) { return command->name == name; });
  return (*found)->run({words});
}

/// The options of both profiling scripts.
struct ModelFlags {
  std::string model;
  Words input_shape;

  void add_to(Arguments& arguments) {
    arguments.option("--model", model, "The model's name", "NAME");
    arguments.option("--input-shape", input_shape, "The input's sizes (1 3 224 224)", "B C H W");
  }

  /// The model as the scripts built it: weights=None, and 1x3x224x224 if the model takes an
  /// image of any size.
  Words words() const {
    if (model.empty()) throw Error(ErrorCode::usage, "--model NAME is missing");
    Words result = {model};
    const Registry registry;
    const RegistryModel* known = registry.find(model);
    const bool is_builtin = known != nullptr && known->builtin != nullptr;
    if (is_builtin) result.push_back("--variant=untrained");
    if (!input_shape.empty()) {
      for (const std::string& shape : input_shape) result.push_back("--input-shape=" + shape);
    } else if (is_builtin && registry.holds(RegistryKind::automatic, *known)) {
      result.push_back("--input-shape=1,3,224,224");
    }
    return result;
  }
};

/// The format of a file's name.
std::string format_of(const std::string& path) {
  std::string ending = std::filesystem::path(path).extension().string();
  if (!ending.empty()) ending.erase(0, 1);
  constexpr std::string_view drawn[] = {"png", "pdf", "svg", "dot"};
  if (std::find(std::begin(drawn), std::end(drawn), ending) != std::end(drawn)) return ending;
  throw Error(ErrorCode::usage, "--visualize",
              {"a file that ends with .png, .pdf, .svg or .dot", escape_controls(path)});
}

int profile_graph(const CommandLine& words) {
  Arguments arguments("profile_graph", "Profile a model: the command line of profile_graph.py.");
  ModelFlags flags;
  bool shows_shapes = false;
  bool lists = false;
  std::string picture;
  flags.add_to(arguments);
  arguments.flag("--showshape", shows_shapes, "Show output shapes on a narrow terminal, too");
  arguments.flag("--list", lists, "List the models");
  arguments.option("--visualize", picture, "Also draw the graph: OUT.png, .pdf, .svg or .dot",
                   "OUT");
  if (!arguments.parse(join_shape_words(words))) return exit_done;
  if (lists) return run_command("list", {});

  const Words model = flags.words();
  const std::string format = picture.empty() ? "" : format_of(picture);
  Words profile = model;
  if (shows_shapes) profile.push_back("--show-shapes");
  const int status = run_command("profile", profile);
  if (picture.empty() || status != exit_done) return status;
  Words graph = model;
  graph.insert(graph.end(), {"--format=" + format, "--output=" + picture});
  const int drawn = run_command("graph", graph);
  if (drawn == exit_done) write_note("wrote " + picture);
  return drawn;
}

int show_fvcore_table(const CommandLine& words) {
  Arguments arguments("show_fvcore_table",
                      "Print fvcore's table: the command line of show_fvcore_table.py.");
  ModelFlags flags;
  std::optional<std::int64_t> depth;
  flags.add_to(arguments);
  arguments.option("--max-depth", depth, "Levels of the module tree (3)", "N");
  if (!arguments.parse(join_shape_words(words))) return exit_done;
  Words table = flags.words();
  if (depth) table.push_back("--max-depth=" + std::to_string(*depth));
  return run_command("table", table);
}

int discover_models(const CommandLine& words) {
  Arguments arguments("discover_models",
                      "Try every model: the command line of discover_models.py.");
  bool is_verbose = false;
  bool generates = false;
  std::string test_model;
  Words skip_patterns;
  arguments.flag("--verbose,-v", is_verbose, "Print a line per model");
  arguments.flag("--generate-code,-g", generates, "Write Python code of the traceable models");
  arguments.option("--test-model", test_model, "Try one model", "NAME");
  arguments.words("--skip-patterns", skip_patterns, "Skip names that contain one of these", "P...");
  if (!arguments.parse(words)) return exit_done;
  Words discover;
  if (is_verbose) discover.push_back("--verbose");
  if (generates) discover.push_back("--generate-code=python");
  if (!test_model.empty()) discover.push_back("--test-model=" + test_model);
  if (!skip_patterns.empty()) {
    discover.push_back("--skip-patterns");
    discover.insert(discover.end(), skip_patterns.begin(), skip_patterns.end());
  }
  return run_command("discover", discover);
}

constexpr OldCommand commands_before[] = {
    {"discover_models", discover_models},
    {"profile_graph", profile_graph},
    {"show_fvcore_table", show_fvcore_table},
};

}  // namespace

std::span<const OldCommand> old_commands() noexcept { return commands_before; }

const OldCommand* find_old_command(std::string_view program) noexcept {
  const std::string_view name = program.substr(program.rfind('/') + 1);
  const auto found = std::find_if(std::begin(commands_before), std::end(commands_before),
                                  [&](const OldCommand& command) { return command.name == name; });
  return found == std::end(commands_before) ? nullptr : found;
}

}  // namespace zoometer
