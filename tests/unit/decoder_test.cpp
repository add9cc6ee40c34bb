// A small decoder of the layers in nn/decoder.hpp: its parameters and its MACs, counted by hand.
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "zoometer/nn.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t vocabulary = 1000, features = 64, hidden = 160;
constexpr GroupedQueryOptions attention = {
    .features = features, .heads = 8, .key_value_heads = 2, .head_features = 16, .qkv_bias = true};

struct Layer : Module<Layer> {
  static constexpr auto kind = "Layer";
  GroupedQueryAttention self_attn{at("self_attn"), attention};
  GatedFeedForward<> mlp{at("mlp"), features, hidden};
  RMSNorm input_layernorm{at("input_layernorm"), features};
  RMSNorm post_attention_layernorm{at("post_attention_layernorm"), features};

  Tensor forward(Tensor x, const RotaryTables& tables) const {
    x = x + self_attn(input_layernorm(x), tables);
    return x + mlp(post_attention_layernorm(x));
  }
};

struct Decoder : Module<Decoder> {
  static constexpr auto kind = "Decoder";
  Embedding embed_tokens{at("embed_tokens"), vocabulary, features};
  Layer layer{at("layer")};
  RMSNorm norm{at("norm"), features};
  RotaryEmbedding rotary_emb{at("rotary_emb"), attention.head_features};
  Linear lm_head{at("lm_head"), features, vocabulary, false};

  Tensor forward(Tensor tokens) const {
    const Tensor positions = unsqueeze(arange(graph(), 0, static_cast<double>(tokens.dim(1))), 0);
    return lm_head(norm(layer(embed_tokens(tokens), rotary_emb(positions))));
  }
};

void build(Trace& trace) { trace.run<Decoder>(); }

constexpr InputSpec tokens = {"input_ids", {2, 10}, DType::int64};
constexpr Model decoder = {"decoder", tokens, 179'584, 2'355'200, build};

class DecoderTest : public testing::Test {
 protected:
  DecoderTest() { trace(decoder, {}, graph_); }
  Graph graph_;
};

TEST_F(DecoderTest, HasTheParametersOfTransformers) {
  std::vector<std::string> parameters;
  for (const Parameter& parameter : graph_.parameters()) {
    std::string name = graph_.module_path(parameter.module);
    name.append(".").append(parameter.name).append(" ");
    parameters.push_back(name + to_short_string(graph_.shape(parameter.value)));
  }
  const std::vector<std::string> expected = {"embed_tokens.weight 1000x64",
                                             "layer.self_attn.q_proj.weight 128x64",
                                             "layer.self_attn.q_proj.bias 128",
                                             "layer.self_attn.k_proj.weight 32x64",
                                             "layer.self_attn.k_proj.bias 32",
                                             "layer.self_attn.v_proj.weight 32x64",
                                             "layer.self_attn.v_proj.bias 32",
                                             "layer.self_attn.o_proj.weight 64x128",
                                             "layer.mlp.gate_proj.weight 160x64",
                                             "layer.mlp.up_proj.weight 160x64",
                                             "layer.mlp.down_proj.weight 64x160",
                                             "layer.input_layernorm.weight 64",
                                             "layer.post_attention_layernorm.weight 64",
                                             "norm.weight 64",
                                             "rotary_emb.inv_freq 8",
                                             "lm_head.weight 1000x64"};
  EXPECT_EQ(parameters, expected);
}

TEST_F(DecoderTest, CountsEveryProduct) {
  const auto total = profile(graph_).total;
  constexpr std::int64_t rows = 2 * 10;
  constexpr std::int64_t projections = rows * 64 * (128 + 32 + 32 + 128);
  constexpr std::int64_t scores = 2 * 8 * 10 * 10;  // sequences, heads, queries, keys
  constexpr std::int64_t feed_forward = rows * 3 * 64 * 160;
  constexpr std::int64_t head = rows * 64 * vocabulary;
  EXPECT_EQ(total.macs, projections + scores * (16 + 16) + feed_forward + head);
  EXPECT_EQ(total.parameters,
            2 * 64'000 + 64 * (128 + 32 + 32 + 128) + (128 + 32 + 32) + 3 * 64 * 160 + 3 * 64);
}

TEST_F(DecoderTest, AgreesWithItsRow) {
  const auto total = profile(graph_).total;
  EXPECT_EQ(total.macs, decoder.macs);
  EXPECT_EQ(total.parameters, decoder.parameters);
}

TEST_F(DecoderTest, SharesKeysAndValuesWithoutCopies) {
  for (const Node& node : graph_.nodes()) {
    if (node.op != &scaled_dot_product_attention_op) continue;
    const auto inputs = graph_.inputs_of(node);
    EXPECT_EQ(graph_.shape(inputs[0]), (Shape{2, 8, 10, 16}));
    EXPECT_EQ(graph_.shape(inputs[1]), (Shape{2, 2, 10, 16}));
    EXPECT_EQ(graph_.shape(inputs[2]), (Shape{2, 2, 10, 16}));
    EXPECT_EQ(graph_.shape(node.first_output), (Shape{2, 8, 10, 16}));
    return;
  }
  FAIL() << "no attention";
}

TEST(GatedFeedForward, TakesAnyActivation) {
  Graph graph;
  const GatedFeedForward<GELU> layer{root_slot(graph), 4, 6, true};
  const Tensor x{&graph, graph.add_input("x", {3, 4}, DType::float32)};
  EXPECT_EQ(layer(x).shape(), (Shape{3, 4}));
  // Two products and their biases, GELU, the product with the gate, and down_proj with its bias.
  const Profile figures = profile(graph);
  EXPECT_EQ(figures.total.macs, 3 * 3 * 4 * 6);
  EXPECT_EQ(figures.total.parameters, 2 * (24 + 6) + 24 + 4);
}

}  // namespace
}  // namespace zoometer
