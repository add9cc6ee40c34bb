// Live memory compared with a second account of it, kept by hand while random graphs are built.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <tuple>

#include "analysis/memory.hpp"
#include "analysis/tensor_arena.hpp"
#include "analysis/workspace.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

// -- random graphs ----------------------------------------------------------------------------

/// A piece of memory, as the test sees it.
struct Block {
  std::int64_t bytes = 0;
  int made = -1;  ///< the node; -1: an input
  std::vector<int> uses;
  bool held = false;  ///< by the caller of the graph
};

/// A tensor, as the test sees it.
struct Known {
  Tensor tensor;
  int block = -1;           ///< -1: a parameter's memory
  std::vector<int> places;  ///< in that memory, of each element in the order of the indices
};

std::vector<int> places_of(const Tensor& tensor) {
  std::vector<int> places(static_cast<std::size_t>(tensor.graph->numel(tensor.id)));
  std::iota(places.begin(), places.end(), 0);
  return places;
}

/// The places of the elements whose indices, in the order of the new ones, these are.
template <class IndexOf>
std::vector<int> places_at(const Known& source, const Shape& shape, const IndexOf& index_of) {
  std::vector<int> places;
  const Shape& from = source.tensor.shape();
  for (std::int64_t a = 0; a < shape[0]; ++a)
    for (std::int64_t b = 0; b < shape[1]; ++b)
      for (std::int64_t c = 0; c < shape[2]; ++c)
        for (std::int64_t d = 0; d < shape[3]; ++d) {
          const Shape at = index_of(Shape{a, b, c, d});
          places.push_back(source.places[static_cast<std::size_t>(
              ((at[0] * from[1] + at[1]) * from[2] + at[2]) * from[3] + at[3])]);
        }
  return places;
}

/// Whether there are strides with which a tensor of that shape has these places.
bool have_strides(const std::vector<int>& places, const Shape& shape) {
  Shape strides{0, 0, 0, 0};
  std::int64_t step = 1;
  for (std::size_t i = 4; i-- > 0;) {
    if (shape[i] > 1) strides[i] = places[static_cast<std::size_t>(step)] - places[0];
    step *= shape[i];
  }
  std::size_t next = 0;
  for (std::int64_t a = 0; a < shape[0]; ++a)
    for (std::int64_t b = 0; b < shape[1]; ++b)
      for (std::int64_t c = 0; c < shape[2]; ++c)
        for (std::int64_t d = 0; d < shape[3]; ++d) {
          const std::int64_t place =
              places[0] + a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3];
          if (places[next++] != place) return false;
        }
  return true;
}

struct Call {
  std::uint32_t id = 0;
  int begin = 0;
  int end = 0;
};

using Step = std::tuple<std::uint8_t, std::uint8_t, std::uint8_t>;

/// Builds a graph step by step and keeps its own account of blocks and their uses.
class Program {
 public:
  Graph graph;

  explicit Program(const std::vector<Step>& steps) {
    root_ = graph.add_module(no_id, "", "Net");
    child_ = graph.add_module(root_, "child", "Block");
    for (const Shape& shape : {Shape{1, 4, 6, 6}, Shape{2, 2, 6, 4}}) {
      const Tensor input{&graph, graph.add_input("x", shape, DType::float32)};
      blocks_.push_back({elements(input) * 4, -1, {}, true});
      known_.push_back({input, static_cast<int>(blocks_.size()) - 1, places_of(input)});
    }
    for (const Step& step : steps) run(step);
    while (!open_.empty()) close_call();
    for (const std::size_t back : {std::size_t{1}, std::size_t{4}}) {
      if (known_.size() < back) continue;
      const Known& output = known_[known_.size() - back];
      graph.add_output("y", output.tensor.id);
      if (output.block >= 0) block(output.block).held = true;
    }
  }

  int node_count() const { return nodes_; }

  std::int64_t alive_at(int node, bool with_callers) const {
    std::int64_t bytes = 0;
    for (const Block& each : blocks_) {
      if (is_alive(each, node, with_callers)) bytes += each.bytes;
    }
    return bytes;
  }

