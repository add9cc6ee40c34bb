#include "facts.hpp"

#include <fstream>
#include <stdexcept>

namespace zoometer::testing {

Facts read_facts(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  Facts facts;
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t space = line.find(' ');
    const std::string word = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (word == "input") facts.inputs.push_back(rest);
    if (word == "output") facts.outputs.push_back(rest);
    if (word == "state") facts.states.push_back(rest);
    if (word == "module") facts.modules.push_back(rest);
    if (word == "data-dependent") facts.data_dependent.push_back(rest);
  }
  return facts;
}

bool matches(const std::string& fact, const std::string& line) {
  std::size_t at = 0;
  for (const char c : fact) {
    if (c == '?') {
      const std::size_t end = line.find_first_not_of("0123456789", at);
      if (end == at) return false;
      at = end == std::string::npos ? line.size() : end;
    } else if (at >= line.size() || line[at++] != c) {
      return false;
    }
  }
  return at == line.size();
}

}  // namespace zoometer::testing
