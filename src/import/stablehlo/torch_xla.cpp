#include "import/stablehlo/torch_xla.hpp"

#include <algorithm>
#include <filesystem>

#include "import/entry.hpp"
#include "import/json.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_functions = 100;
constexpr std::uintmax_t largest_description = std::uintmax_t{64} << 20;

/// The names of the functions, sorted; only those with a description, as torch_xla writes it.
std::vector<std::string> functions_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code problem;
  for (fs::directory_iterator entry(folder, problem);
       !problem && entry != fs::directory_iterator() && names.size() < most_functions;
       entry.increment(problem)) {
    if (entry->path().extension() == ".meta") names.push_back(entry->path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

/// The bytecode, or the text where that is all there is; empty: neither.
std::string program_of(const fs::path& folder, const std::string& name) {
  for (const char* ending : {".bytecode", ".mlir"})
    if (std::string path = (folder / (name + ending)).string(); is_file(path)) return path;
  return {};
}

/// The state of a module has both; buffers have these names, or no real numbers.
bool has_name_of_buffer(std::string_view name) {
  return name.ends_with("running_mean") || name.ends_with("running_var");
}

}  // namespace

std::string torch_xla_program_in(const std::string& path, const std::string& entry) {
  const fs::path folder = fs::path(path) / "functions";
  if (!is_folder(path) || !is_folder(folder.string())) return {};
  const std::vector<std::string> names = functions_in(folder);
  if (names.empty()) return {};
  const bool is_named = std::ranges::count(names, entry) > 0;
  if (is_named || (entry.empty() && names.size() == 1))
    return program_of(folder, is_named ? entry : names[0]);
  Error error = entry_error("the folder", "program", entry, names);
  error.place.model = path;
  throw error;
}

std::vector<HloArgument> torch_xla_arguments(const std::string& path) {
  const std::string description = fs::path(path).replace_extension(".meta").string();
  std::error_code problem;
  if (!is_file(description) || fs::file_size(description, problem) > largest_description) return {};
  std::string text = read_file(description).value_or("");
  std::vector<HloArgument> arguments;
  try {
    const JsonDocument document(text);
    for (const Json& location : get_array(document.root(), "input_locations").GetArray()) {
      const std::string_view kind = get_text(location, "type_");
      const Json* position = find_member(location, "position");
      const std::string number = position != nullptr && position->IsInt64()
                                     ? std::to_string(position->GetInt64())
                                     : std::string("?");
      if (kind == "parameter") {
        const std::string_view name = get_text(location, "name");
        arguments.push_back({std::string(name), has_name_of_buffer(name)
                                                    ? HloArgument::Kind::buffer
                                                    : HloArgument::Kind::parameter});
      } else if (kind == "constant") {
        arguments.push_back({"constant." + number, HloArgument::Kind::buffer});
      } else {
        arguments.push_back({"arg" + number, HloArgument::Kind::input});
      }
    }
  } catch (Error& error) {
    if (error.place.model.empty()) error.place.model = description;
    throw;
  }
  return arguments;
}

}  // namespace zoometer
