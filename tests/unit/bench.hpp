#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "zoometer/ir/graph.hpp"
#include "zoometer/ir/tensor.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer::testing {

/// A graph to try single operators in.
struct Bench {
  Graph graph;
  Bench() { graph.add_module(no_id, {}, "Bench"); }
  Tensor input(const Shape& shape, DType dtype = DType::float32) {
    return {&graph, graph.add_input("x", shape, dtype)};
  }
  Tensor indices(const Shape& shape) { return input(shape, DType::int64); }
};

/// A call that breaks one numbered constraint of an operator.
struct BrokenConstraint {
  std::string name;  ///< operator_cN
  void (*breaks)(Bench& bench);
};

inline void PrintTo(const BrokenConstraint& test, std::ostream* out) { *out << test.name; }

/// Expects the error to cite the constraint as "operator CN".
inline void expect_cited(const BrokenConstraint& test) {
  const std::size_t split = test.name.rfind("_c");
  const std::string cited = test.name.substr(0, split) + " C" + test.name.substr(split + 2);
  Bench bench;
  try {
    test.breaks(bench);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::shape);
    EXPECT_EQ(error.message, cited) << error.what();
    EXPECT_FALSE(error.detail.expected.empty());
  }
}

}  // namespace zoometer::testing
