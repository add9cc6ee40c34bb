// The size of a model is that of its profile.
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "zoometer/models/model.hpp"

namespace zoometer {
namespace {

TEST(SizeOf, IsTheProfilesTotal) {
  Graph graph;
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      trace(model, {}, graph);
      const ModelSize size = size_of(graph);
      const Metrics expected = profile(graph).total;
      EXPECT_EQ(size.parameters, expected.parameters) << model.name;
      EXPECT_EQ(size.macs, expected.macs) << model.name;
    }
  }
}

TEST(SizeOf, ThrowsIfParametersExceed63Bits) {
  Graph graph;
  graph.add_module(no_id, {}, "Large");
  for (int i = 0; i < 128; ++i)
    graph.add_parameter(0, "weight", {std::int64_t{1} << 56}, DType::int8,
                        ParameterKind::parameter);
  EXPECT_THROW(size_of(graph), Error);
  EXPECT_THROW(profile(graph), Error);
}

}  // namespace
}  // namespace zoometer