  std::size_t count_alive_at(int node) const {
    return static_cast<std::size_t>(
        std::count_if(blocks_.begin(), blocks_.end(),
                      [&](const Block& each) { return is_alive(each, node, false); }));
  }

 private:
  static std::int64_t elements(const Tensor& tensor) {
    std::int64_t count = 1;
    for (const std::int64_t size : tensor.shape()) count *= size;
    return count;
  }

  bool is_alive(const Block& each, int node, bool with_callers) const {
    if (each.made > node) return false;
    if (each.held || each.made == node) return true;
    if (std::any_of(each.uses.begin(), each.uses.end(), [&](int use) { return use >= node; }))
      return true;
    return with_callers && std::any_of(calls_.begin(), calls_.end(), [&](const Call& call) {
             const bool reads = std::any_of(each.uses.begin(), each.uses.end(), [&](int use) {
               return use >= call.begin && use < call.end;
             });
             return reads && each.made < call.begin && node < call.end;
           });
  }

  Block& block(int index) { return blocks_[static_cast<std::size_t>(index)]; }
  Known& pick(std::uint8_t choice) { return known_[choice % known_.size()]; }
  void use(const Known& what) {
    if (what.block >= 0) block(what.block).uses.push_back(nodes_);
  }

  void add_fresh(Tensor tensor, std::int64_t element_bytes = 4) {
    blocks_.push_back({elements(tensor) * element_bytes, nodes_, {}, false});
    known_.push_back({tensor, static_cast<int>(blocks_.size()) - 1, places_of(tensor)});
  }
  void add_shared(Tensor tensor, const Known& source, std::vector<int> places) {
    known_.push_back({tensor, source.block, std::move(places)});
  }
  static Known transposed(const Known& a, int dim, Tensor result) {
    const auto first = static_cast<std::size_t>(dim);
    return {result, a.block, places_at(a, result.shape(), [&](Shape at) {
              std::swap(at[first], at[first + 1]);
              return at;
            })};
  }

  void close_call() {
    const std::uint32_t id = open_.back();
    open_.pop_back();
    graph.end_call(id, {});
    std::find_if(calls_.begin(), calls_.end(), [&](const Call& call) {
      return call.id == id;
    })->end = nodes_;
    graph.set_current_module(root_);
  }

