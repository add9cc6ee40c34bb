// Properties of the graph of every built-in model, in both variants and in int8.
#include <gtest/gtest.h>

#include <algorithm>

#include "analysis/profile.hpp"
#include "ir/verify.hpp"
#include "zoometer/models/model.hpp"
#include "zoometer/op/pool.hpp"

namespace zoometer {
namespace {

struct Case {
  const Model* model;
  Variant variant;
  bool quantize;

  TraceOptions options() const {
    TraceOptions options;
    options.variant = variant;
    options.quantize = quantize;
    return options;
  }
};

std::string name_of_case(const Case& test) {
  return std::string(test.model->name) + "_" + std::string(name_of(test.variant)) +
         (test.quantize ? "_int8" : "");
}

void PrintTo(const Case& test, std::ostream* out) { *out << name_of_case(test); }

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      for (const Variant variant : {Variant::published, Variant::untrained}) {
        cases.push_back({&model, variant, false});
        if (family->task == Task::quantization) cases.push_back({&model, variant, true});
      }
    }
  }
  return cases;
}

bool is_within(const Graph& graph, ModuleId module, ModuleId ancestor) {
  while (module != ancestor && module != no_id) module = graph.modules()[module].parent;
  return module == ancestor;
}

class ZooProperties : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override { trace(*GetParam().model, GetParam().options(), graph_); }

  Graph graph_;
};

TEST_P(ZooProperties, GraphKeepsItsRules) {
  EXPECT_NO_THROW(verify(graph_));
  EXPECT_FALSE(graph_.nodes().empty());
  EXPECT_FALSE(graph_.inputs().empty());
  EXPECT_FALSE(graph_.outputs().empty());
}

/// The work of the nodes that the graph's inputs reach, and of the others: those work on constants,
/// as RAFT's first look at its flow does, or on parameters only, as Swin v2's position biases do.
struct Work {
  Metrics on_inputs;
  Metrics apart;
};

Work work_of(const Graph& graph) {
  Work work;
  std::vector<bool> reached(graph.values().size(), false);
  for (const Port& input : graph.inputs()) reached[input.value] = true;
  for (NodeId id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    const auto inputs = graph.inputs_of(node);
    const bool on_inputs = std::any_of(inputs.begin(), inputs.end(), [&](ValueId input) {
      return input != no_id && reached[input];
    });
    for (std::uint32_t i = 0; i < node.output_count; ++i)
      reached[node.first_output + i] = on_inputs;
    (on_inputs ? work.on_inputs : work.apart) += metrics_of(graph.view(id));
  }
  return work;
}

TEST_P(ZooProperties, BatchDoublesWorkButNotParameters) {
  TraceOptions options = GetParam().options();
  options.batch = 2 * graph_.shape(graph_.inputs()[0].value)[0];
  Graph doubled;
  trace(*GetParam().model, options, doubled);
  const Work once = work_of(graph_);
  const Work twice = work_of(doubled);
  EXPECT_EQ(twice.on_inputs.macs, 2 * once.on_inputs.macs);
  EXPECT_EQ(twice.on_inputs.activations, 2 * once.on_inputs.activations);
  const std::int64_t times = twice.apart.macs == once.apart.macs ? 1 : 2;
  EXPECT_EQ(twice.apart.macs, times * once.apart.macs);
  EXPECT_EQ(twice.apart.activations, times * once.apart.activations);

  const Metrics before = profile(graph_).total;
  const Metrics after = profile(doubled).total;
  EXPECT_EQ(after.parameters, before.parameters);
  EXPECT_EQ(after.buffers, before.buffers);
}

