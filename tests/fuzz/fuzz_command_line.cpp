// Any words on the command line, one per line of the input: the program answers or throws Error. It
// runs in an empty folder, finds no other program and prints into nothing; words that could name a
// place outside of that folder, or large work, are left out. There are two models (CMakeLists.txt).
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/description.hpp"
#include "cli/dispatch.hpp"
#include "cli/limit_words.hpp"
#include "memory_bound.hpp"
#include "outcome.hpp"
#include "scratch_folder.hpp"

#ifdef ZOOMETER_COUNTS_MEMORY
#include <sanitizer/common_interface_defs.h>
#endif

namespace zoometer {
namespace {

constexpr std::int64_t memory_base = std::int64_t{256} << 20;
constexpr std::int64_t memory_factor = 4096;

/// A folder of this process alone as home and working folder.
const std::string& home() {
  static const fuzz::ScratchFolder folder;
  static const bool is_set = [] {
    for (const char* name : {"HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"})
      setenv(name, folder.path().c_str(), 1);
    unsetenv("ZOOMETER_REGISTRY");
    setenv("PATH", folder.path().c_str(), 1);
    // Where none is named, a Python is looked for in /usr/bin, too.
    setenv("ZOOMETER_PYTHON", "none", 1);
    std::filesystem::current_path(folder.path());
    return true;
  }();
  (void)is_set;
  return folder.path();
}

void empty(const std::string& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    std::filesystem::remove_all(entry.path());
}

/// Sends what is printed into nothing; the sanitizers' reports still go to standard error.
class Silence {
 public:
  Silence() {
    const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (int& saved : saved_) {
      const int fd = static_cast<int>(&saved - saved_) + 1;
      saved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
      dup2(nothing, fd);
    }
    close(nothing);
#ifdef ZOOMETER_COUNTS_MEMORY
    __sanitizer_set_report_fd(reinterpret_cast<void*>(static_cast<std::intptr_t>(saved_[1])));
#endif
  }
  ~Silence() {
    for (int& saved : saved_) {
      dup2(saved, static_cast<int>(&saved - saved_) + 1);
      close(saved);
    }
#ifdef ZOOMETER_COUNTS_MEMORY
    __sanitizer_set_report_fd(reinterpret_cast<void*>(std::intptr_t{STDERR_FILENO}));
#endif
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  int saved_[2] = {-1, -1};
};

/// The words, or nothing where one would leave the folder or work for long.
std::optional<std::vector<std::string>> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const auto goes_too_far = [](const std::string& word) {
    const std::size_t longest_number = word.find('(') == std::string::npos ? 3 : 2;
    std::size_t digits = 0;
    for (const char c : word) {
      digits = c >= '0' && c <= '9' ? digits + 1 : 0;
      if (digits > longest_number || c == '/' || c == '\0') return true;
    }
    return word == ".." || word == "--random-weights";
  };
  if (std::any_of(words.begin(), words.end(), goes_too_far)) return std::nullopt;
  return words;
}

void run(std::string_view text) {
  std::optional<std::vector<std::string>> words = words_of(text);
  if (!words) return;
  const std::string& folder = home();
  {
    const Silence silence;
    fuzz::is_taken([&] {
      Limits limits;
      take_limits(*words, limits);
      dispatch("zoometer", *words);
    });
  }
  empty(folder);
}

/// Every word that a command takes, for libFuzzer to put together.
void write_dictionary(const std::string& path) {
  std::set<std::string> all;
  for (const CommandDescription& command : describe_commands()) {
    all.insert(command.name);
    for (const ArgumentDescription& argument : command.takes.arguments) {
      all.insert(argument.names.begin(), argument.names.end());
      all.insert(argument.choices.begin(), argument.choices.end());
    }
  }
  std::ofstream file(path);
  for (std::string word : all) {
    std::replace(word.begin(), word.end(), ' ', '\n');
    file << '"';
    for (const char c : word + "\n") file << (c == '\n' ? "\\x0a" : std::string(1, c));
    file << "\"\n";
  }
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  static const zoometer::fuzz::ScratchFolder folder;
  const std::string path = folder.path() + "/dictionary";
  zoometer::write_dictionary(path);
  static std::string option = "-dict=" + path;
  static std::vector<char*> words(*argv, *argv + *argc);
  words.push_back(option.data());
  words.push_back(nullptr);
  *argc += 1;
  *argv = words.data();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  zoometer::fuzz::within_memory(size, zoometer::memory_base, zoometer::memory_factor,
                                [&] { zoometer::run(text); });
  return 0;
}
