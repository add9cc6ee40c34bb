#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/defaults.hpp"
#include "cli/format_words.hpp"
#include "registry/interpreter.hpp"
#include "registry/registry.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/paths.hpp"
#include "util/subprocess.hpp"
#include "util/text.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

/// Something that was looked for.
struct Found {
  std::string what;
  std::string state;  ///< "3.11.2 with torch and torchvision", "not found"
  std::string where;  ///< a path, or empty
};

std::string first_set(std::initializer_list<const char*> texts) {
  for (const char* text : texts) {
    if (text != nullptr && *text != '\0') return text;
  }
  return {};
}

/// The versions of packages in a Python, each on a line; only those that are installed.
std::string versions_in(const std::string& python) {
  std::string text;
  ProcessRequest request;
  request.words = {
      python, "-c",
      "from importlib import metadata\n"
      "for name in 'torch torchvision onnx onnxruntime fvcore timm transformers'.split():\n"
      "    try: print(name, metadata.version(name), end=', ')\n"
      "    except metadata.PackageNotFoundError: pass\n"};
  request.on_line = [](std::string_view) { return true; };
  request.on_print = [&](std::string_view part) { text += part; };
  request.first_limit = 20;
  if (!run_process(request).is_success()) return {};
  while (text.ends_with(' ') || text.ends_with(',') || text.ends_with('\n')) text.pop_back();
  return text;
}

Found found_python(const Registry& registry) {
  const std::string given = first_set({std::getenv("ZOOMETER_PYTHON"), registry.python().c_str()});
  Cache cache([](std::string_view) {});
  Found found{"Python", "not found", given};
  for (const std::string& path : interpreter_candidates(given)) {
    const Interpreter python = examine_interpreter(path, false, cache);
    if (python.version.empty()) continue;
    const std::string packages = versions_in(path);
    found = {"Python", python.version + (packages.empty() ? "" : " with " + packages), path};
    if (python.has_torch) return found;
  }
  return found;
}

Found found_file(std::string what, const std::string& path) {
  if (path.empty()) return {std::move(what), "no folder for it: HOME is not set", ""};
  return {std::move(what), is_file(path) ? "found" : "not there", path};
}

std::vector<Found> look_around() {
  const Registry registry;
  const std::size_t own = static_cast<std::size_t>(std::ranges::count_if(
      registry.models(), [](const RegistryModel& model) { return model.is_own(); }));
  std::vector<Found> all;
  all.push_back({"zoometer", ZOOMETER_VERSION, ""});
  all.push_back({"models",
                 fmt::format("{} built in, {} of your own, registry {}",
                             registry.models().size() - own, own, name_of(registry.choose(""))),
                 ""});
  all.push_back(found_file("registry", registry.user_path()));
  all.push_back(found_file("config", defaults_path()));
  all.push_back(found_file("cache", Cache::path()));
  all.push_back(found_python(registry));
  const int width = terminal_width();
  all.push_back(
      {"terminal",
       width == 0 ? "none: no limit of width, no colours"
                  : fmt::format("{} columns, {}", width, wants_colour() ? "colours" : "no colours"),
       first_set({std::getenv("TERM")})});
  return all;
}

int run_doctor(const CommandLine& words) {
  Arguments arguments("doctor",
                      "Show what was found: Python and its packages, files, the terminal.");
  FormatWords out({"text", "json"});
  out.add_to(arguments);
  if (!arguments.parse(words)) return exit_done;
  out.settle();
  const std::vector<Found> all = look_around();
  if (out.is("json")) {
    JsonWriter json;
    json.object([&] {
      json.field("schema", "zoometer.doctor/1");
      json.array("found", [&] {
        for (const Found& each : all) {
          json.object([&] {
            json.field("what", each.what);
            json.field("state", each.state);
            json.field("where", each.where);
          });
        }
      });
    });
    out.write(json.text());
    return exit_done;
  }
  std::string text;
  for (const Found& each : all) {
    text += fmt::format("{:<9}  {}{}\n", each.what, escape_controls(each.state),
                        each.where.empty() ? "" : "  (" + escape_controls(each.where) + ")");
  }
  out.write(text);
  return exit_done;
}

}  // namespace

extern constinit const Command doctor_command = {
    "doctor", "show what was found: Python and its packages, files, the terminal", run_doctor, 80};

}  // namespace zoometer
