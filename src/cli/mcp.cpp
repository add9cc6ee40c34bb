#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "registry/interpreter.hpp"
#include "registry/registry.hpp"
#include "util/output.hpp"
#include "util/subprocess.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// Reports in an exit status whether a Python has the package and the SDK. Isolated from the
/// current folder, which may have folders of these names.
constexpr const char* packages_probe =
    "import sys; sys.path[:] = [p for p in sys.path if p]; from importlib.util import find_spec; "
    "sys.exit(0 if find_spec('zoometer') and find_spec('mcp') else 3)";

std::string own_program() {
  std::error_code problem;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", problem);
  return problem ? "zoometer" : path.string();
}

/// The interpreters to try: the one given, else that which this program was installed with, and
/// those that live models use.
std::vector<std::string> candidates(const std::string& given, const std::string& own) {
  std::string chosen = given;
  if (const char* variable = std::getenv("ZOOMETER_PYTHON"); chosen.empty() && variable != nullptr)
    chosen = variable;
  if (chosen.empty()) chosen = Registry().python();
  std::vector<std::string> paths = interpreter_candidates(chosen);
  if (chosen.empty()) {
    const std::string beside = (std::filesystem::path(own).parent_path() / "python3").string();
    if (access(beside.c_str(), X_OK) == 0) paths.insert(paths.begin(), beside);
  }
  return paths;
}

bool has_server(const std::string& python) {
  ProcessRequest request;
  request.words = {python, "-c", packages_probe};
  request.on_line = [](std::string_view) { return true; };
  return run_process(request).is_success();
}

[[noreturn]] void refuse_without_server(const std::vector<std::string>& tried) {
  std::string names;
  for (const std::string& each : tried) names.append(names.empty() ? "" : ", ").append(each);
  Error error(ErrorCode::unsupported,
              tried.empty() ? "no Python on the PATH"
                            : "no Python with the packages zoometer and mcp: " + names);
  error.hint = "pip install 'zoometer[mcp]', or choose an interpreter with --python PATH";
  throw error;
}

/// Becomes the server, which speaks over this program's standard input and output.
[[noreturn]] void become_server(const std::string& python, const std::string& own) {
  setenv("ZOOMETER", own.c_str(), 1);
  setenv("PYTHONSAFEPATH", "1", 1);  // a folder named zoometer or mcp here is not the package
  // The limit on this program's memory is not one on Python's.
  rlimit data{};
  if (getrlimit(RLIMIT_DATA, &data) == 0) {
    data.rlim_cur = data.rlim_max;
    setrlimit(RLIMIT_DATA, &data);
  }
  execl(python.c_str(), python.c_str(), "-m", "zoometer.mcp", nullptr);
  Error error(ErrorCode::io, std::string("cannot be run: ") + std::strerror(errno));
  error.place.model = python;
  throw error;
}

int run_mcp(const CommandLine& words) {
  Arguments arguments("mcp",
                      "Serve models and figures to programs that speak the Model Context Protocol, "
                      "over standard input and output.");
  std::string python;
  arguments.option("--python", python, "The Python with the packages zoometer and mcp", "PATH");
  arguments.footer("Needs the Python package with its extra: pip install 'zoometer[mcp]'.\n"
                   "Tools: list, profile, compare, explain, roofline, diff; docs/mcp.md.\n");
  if (!arguments.parse(words)) return exit_done;
  const std::string own = own_program();
  const std::vector<std::string> paths = candidates(python, own);
  for (const std::string& path : paths) {
    if (has_server(path)) become_server(path, own);
  }
  refuse_without_server(paths);
}

}  // namespace

extern constinit const Command mcp_command = {
    "mcp", "serve models and figures over the Model Context Protocol", run_mcp, 21};

}  // namespace zoometer