  void run(const Step& step) {
    const Known a = pick(std::get<1>(step));
    const Known b = pick(std::get<2>(step));
    const bool alike = a.tensor.shape() == b.tensor.shape();
    const bool small = elements(a.tensor) + elements(b.tensor) < 20'000;
    switch (std::get<0>(step) % 16) {
    case 0:
      use(a);
      add_fresh(unary(relu_op, a.tensor), element_bytes(a));
      break;
    case 1:
      use(a);
      if (a.block < 0) return;
      add_shared(unary(relu_op, a.tensor, true), a, a.places);
      break;
    case 2: {
      const Known& other = alike ? b : a;
      use(a);
      use(other);
      add_fresh(a.tensor + other.tensor, std::max(element_bytes(a), element_bytes(other)));
      break;
    }
    case 3: {
      const Known& other = alike ? b : a;
      if (element_bytes(other) > element_bytes(a)) return;
      use(a);
      use(other);
      add_shared(add_(a.tensor, other.tensor), a, a.places);
      break;
    }
    case 4:
      use(a);
      known_.push_back(transposed(a, 2, transpose(a.tensor, 2, 3)));
      break;
    case 5: {
      const Shape& s = a.tensor.shape();
      const Tensor result = reshape(a.tensor, {s.dim(1), s.dim(0), s.dim(3), s.dim(2)});
      use(a);
      if (have_strides(a.places, result.shape())) {
        add_shared(result, a, a.places);
      } else {
        add_fresh(result, element_bytes(a));
      }
      break;
    }
    case 6: {
      const Known& other = alike && small ? b : a;
      if (!small) return;
      use(a);
      use(other);
      add_fresh(cat({a.tensor, other.tensor}, 1), std::max(element_bytes(a), element_bytes(other)));
      break;
    }
    case 7: {
      const Tensor weight = parameter({3, a.tensor.dim(1), 3, 3});
      use(a);
      add_fresh(convolution(a.tensor, weight, {}, same_size()), element_bytes(a));
      break;
    }
    case 8: {
      use(a);
      const Chunks pieces = chunk(a.tensor, 2, 1);
      const std::int64_t length = pieces[0].dim(1);
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        add_shared(pieces[i], a, places_at(a, pieces[i].shape(), [&](Shape at) {
                     at[1] += static_cast<std::int64_t>(i) * length;
                     return at;
                   }));
      }
      break;
    }
    case 9:
      use(a);
      add_shared(dropout(a.tensor), a, a.places);
      break;
    case 10: {
      use(a);
      const Selection best = topk(a.tensor, 1, 3);
      add_fresh(best.values, element_bytes(a));
      add_fresh(best.indices, 8);
      known_.pop_back();  // the indices are unused
      break;
    }
    case 11:
      use(a);
      add_fresh(to(a.tensor, DType::float64), 8);
      break;
    case 12: {
      const Tensor bias = parameter(a.tensor.shape());
      use(a);
      add_fresh(a.tensor + bias, element_bytes(a));
      break;
    }
    case 13: {
      const Tensor bias = parameter({2, 2, 6, 4});
      known_.push_back(transposed({bias, -1, places_of(bias)}, 0, transpose(bias, 0, 1)));
      break;
    }
    case 14:
      open_.push_back(graph.begin_call(child_));
      calls_.push_back({open_.back(), nodes_, nodes_});
      graph.set_current_module(child_);
      return;
    default:
      if (!open_.empty()) close_call();
      return;
    }
    ++nodes_;
  }

  static std::int64_t element_bytes(const Known& what) {
    return what.tensor.dtype() == DType::float64 ? 8 : 4;
  }
  Tensor parameter(const Shape& shape) {
    return {&graph,
            graph.add_parameter(root_, "weight", shape, DType::float32, ParameterKind::parameter)};
  }
  static ConvAttrs same_size() {
    ConvAttrs attrs;
    attrs.stride = attrs.padding = attrs.padding_end = attrs.dilation = {1, 1};
    return attrs;
  }

  ModuleId root_ = 0;
  ModuleId child_ = 0;
  int nodes_ = 0;
  std::vector<Block> blocks_;
  std::vector<Known> known_;
  std::vector<Call> calls_;
  std::vector<std::uint32_t> open_;
};

void expect_account(const Program& program, Holder holder) {
  const bool with_callers = holder == Holder::callers;
  const Liveness liveness = activations_of(program.graph, holder);
  RC_ASSERT(liveness.timeline.size() == static_cast<std::size_t>(program.node_count()));
  std::int64_t peak = program.alive_at(-1, false);
  NodeId peak_node = no_id;
  for (int node = 0; node < program.node_count(); ++node) {
    const std::int64_t alive = program.alive_at(node, with_callers);
    RC_ASSERT(liveness.timeline[static_cast<std::size_t>(node)] == alive);
    if (alive > peak) {
      peak = alive;
      peak_node = static_cast<NodeId>(node);
    }
  }
  RC_ASSERT(liveness.peak_bytes == peak);
  RC_ASSERT(liveness.peak_node == peak_node);
  if (peak_node != no_id && !with_callers) {
    RC_ASSERT(liveness.alive_at_peak.size() == program.count_alive_at(static_cast<int>(peak_node)));
  }
}

RC_GTEST_PROP(Liveness, EqualsBruteForce, (const std::vector<Step>& steps)) {
  expect_account(Program(steps), Holder::nobody);
}

RC_GTEST_PROP(Liveness, EqualsBruteForceWithCallersThatHoldTheirArguments,
              (const std::vector<Step>& steps)) {
  expect_account(Program(steps), Holder::callers);
}

RC_GTEST_PROP(Liveness, CallersHoldNoLess, (const std::vector<Step>& steps)) {
  const Program program(steps);
  const Liveness least = activations_of(program.graph);
  const Liveness held = activations_of(program.graph, Holder::callers);
  for (std::size_t i = 0; i < least.timeline.size(); ++i)
    RC_ASSERT(held.timeline[i] >= least.timeline[i]);
}

