// Any words on the command line, one per line of the input: the program answers or throws Error. It
// runs in an empty folder, finds no other program and prints into nothing; words that could name a
// place outside of that folder, or large work, are left out. There are two models (CMakeLists.txt).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/description.hpp"
#include "memory_bound.hpp"
#include "program.hpp"
#include "scratch_folder.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t memory_base = std::int64_t{256} << 20;
constexpr std::int64_t memory_factor = 4096;

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
  const std::string& folder = fuzz::home();
  fuzz::run_program(std::move(*words));
  fuzz::empty(folder);
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
