#include <csignal>
#include <cstdio>
#include <exception>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/dispatch.hpp"
#include "util/error.hpp"
#include "util/limits.hpp"
#include "util/output.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

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
    return dispatch(program, words);
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
