#include "cli/old_commands.hpp"

#include <algorithm>

#include "util/error.hpp"

namespace zoometer {
namespace {

using Words = std::vector<std::string>;

/// Takes "--name VALUE" or "--name=VALUE" out of the words; empty where it is not there.
std::string take_value(Words& words, const std::string& name) {
  for (auto word = words.begin(); word != words.end(); ++word) {
    if (word->starts_with(name + "=")) {
      std::string value = word->substr(name.size() + 1);
      words.erase(word);
      return value;
    }
    if (*word != name) continue;
    if (word + 1 == words.end()) throw Error(ErrorCode::usage, name + " needs a value");
    std::string value = *(word + 1);
    words.erase(word, word + 2);
    return value;
  }
  return {};
}

bool take_flag(Words& words, const std::string& name) { return std::erase(words, name) > 0; }

std::string take_model(Words& words, const std::string& program) {
  std::string model = take_value(words, "--model");
  if (model.empty()) throw Error(ErrorCode::usage, program + " needs --model NAME");
  return model;
}

Words joined(Words first, const Words& rest) {
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

Words profile_graph(Words words) {
  if (take_flag(words, "--list")) return joined({"list"}, words);
  const std::string picture = take_value(words, "--visualize");
  const std::string model = take_model(words, "profile_graph");
  if (picture.empty()) {
    const bool shows_shapes = take_flag(words, "--showshape");
    return joined(shows_shapes ? Words{"profile", model, "--show-shapes"} : Words{"profile", model},
                  words);
  }
  take_flag(words, "--showshape");  // a drawing shows them anyway
  for (const std::string format : {"svg", "dot"}) {
    if (picture.ends_with("." + format))
      return joined({"graph", model, "--format", format, "--output", picture}, words);
  }
  Error error(ErrorCode::usage, "--visualize", {"a file that ends in .svg or .dot", picture});
  error.hint = "zoometer graph " + model + " --format dot | dot -T png -o FILE draws other formats";
  throw error;
}

}  // namespace

std::vector<std::string> translate_old_command(std::string_view program, Words words) {
  program.remove_prefix(std::min(program.size(), program.rfind('/') + 1));
  if (program == "discover_models") return joined({"discover"}, words);
  const bool asks_help = words == Words{"--help"} || words == Words{"-h"};
  if (program == "profile_graph") {
    if (asks_help) return {"profile", "--help"};
    return profile_graph(std::move(words));
  }
  if (program == "show_fvcore_table") {
    if (asks_help) return {"table", "--help"};
    const std::string model = take_model(words, "show_fvcore_table");
    return joined({"table", model}, words);
  }
  return words;
}

}  // namespace zoometer
