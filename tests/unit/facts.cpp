#include "facts.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>

namespace zoometer::testing {
namespace {

std::vector<std::string> modules_of(const Graph& graph) {
  std::vector<int> counts(graph.modules().size(), 0);
  std::vector<std::string> shapes(graph.modules().size());
  for (const ModuleCall& call : graph.calls()) {
    std::string text;
    for (const ValueId value : graph.outputs_of(call)) {
      text += (text.empty() ? "" : ",") + to_short_string(graph.shape(value));
    }
    shapes[call.module] += (counts[call.module]++ > 0 ? " | " : " ") + text;
  }
  std::vector<std::string> lines;
  for (const ModuleId id : graph.modules_in_order()) {
    const std::string path = id == 0 ? "\"\"" : graph.module_path(id);
    lines.push_back(path + " " + std::string(graph.modules()[id].kind) + " " +
                    std::to_string(counts[id]) + shapes[id]);
  }
  return lines;
}

/// "0.boxes 100x4 float32"; a single output has no name of its own.
std::vector<std::string> outputs_of(const Graph& graph) {
  std::vector<std::string> lines;
  for (const Port& port : graph.outputs()) {
    const std::string name = port.name == "output" ? "" : std::string(port.name) + " ";
    lines.push_back(name + to_short_string(graph.shape(port.value)) + " " +
                    std::string(name_of(graph.value(port.value).dtype)));
  }
  return lines;
}

void expect_lines(const char* what, const std::vector<std::string>& facts,
                  const std::vector<std::string>& ours) {
  int differences = 0;
  for (std::size_t i = 0; i < std::max(facts.size(), ours.size()) && differences < 5; ++i) {
    const std::string fact = i < facts.size() ? facts[i] : "(nothing)";
    const std::string line = i < ours.size() ? ours[i] : "(nothing)";
    if (matches(fact, line)) continue;
    ++differences;
    ADD_FAILURE() << what << " " << i << "\n  torchvision: " << fact << "\n  zoometer:    " << line;
  }
}

}  // namespace

std::vector<std::string> states_of(const Graph& graph) {
  std::vector<std::string> lines;
  for (const ParameterId id : graph.parameters_in_order()) {
    const Parameter& parameter = graph.parameters()[id];
    if (!is_in_state_dict(parameter.kind)) continue;
    lines.push_back(graph.parameter_path(parameter) + " " +
                    std::string(name_of(graph.value(parameter.value).dtype)) + " " +
                    to_short_string(graph.shape(parameter.value)) +
                    (parameter.kind == ParameterKind::parameter ? " parameter" : " buffer"));
  }
  return lines;
}

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

Shape shape_of_input(const std::string& line) {
  const std::size_t first = line.find(' ') + 1;
  const std::string sizes = line.substr(first, line.find(' ', first) - first);
  Shape shape;
  for (std::size_t at = 0;; at = sizes.find('x', at) + 1) {
    shape.push_back(std::stoll(sizes.substr(at)));
    if (sizes.find('x', at) == std::string::npos) break;
  }
  if (shape.rank() == 3) shape.insert(0, 1);
  return shape;
}

void expect_facts(const Facts& facts, const Graph& graph) {
  expect_lines("state", facts.states, states_of(graph));
  expect_lines("output", facts.outputs, outputs_of(graph));
  expect_lines("module", facts.modules, modules_of(graph));
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
