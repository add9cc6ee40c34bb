// What masks, windows and caches leave of attention's products, by hand, and what operators of
// files make of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "bench.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "onnx_files.hpp"
#include "op/indexing.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {

extern const Importer onnx_importer;

namespace {

using namespace test::onnx;
using testing::Bench;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr std::int64_t features = 4 + 6;  // of the key and of the value

/// Attention of 5 queries over 7 keys, in 2 batches of 3 heads.
Metrics attention_of(const CachedAttentionAttrs& attrs) {
  Bench b;
  cached_attention(b.input({2, 3, 5, 4}), b.input({2, 3, 7, 4}), b.input({2, 3, 7, 6}), {}, attrs);
  return profile(b.graph).total;
}

/// The pairs that are counted, and those that the mask leaves, counted one by one.
struct Pairs {
  std::int64_t all = 0;
  std::int64_t seen = 0;
};

Pairs pairs_of(const CachedAttentionAttrs& attrs) {
  Pairs pairs;
  for (std::int64_t i = 0; i < 5; ++i) {
    std::int64_t seen = 0;
    for (std::int64_t key = 0; key < 7; ++key) {
      const std::int64_t place = attrs.past + i;
      const bool is_left = attrs.left_window < 0 || key >= place - attrs.left_window;
      const std::int64_t right = attrs.is_causal ? 0 : attrs.right_window;
      seen += is_left && (right < 0 || key <= place + right) ? 1 : 0;
    }
    pairs.seen += seen;
    const std::int64_t width =
        attrs.left_window < 0 ? 7 : std::min<std::int64_t>(7, attrs.left_window + 1);
    pairs.all += attrs.is_causal ? width : seen;
  }
  return pairs;
}

TEST(Attention, CountsThePairsThatMasksAndWindowsLeave) {
  for (const bool is_causal : {false, true}) {
    for (const std::int64_t past : {0, 1, 2, 5, 9}) {
      for (const std::int64_t left : {-1, 0, 1, 3, 6, 20}) {
        for (const std::int64_t right : {-1, 0, 2, 20}) {
          const CachedAttentionAttrs attrs{is_causal, 0, past, left, right, 0};
          const Metrics metrics = attention_of(attrs);
          const Pairs pairs = pairs_of(attrs);
          EXPECT_EQ(metrics.macs, 2 * 3 * pairs.all * features)
              << is_causal << " " << past << " " << left << " " << right;
          EXPECT_EQ(metrics.macs_masked, 2 * 3 * pairs.seen * features)
              << is_causal << " " << past << " " << left << " " << right;
        }
      }
    }
  }
}

TEST(Attention, CountsTheTriangleOfACausalMaskApart) {
  Bench b;
  scaled_dot_product_attention(b.input({2, 3, 5, 4}), b.input({2, 3, 7, 4}), b.input({2, 3, 7, 6}),
                               {}, {.is_causal = true});
  const Metrics total = profile(b.graph).total;
  EXPECT_EQ(total.macs, 2 * 3 * 5 * 7 * features);
  EXPECT_EQ(total.macs_masked, 2 * 3 * (1 + 2 + 3 + 4 + 5) * features);
}

TEST(Attention, AddsThreePerScoreForABound) {
  const CachedAttentionAttrs plain{false, 0, 0, -1, -1, 0};
  CachedAttentionAttrs bounded = plain;
  bounded.softcap = 30;
  EXPECT_EQ(attention_of(bounded).flops - attention_of(plain).flops, 3 * 2 * 3 * 5 * 7);
}

TEST(Attention, WritesTheUpdateOfACacheAlone) {
  Bench b;
  const Tensor cache = b.input({1, 2, 64, 16});
  const Tensor update = b.input({1, 2, 1, 16});
  const Tensor result = tensor_scatter(cache, update, {&b.graph, no_id}, 2);
  b.graph.add_output("y", result.id);
  const Profile metrics = profile(b.graph);
  EXPECT_EQ(metrics.total.bytes_written, 2 * 16 * 4);
  EXPECT_EQ(metrics.total.bytes_read, 2 * 16 * 4);
  EXPECT_EQ(metrics.memory.peak_bytes, 2 * 64 * 16 * 4 + 2 * 16 * 4) << "the cache's memory is the "
                                                                        "result's";
}

// -- operators of files ---------------------------------------------------------------------------

struct Step {
  std::int64_t queries = 1;
  std::int64_t places = 64;              ///< of the cache
  std::vector<std::int64_t> total = {};  ///< empty: an input
  std::vector<Attribute> attributes = {};
};

/// A step of 8 heads of 16 features that share 2 keys and values.
struct Grouped {
  Graph graph;
  ImportNotes notes;
  Metrics total;

