// The totals of a graph alone are those of its profile.
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {
namespace {

TEST(TotalOf, IsTheProfilesTotal) {
  Graph graph;
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      trace(model, {}, graph);
      const Metrics total = total_of(graph);
      const Metrics expected = profile(graph).total;
      EXPECT_EQ(total.parameters, expected.parameters) << model.name;
      EXPECT_EQ(total.buffers, expected.buffers) << model.name;
      EXPECT_EQ(total.parameter_bytes, expected.parameter_bytes) << model.name;
      EXPECT_EQ(total.macs, expected.macs) << model.name;
      EXPECT_EQ(total.flops, expected.flops) << model.name;
      EXPECT_EQ(total.activations, expected.activations) << model.name;
      EXPECT_EQ(total.bytes_read, expected.bytes_read) << model.name;
      EXPECT_EQ(total.bytes_written, expected.bytes_written) << model.name;
      EXPECT_EQ(total.bounded, expected.bounded) << model.name;
      EXPECT_EQ(total.macs_bounded, expected.macs_bounded) << model.name;
    }
  }
}

TEST(TotalOf, ThrowsIfParametersExceed63Bits) {
  Graph graph;
  graph.add_module(no_id, {}, "Large");
  for (int i = 0; i < 128; ++i)
    graph.add_parameter(0, "weight", {std::int64_t{1} << 56}, DType::int8,
                        ParameterKind::parameter);
  EXPECT_THROW(total_of(graph), Error);
  EXPECT_THROW(profile(graph), Error);
}

}  // namespace
}  // namespace zoometer