RC_GTEST_PROP(Liveness, HalfTheBytesInFloat16, (const std::vector<Step>& steps)) {
  Program program(steps);
  program.graph.count_floating_as(DType::float32);
  const std::int64_t whole = activations_of(program.graph).peak_bytes;
  program.graph.count_floating_as(DType::float16);
  const std::int64_t half = activations_of(program.graph).peak_bytes;
  // The indices of topk stay 8 bytes.
  RC_ASSERT(2 * half >= whole);
  RC_ASSERT(half <= whole);
}

// -- the rules, one by one --------------------------------------------------------------------

/// A graph with a module and one input of `elements` float32.
struct Small {
  Graph graph;
  Tensor x;

  explicit Small(const Shape& shape) {
    graph.add_module(no_id, "", "Net");
    x = {&graph, graph.add_input("x", shape, DType::float32)};
  }
  Tensor parameter(const Shape& shape) {
    return {&graph, graph.add_parameter(0, "w", shape, DType::float32, ParameterKind::parameter)};
  }
  NodeView last() const { return graph.view(static_cast<NodeId>(graph.nodes().size() - 1)); }
};

TEST(Liveness, InputsAndOutputsStay) {
  Small net({100});
  const Tensor y = unary(exp_op, net.x);
  net.graph.add_output("y", y.id);
  unary(exp_op, unary(exp_op, y));
  // At the last node: x, y, the result in between and the last one.
  EXPECT_EQ(activations_of(net.graph).peak_bytes, 4 * 400);
}

TEST(Liveness, AChainNeedsTwoTensorsBesideItsInput) {
  Small net({100});
  Tensor y = net.x;
  for (int i = 0; i < 10; ++i) y = unary(exp_op, y);
  net.graph.add_output("y", y.id);
  const Liveness liveness = activations_of(net.graph);
  EXPECT_EQ(liveness.peak_bytes, 3 * 400);
  EXPECT_EQ(liveness.peak_node, 1U);
  ASSERT_EQ(liveness.alive_at_peak.size(), 3U);
  EXPECT_EQ(liveness.alive_at_peak[0].first, no_id);
  EXPECT_EQ(liveness.alive_at_peak[1].last, 1U);
}

TEST(Liveness, InPlaceResultsAndViewsTakeNothing) {
  Small net({10, 10});
  Tensor y = unary(exp_op, net.x);
  y = unary(relu_op, y, true);
  y = reshape(transpose(y, 0, 1), {100});  // copies: its source is not contiguous
  y = reshape(y, {10, 10});
  net.graph.add_output("y", y.id);
  EXPECT_EQ(activations_of(net.graph).peak_bytes, 3 * 400);
}

TEST(Liveness, AnInPlaceResultKeepsTheOrderOfItsSource) {
  Small net({10, 10});
  const Tensor y = unary(relu_op, transpose(net.x, 0, 1), true);
  reshape(y, {100});
  EXPECT_EQ(activations_of(net.graph).peak_bytes, 2 * 400);  // the reshape copies
}

/// Three steps of 16, 32 and 16 bytes: the second one has the first place, then the input, freed by
/// the third, whose result goes there.
TEST(TensorArena, GivesTheLargestTensorsTheFirstPlaces) {
  Graph graph;
  graph.add_module(0, "", "Net");
  const Tensor x{&graph, graph.add_input("x", Shape{4}, DType::float32)};
  const Tensor wide = cat({x, x}, 0);
  const Tensor end = slice(wide, 0, 0, 4) + slice(wide, 0, 4, 8);
  graph.add_output("y", end.id);
  EXPECT_EQ(tensor_arena_bytes(graph), 48);
  EXPECT_EQ(tensor_arena_bytes(Graph()), 0);
}

TEST(Liveness, WithoutNodesTheInputsAreThePeak) {
  Small net({25});
  const Liveness liveness = activations_of(net.graph);
  EXPECT_EQ(liveness.peak_bytes, 100);
  EXPECT_EQ(liveness.peak_node, no_id);
  EXPECT_EQ(liveness.alive_at_peak.size(), 1U);
}