  explicit Grouped(const Step& step) {
    std::vector<Attribute> attributes{Attribute("num_heads", 8), Attribute("kv_num_heads", 2)};
    attributes.insert(attributes.end(), step.attributes.begin(), step.attributes.end());
    GraphParts parts{
        .nodes = {node({"GroupQueryAttention",
                        {"q", "k", "v", "pk", "pv", "lengths", "total"},
                        {"y", "pk2", "pv2"},
                        attributes,
                        "",
                        "com.microsoft"})},
        .inputs = {value_info("q", type({1, step.queries, 128})),
                   value_info("k", type({1, step.queries, 32})),
                   value_info("v", type({1, step.queries, 32})),
                   value_info("pk", type({1, 2, step.places, 16})),
                   value_info("pv", type({1, 2, step.places, 16})),
                   value_info("lengths", type({1}, 6))},
        .outputs = {value_info("y", ""), value_info("pk2", ""), value_info("pv2", "")}};
    if (step.total.empty()) {
      parts.inputs.push_back(value_info("total", type({}, 6)));
    } else {
      parts.initializers.push_back(integers("total", step.total));
    }
    const std::string file = model({.graph = zoometer::test::onnx::graph(parts)});
    onnx_importer.read(MappedFile("test.onnx", std::as_bytes(std::span(file))), {}, graph, notes);
    verify(graph);
    total = profile(graph).total;
  }

  Shape present() const { return graph.shape(graph.outputs()[1].value); }
};

// ONNX Runtime 1.32 gives these shapes of the keys.
TEST(GroupQueryAttention, TakesACacheOfFixedLengthAsItIs) {
  const Grouped fixed({.total = {10}});
  EXPECT_EQ(fixed.present(), (Shape{1, 2, 64, 16}));
  EXPECT_EQ(fixed.total.macs, 2 * 8 * 10 * 16);
  EXPECT_FALSE(fixed.total.bounded);
  const Grouped grown({.places = 9, .total = {10}});
  EXPECT_EQ(grown.present(), (Shape{1, 2, 10, 16}));
  EXPECT_EQ(grown.total.macs, 2 * 8 * 10 * 16);
  const Grouped prompt({.queries = 5, .total = {5}});
  EXPECT_EQ(prompt.present(), (Shape{1, 2, 64, 16}));
  EXPECT_EQ(prompt.total.macs, 2 * 8 * 5 * 5 * 16);
  EXPECT_EQ(prompt.total.macs_masked, 2 * 8 * (1 + 2 + 3 + 4 + 5) * 16);
  const Grouped later({.queries = 5, .total = {20}});
  EXPECT_EQ(later.total.macs, 2 * 8 * 5 * 20 * 16);
  EXPECT_EQ(later.total.macs_masked, 2 * 8 * (16 + 17 + 18 + 19 + 20) * 16);
}

TEST(GroupQueryAttention, CountsTheWholeCacheWhereDataDecidesWhatIsInUse) {
  const Grouped unknown(Step{});
  EXPECT_EQ(unknown.present(), (Shape{1, 2, 64, 16}));
  EXPECT_EQ(unknown.total.macs, 2 * 8 * 64 * 16);
  EXPECT_TRUE(unknown.total.macs_bounded);
  EXPECT_THAT(unknown.notes.notes, Contains(HasSubstr("counted over the whole cache")));
  EXPECT_FALSE(unknown.graph.value(unknown.graph.outputs()[0].value).has(Value::bounded));
}

TEST(GroupQueryAttention, SeesAWindowOfTheKeys) {
  const Grouped step(
      {.places = 63, .total = {64}, .attributes = {Attribute("local_window_size", 4)}});
  EXPECT_EQ(step.total.macs, 2 * 8 * 4 * 16);
  EXPECT_EQ(step.total.macs_masked, step.total.macs);
  const Grouped prompt(
      {.queries = 6, .total = {6}, .attributes = {Attribute("local_window_size", 4)}});
  EXPECT_EQ(prompt.total.macs, 2 * 8 * 6 * 4 * 16) << "a window for each query";
  EXPECT_EQ(prompt.total.macs_masked, 2 * 8 * (1 + 2 + 3 + 4 + 4 + 4) * 16);
}

}  // namespace
}  // namespace zoometer