TEST_P(ZooProperties, ModulesSumUpTheirNodes) {
  const Profile whole = profile(graph_);
  std::vector<Metrics> sums(graph_.modules().size());
  for (NodeId id = 0; id < graph_.nodes().size(); ++id) {
    const Metrics metrics = metrics_of(graph_.view(id));
    for (ModuleId at = graph_.nodes()[id].module; at != no_id; at = graph_.modules()[at].parent) {
      sums[at].macs += metrics.macs;
      sums[at].flops += metrics.flops;
      sums[at].activations += metrics.activations;
      sums[at].bytes_read += metrics.bytes_read;
      sums[at].bytes_written += metrics.bytes_written;
    }
  }
  for (ModuleId id = 0; id < sums.size(); ++id) {
    const Metrics& metrics = whole.modules[id];
    const std::string path = graph_.module_path(id);
    EXPECT_EQ(metrics.macs, sums[id].macs) << path;
    EXPECT_EQ(metrics.flops, sums[id].flops) << path;
    EXPECT_EQ(metrics.activations, sums[id].activations) << path;
    EXPECT_EQ(metrics.bytes_read, sums[id].bytes_read) << path;
    EXPECT_EQ(metrics.bytes_written, sums[id].bytes_written) << path;
  }
}

TEST_P(ZooProperties, OperatorsAndDTypesSumUpToTheTotal) {
  const Profile whole = profile(graph_);
  std::int64_t nodes = 0, macs = 0, flops = 0;
  for (const OperatorMetrics& entry : whole.operators) {
    nodes += entry.count;
    macs += entry.metrics.macs;
    flops += entry.metrics.flops;
  }
  std::int64_t macs_by_dtype = 0;
  for (const DTypeMetrics& entry : whole.dtypes) macs_by_dtype += entry.macs;
  EXPECT_EQ(nodes, static_cast<std::int64_t>(graph_.nodes().size()));
  EXPECT_EQ(macs, whole.total.macs);
  EXPECT_EQ(flops, whole.total.flops);
  EXPECT_EQ(macs_by_dtype, whole.total.macs);
}

/// A window of one element only selects; there is nothing to compare.
bool only_picks(const NodeView& node) {
  return &node.op() == &max_pool2d_op && numel(node.attrs<PoolAttrs>().kernel_size) == 1;
}

TEST_P(ZooProperties, NothingIsUncounted) {
  for (NodeId id = 0; id < graph_.nodes().size(); ++id) {
    const NodeView node = graph_.view(id);
    EXPECT_NE(node.op().coverage, Coverage::unknown) << node.op().name;
    if (node.op().coverage != Coverage::counted || only_picks(node)) continue;
    ASSERT_NE(node.op().cost, nullptr) << node.op().name;
    const Cost cost = node.op().cost(node);
    EXPECT_GT(cost.macs + cost.other, 0)
        << node.op().name << " in " << graph_.module_path(node.node().module);
  }
}

TEST_P(ZooProperties, OnlyOperatorsThatMayDoSoWriteInPlace) {
  for (const Node& node : graph_.nodes()) {
    const bool writes = node.op->memory->storage == Storage::fresh && node.output_count > 0 &&
                        graph_.value(node.first_output).has(Value::shares);
    EXPECT_TRUE(!writes || node.op->memory->in_place.has(std::size_t{0})) << node.op->name;
  }
}

TEST_P(ZooProperties, CallsContainNodesOfTheirOwnModules) {
  for (const ModuleCall& call : graph_.calls()) {
    for (NodeId id = call.first_node; id < call.end_node; ++id) {
      ASSERT_TRUE(is_within(graph_, graph_.nodes()[id].module, call.module))
          << graph_.nodes()[id].op->name << " in " << graph_.module_path(call.module);
    }
  }
}

TEST_P(ZooProperties, CallsAreNested) {
  std::vector<NodeId> ends;
  for (const ModuleCall& call : graph_.calls()) {
    while (!ends.empty() && ends.back() <= call.first_node && ends.back() < call.end_node)
      ends.pop_back();
    EXPECT_TRUE(ends.empty() || call.end_node <= ends.back() || ends.back() <= call.first_node)
        << graph_.module_path(call.module);
    ends.push_back(call.end_node);
  }
}