TEST(CountFloatingAs, ChangesRealNumbersOnly) {
  Graph graph;
  graph.add_module(no_id, "", "Net");
  const ValueId real = graph.add_input("x", {9}, DType::float32);
  const ValueId wide = graph.add_input("d", {9}, DType::float64);
  const ValueId whole = graph.add_input("i", {9}, DType::int64);
  const ValueId complex = graph.add_input("c", {9}, DType::complex64);
  graph.count_floating_as(DType::int8);
  EXPECT_EQ(graph.bytes(real), 9);
  EXPECT_EQ(graph.bytes(wide), 9);
  EXPECT_EQ(graph.bytes(whole), 72);
  EXPECT_EQ(graph.bytes(complex), 72);
  EXPECT_EQ(graph.dtype(real), DType::int8);
  EXPECT_EQ(graph.value(real).dtype, DType::float32);
  graph.count_floating_as(DType::int4);
  EXPECT_EQ(graph.bytes(real), 5);  // 36 bits
  graph.count_floating_as(std::nullopt);
  EXPECT_EQ(graph.bytes(wide), 72);
}

ConvAttrs conv_attrs(std::int64_t stride, std::int64_t padding, std::int64_t groups = 1) {
  ConvAttrs attrs;
  attrs.stride = {stride, stride};
  attrs.padding = attrs.padding_end = {padding, padding};
  attrs.dilation = {1, 1};
  attrs.groups = groups;
  return attrs;
}

TEST(Workspace, OfAConvolutionIsItsColumns) {
  Small net({2, 3, 224, 224});
  convolution(net.x, net.parameter({64, 3, 7, 7}), {}, conv_attrs(2, 3));
  EXPECT_EQ(workspace_bytes(net.last()), 2 * 7'375'872);  // 112 x 112 x 3 x 49 x 4 bytes
}

TEST(Workspace, OfAGroupedConvolutionIsOneGroups) {
  Small net({2, 32, 8, 8});
  convolution(net.x, net.parameter({64, 4, 3, 3}), {}, conv_attrs(1, 1, 8));
  EXPECT_EQ(workspace_bytes(net.last()), 2 * 64 * 4 * 9 * 4);
}

TEST(Workspace, APointwiseConvolutionNeedsNone) {
  Small net({2, 32, 8, 8});
  convolution(net.x, net.parameter({64, 32, 1, 1}), {}, conv_attrs(1, 0));
  EXPECT_EQ(workspace_bytes(net.last()), 0);
  convolution(net.x, net.parameter({64, 32, 1, 1}), {}, conv_attrs(2, 0));
  EXPECT_EQ(workspace_bytes(net.last()), 2 * 16 * 32 * 4);
}

TEST(Workspace, OfATransposedConvolutionIsOneSamples) {
  Small net({2, 32, 8, 8});
  ConvAttrs attrs = conv_attrs(2, 0);
  attrs.output_padding = {0, 0};
  conv_transpose(net.x, net.parameter({32, 16, 2, 2}), {}, attrs);
  EXPECT_EQ(workspace_bytes(net.last()), 64 * 16 * 4 * 4);
}

TEST(Workspace, OfAttentionIsItsScores) {
  Small net({2, 8, 100, 64});
  scaled_dot_product_attention(net.x, net.x, net.x, {});
  EXPECT_EQ(workspace_bytes(net.last()), 2 * 8 * 100 * 100 * 4);
}

TEST(MemoryProfile, AddsWeightsActivationsAndWorkspace) {
  Small net({1, 3, 224, 224});
  const Tensor y = convolution(net.x, net.parameter({64, 3, 7, 7}), {}, conv_attrs(2, 3));
  net.graph.add_output("y", unary(exp_op, y).id);
  const MemoryProfile memory = profile_memory(net.graph);
  EXPECT_EQ(memory.parameter_bytes, 37'632);
  EXPECT_EQ(memory.activations.peak_bytes, 602'112 + 2 * 3'211'264);
  EXPECT_EQ(memory.activations.peak_node, 1U);
  EXPECT_EQ(memory.workspace_node, 0U);
  EXPECT_EQ(memory.total_bytes, 37'632 + 602'112 + 3'211'264 + 7'375'872);
  EXPECT_EQ(memory.total_node, 0U);
}

}  // namespace
}  // namespace zoometer
