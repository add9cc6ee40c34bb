#include "registry/interpreter.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "registry/cache_value.hpp"
#include "registry/file_stamp.hpp"
#include "util/subprocess.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr std::string_view interpreter_kind = "interpreter";

// Runs in any Python since 2.6. The empty entry of sys.path is the current folder: a folder named
// torch there is not PyTorch.
constexpr const char* probe = R"(import sys, os
if sys.path and not sys.path[0]:
    del sys.path[0]
out = open(sys.argv[1], "w")
out.write("version=%d.%d.%d\n" % tuple(sys.version_info[:3]))
if sys.version_info >= (3, 7):
    from importlib.util import find_spec
    out.write("executable=%s\n" % os.path.realpath(sys.executable))
    for name in ("torch", "torchvision"):
        spec = find_spec(name)
        if spec is not None and spec.origin:
            out.write("%s=%s\n" % (name, spec.origin))
    for path in sys.path:
        out.write("path=%s\n" % path)
out.write("done=yes\n")
out.close()
)";

/// The answer of a Python, by key.
struct Answer {
  std::string version, executable, torch, torchvision;
  std::vector<std::string> folders;
  bool is_whole = false;
  std::string failure;
};

void take(Answer& answer, std::string_view line) {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return;
  const std::string_view key = line.substr(0, equals);
  const std::string value(line.substr(equals + 1));
  if (key == "version") answer.version = value;
  if (key == "executable") answer.executable = value;
  if (key == "torch") answer.torch = value;
  if (key == "torchvision") answer.torchvision = value;
  if (key == "path" && !value.empty()) answer.folders.push_back(value);
  if (key == "done") answer.is_whole = true;
}

std::string first_line(std::string_view text) {
  while (text.starts_with('\n')) text.remove_prefix(1);
  return std::string(text.substr(0, text.find('\n')));
}

Answer ask(const std::string& path) {
  Answer answer;
  std::string printed;
  ProcessRequest request;
  request.words = {path, "-c", probe, std::string(ProcessRequest::results_path)};
  request.on_line = [&](std::string_view line) {
    take(answer, line);
    return true;
  };
  request.on_print = [&](std::string_view text) { printed += text; };
  constexpr double patience = 20;
  request.first_limit = request.limit = patience;
  const Ending ending = run_process(request);
  if (!answer.is_whole) {
    const std::string words = first_line(printed);
    answer.failure = "does not run: " + (words.empty() ? ending.text() : words);
  }
  return answer;
}

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Environment variables that change the answer of an interpreter.
std::string surroundings() {
  std::string text;
  for (const char* name : {"PYTHONPATH", "PYTHONHOME", "PYTHONNOUSERSITE", "PYENV_VERSION", "HOME"})
    text.append(variable(name)).append("\n");
  return text;
}

/// Files and variables that a pyenv shim reads.
std::vector<std::string> shim_files() {
  const std::string root = variable("PYENV_ROOT");
  std::error_code none;
  return {(root.empty() ? std::string(variable("HOME")) + "/.pyenv" : root) + "/version",
          (std::filesystem::current_path(none) / ".python-version").string()};
}

std::vector<std::string> watched(const std::string& path, const Answer& answer) {
  std::vector<std::string> files = {path, answer.executable};
  for (const std::string& file : {answer.torch, answer.torchvision}) {
    if (file.empty()) continue;
    files.push_back(file);
    files.push_back((std::filesystem::path(file).parent_path() / "version.py").string());
  }
  files.insert(files.end(), answer.folders.begin(), answer.folders.end());
  if (path.find("/shims/") != std::string::npos) {
    const auto more = shim_files();
    files.insert(files.end(), more.begin(), more.end());
  }
  std::erase(files, "");
  return files;
}

std::string problem_of(const Interpreter& interpreter, bool needs_torchvision) {
  int major = 0;
  int minor = 0;
  if (std::sscanf(interpreter.version.c_str(), "%d.%d", &major, &minor) == 2 &&
      (major < 3 || (major == 3 && minor < 7)))
    return "is Python " + interpreter.version + ", too old: 3.7 or newer is needed";
  if (!interpreter.has_torch) return "has no torch";
  if (needs_torchvision && !interpreter.has_torchvision) return "has torch and no torchvision";
  return {};
}

}  // namespace

std::vector<std::string> interpreter_candidates(const std::string& given) {
  namespace fs = std::filesystem;
  std::vector<std::string> candidates;
  std::vector<fs::path> seen;
  const auto add = [&](const fs::path& folder, const char* name) {
    const fs::path path = folder / name;
    if (access(path.c_str(), X_OK) != 0 || fs::is_directory(path)) return;
    // Resolves the folder, but not the file: an environment's python is a link to another one.
    std::error_code none;
    const fs::path place = fs::canonical(folder, none) / name;
    if (none || std::find(seen.begin(), seen.end(), place) != seen.end()) return;
    seen.push_back(place);
    candidates.push_back(path.string());
  };
  if (!given.empty()) {
    if (given.find('/') != std::string::npos) return {given};
    std::string_view folders = variable("PATH");
    while (!folders.empty()) {
      const std::size_t colon = folders.find(':');
      add(folders.substr(0, colon), given.c_str());
      folders.remove_prefix(colon == std::string_view::npos ? folders.size() : colon + 1);
    }
    if (candidates.empty()) candidates.push_back(given);
    candidates.resize(1);
    return candidates;
  }
  for (const char* root : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    if (*variable(root) != '\0') add(fs::path(variable(root)) / "bin", "python3");
  }
  std::string_view folders = variable("PATH");
  while (!folders.empty()) {
    const std::size_t colon = folders.find(':');
    const fs::path folder(folders.substr(0, colon));
    if (folder.is_absolute()) {
      add(folder, "python3");
      add(folder, "python");
    }
    folders.remove_prefix(colon == std::string_view::npos ? folders.size() : colon + 1);
  }
  for (const char* folder : {"/usr/local/bin", "/usr/bin"}) add(folder, "python3");
  return candidates;
}

Interpreter examine_interpreter(const std::string& path, bool needs_torchvision, Cache& cache) {
  const std::string scope = surroundings();
  std::optional<std::vector<std::string>> kept;
  if (const auto value = cache.get(interpreter_kind, scope, path)) kept = unpack(*value);
  constexpr std::size_t facts = 4;
  const bool is_known =
      kept && kept->size() > facts && kept->size() % 2 == 0 &&
      are_unchanged({kept->begin() + static_cast<std::ptrdiff_t>(facts), kept->end()});
  if (!is_known) {
    const Answer answer = ask(path);
    kept = {answer.version, answer.torch, answer.torchvision, answer.failure};
    for (std::string& text : stamps_of(watched(path, answer))) kept->push_back(std::move(text));
    if (answer.is_whole) cache.put(interpreter_kind, scope, path, pack(*kept));
  }
  Interpreter interpreter;
  interpreter.path = path;
  interpreter.version = (*kept)[0];
  interpreter.has_torch = !(*kept)[1].empty();
  interpreter.has_torchvision = !(*kept)[2].empty();
  interpreter.identity = pack(*kept);
  interpreter.problem =
      (*kept)[3].empty() ? problem_of(interpreter, needs_torchvision) : (*kept)[3];
  return interpreter;
}

}  // namespace zoometer