void expect_equal_ports(const Graph& a, const Graph& b, std::span<const Port> left,
                        std::span<const Port> right) {
  EXPECT_TRUE(std::equal(
      left.begin(), left.end(), right.begin(), right.end(), [&](const Port& p, const Port& q) {
        return p.name == q.name && p.value == q.value && a.shape(p.value) == b.shape(q.value);
      }));
}

bool same_value(const Value& a, const Value& b) {
  return a.type->shape == b.type->shape && a.dtype == b.dtype && a.flags == b.flags &&
         a.producer == b.producer && a.output_index == b.output_index;
}

bool same_node(const Graph& a, const Graph& b, NodeId id) {
  const Node& left = a.nodes()[id];
  const Node& right = b.nodes()[id];
  const auto inputs = a.inputs_of(left);
  const auto others = b.inputs_of(right);
  return left.op == right.op && left.module == right.module &&
         left.first_output == right.first_output && left.output_count == right.output_count &&
         std::equal(inputs.begin(), inputs.end(), others.begin(), others.end()) &&
         left.op->attrs.equal(left.attrs, right.attrs);
}

bool same_parameter(const Parameter& a, const Parameter& b) {
  return a.name == b.name && a.module == b.module && a.value == b.value && a.kind == b.kind &&
         a.shared_with == b.shared_with;
}

bool same_module(const ModuleInfo& a, const ModuleInfo& b) {
  return a.name == b.name && a.kind == b.kind && a.parent == b.parent;
}

bool same_call(const Graph& a, const Graph& b, std::size_t index) {
  const ModuleCall& left = a.calls()[index];
  const ModuleCall& right = b.calls()[index];
  const auto outputs = a.outputs_of(left);
  const auto others = b.outputs_of(right);
  return left.module == right.module && left.first_node == right.first_node &&
         left.end_node == right.end_node &&
         std::equal(outputs.begin(), outputs.end(), others.begin(), others.end());
}

TEST_P(ZooProperties, TracingAgainIntoAUsedGraphGivesTheSame) {
  Graph again;
  trace(*GetParam().model, GetParam().options(), again);
  trace(*GetParam().model, GetParam().options(), again);
  ASSERT_EQ(again.nodes().size(), graph_.nodes().size());
  ASSERT_EQ(again.values().size(), graph_.values().size());
  ASSERT_EQ(again.parameters().size(), graph_.parameters().size());
  ASSERT_EQ(again.modules().size(), graph_.modules().size());
  ASSERT_EQ(again.calls().size(), graph_.calls().size());
  for (NodeId id = 0; id < graph_.nodes().size(); ++id)
    ASSERT_TRUE(same_node(graph_, again, id)) << graph_.nodes()[id].op->name;
  for (ValueId id = 0; id < graph_.values().size(); ++id)
    ASSERT_TRUE(same_value(graph_.value(id), again.value(id))) << "value " << id;
  for (std::size_t i = 0; i < graph_.parameters().size(); ++i)
    ASSERT_TRUE(same_parameter(graph_.parameters()[i], again.parameters()[i])) << i;
  for (std::size_t i = 0; i < graph_.modules().size(); ++i)
    ASSERT_TRUE(same_module(graph_.modules()[i], again.modules()[i])) << i;
  for (std::size_t i = 0; i < graph_.calls().size(); ++i)
    ASSERT_TRUE(same_call(graph_, again, i)) << i;
  expect_equal_ports(graph_, again, graph_.inputs(), again.inputs());
  expect_equal_ports(graph_, again, graph_.outputs(), again.outputs());
}

INSTANTIATE_TEST_SUITE_P(Zoo, ZooProperties, ::testing::ValuesIn(all_cases()),
                         [](const ::testing::TestParamInfo<Case>& test) {
                           return name_of_case(test.param);
                         });

}  // namespace
}  // namespace zoometer
