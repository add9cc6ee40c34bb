#pragma once

#include <string>
#include <vector>

#include "zoometer/ir/graph.hpp"

namespace zoometer::testing {

/// The facts of tests/oracle/facts.py on one model and variant, as lines without their first word.
struct Facts {
  std::vector<std::string> inputs;          ///< "x 1x3x224x224 float32"
  std::vector<std::string> outputs;         ///< "1x1000 float32"
  std::vector<std::string> states;          ///< "conv1.weight float32 64x3x7x7 parameter"
  std::vector<std::string> modules;         ///< "conv1 Conv2d 1 1x64x112x112"
  std::vector<std::string> data_dependent;  ///< module prefixes
};

Facts read_facts(const std::string& path);

/// The shape in an input line, with a batch of 1 if a detector takes an image without one.
Shape shape_of_input(const std::string& line);

/// The state dict, a line for each entry as in `Facts`.
std::vector<std::string> states_of(const Graph& graph);

/// Expects the state dict and the module tree of a graph to be those of the facts.
void expect_facts(const Facts& facts, const Graph& graph);

/// Whether a line equals a fact, whose sizes may be `?`: known only at run time.
bool matches(const std::string& fact, const std::string& line);

}  // namespace zoometer::testing
