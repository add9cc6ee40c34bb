// The operators of language models: each numbered constraint broken once, and costs by hand.
#include "op/language.hpp"

#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "bench.hpp"
#include "op/decoder_attention.hpp"

namespace zoometer {
namespace {

using testing::Bench;

const DecoderAttentionAttrs no_limit{};

Metrics total_of(const Bench& b) { return profile(b.graph).total; }

/// 2 heads of 4 and 3 features that share one key; 5 queries after `attrs.past` tokens.
Metrics attention(const DecoderAttentionAttrs& attrs, std::int64_t keys) {
  Bench b;
  decoder_attention(b.input({1, 2, 5, 4}), b.input({1, 1, keys, 4}), b.input({1, 1, keys, 3}), {},
                    attrs);
  return total_of(b);
}

const testing::BrokenConstraint broken[] = {
    {"decoder_attention_c1",
     [](Bench& b) {
       decoder_attention(b.input({2, 5, 4}), b.input({2, 5, 4}), b.input({2, 5, 4}), {}, no_limit);
     }},
    {"decoder_attention_c2",
     [](Bench& b) {
       decoder_attention(b.input({1, 2, 5, 4}), b.input({1, 2, 5, 3}), b.input({1, 2, 5, 4}), {},
                         no_limit);
     }},
    {"decoder_attention_c3",
     [](Bench& b) {
       decoder_attention(b.input({1, 3, 5, 4}), b.input({1, 2, 5, 4}), b.input({1, 2, 5, 4}), {},
                         no_limit);
     }},
    {"decoder_attention_c4",
     [](Bench& b) {
       const Tensor x = b.input({1, 2, 5, 4});
       decoder_attention(x, x, x, {}, {.past = -1});
     }},
    {"decoder_attention_c5",
     [](Bench& b) {
       const Tensor x = b.input({1, 2, 5, 4});
       decoder_attention(x, x, x, {}, {.window = -1});
     }},
    {"decoder_attention_c6",
     [](Bench& b) {
       const Tensor x = b.input({1, 2, 5, 4});
       decoder_attention(x, x, x, {}, {.stride = 0});
     }},
    {"decoder_attention_c7",
     [](Bench& b) {
       const Tensor x = b.input({1, 2, 5, 4});
       decoder_attention(x, x, x, b.input({3}), no_limit);
     }},
    {"decoder_attention_c8",
     [](Bench& b) {
       const Tensor x = b.input({1, 2, 5, 4});
       decoder_attention(x, x, x, {}, no_limit, b.input({1, 2, 5, 6}));
     }},
    {"index_scores_c1",
     [](Bench& b) {
       index_scores(b.input({1, 2, 5, 4}), b.input({1, 1, 5, 3}), {}, no_limit);
     }},
    {"index_scores_c2",
     [](Bench& b) {
       index_scores(b.input({1, 2, 5, 4}), b.input({1, 2, 5, 4}), {}, no_limit);
     }},
    {"index_scores_c3",
     [](Bench& b) {
       index_scores(b.input({1, 2, 5, 4}), b.input({1, 1, 5, 4}), b.input({1, 2, 5}), no_limit);
     }},
    {"index_scores_c4",
     [](Bench& b) {
       index_scores(b.input({1, 2, 5, 4}), b.input({1, 1, 5, 4}), {}, {.past = -1});
     }},
    {"expert_linear_c1",
     [](Bench& b) {
       expert_linear(b.input({4}), b.input({8, 3, 4}), {}, b.indices({4, 2}));
     }},
    {"expert_linear_c2",
     [](Bench& b) {
       expert_linear(b.input({5, 4}), b.input({8, 3, 4}), {}, b.indices({6, 2}));
     }},
    {"expert_linear_c3",
     [](Bench& b) {
       expert_linear(b.input({5, 4}), b.input({8, 3, 5}), {}, b.indices({5, 2}));
     }},
    {"expert_linear_c4",
     [](Bench& b) {
       expert_linear(b.input({5, 3, 4}), b.input({8, 3, 4}), {}, b.indices({5, 2}));
     }},
    {"expert_linear_c5",
     [](Bench& b) {
       expert_linear(b.input({5, 4}), b.input({8, 3, 4}), b.input({3}), b.indices({5, 2}));
     }},
    {"state_scan_c1",
     [](Bench& b) {
       const Tensor x = b.input({5});
       state_scan({&x, 1}, {"mamba2", 16, 4});
     }},
    {"state_scan_c2",
     [](Bench& b) {
       const Tensor x = b.input({1, 5, 4});
       state_scan({&x, 1}, {"mamba2", 0, 4});
     }},
    {"state_scan_c3",
     [](Bench& b) {
       const Tensor x = b.input({1, 5, 4});
       state_scan({&x, 1}, {"mamba3", 16, 4});
     }},
};

class LanguageConstraints : public ::testing::TestWithParam<testing::BrokenConstraint> {};
TEST_P(LanguageConstraints, AreCited) { testing::expect_cited(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Broken, LanguageConstraints, ::testing::ValuesIn(broken),
                         [](const auto& broken_one) { return broken_one.param.name; });

// 2 heads x (4 + 3) features for each pair; a causal query at place p sees p + 1 keys.
TEST(DecoderAttention, CountsAllPairsAndThoseSeen) {
  const Metrics whole = attention({}, 5);
  EXPECT_EQ(whole.macs, 2 * 7 * 25);
  EXPECT_EQ(whole.macs_masked, 2 * 7 * (1 + 2 + 3 + 4 + 5));
  EXPECT_EQ(attention({.counts_seen = true}, 5).macs, 2 * 7 * 15);
  EXPECT_EQ(attention({.past = 10}, 15).macs_masked, 2 * 7 * (11 + 12 + 13 + 14 + 15));
}

TEST(DecoderAttention, CountsWindowsChunksAndSelections) {
  EXPECT_EQ(attention({.window = 3}, 5).macs_masked, 2 * 7 * (1 + 2 + 3 + 3 + 3));
  EXPECT_EQ(attention({.past = 7, .window = 3}, 7).macs, 2 * 7 * 5 * 7) << "of the rows held";
  EXPECT_EQ(attention({.past = 7, .chunk = 4}, 8).macs_masked, 2 * 7 * (4 + 1 + 2 + 3 + 4));
  EXPECT_EQ(attention({.selected = 2}, 5).macs_masked, 2 * 7 * (1 + 2 + 2 + 2 + 2));
  EXPECT_EQ(attention({.past = 6, .stride = 4}, 2).macs_masked, 2 * 7 * (1 + 2 + 2 + 2 + 2));
}

TEST(IndexScores, CountTheSumOverHeads) {
  Bench b;
  index_scores(b.input({1, 2, 5, 4}), b.input({1, 1, 5, 4}), b.input({1, 5, 2}), no_limit);
  EXPECT_EQ(total_of(b).macs, 2 * 25 * (4 + 1));
  EXPECT_EQ(total_of(b).macs_masked, 2 * 15 * (4 + 1));
}

TEST(ExpertLinear, CountsTheExpertsOfEachToken) {
  Bench b;
  const Tensor y =
      expert_linear(b.input({5, 4}), b.input({8, 3, 4}), b.input({8, 3}), b.indices({5, 2}));
  EXPECT_EQ(y.shape(), (Shape{5, 2, 3}));
  EXPECT_EQ(total_of(b).macs, 5 * 2 * 3 * 4);
  EXPECT_EQ(total_of(b).flops, 2 * 5 * 2 * 3 * 4 + 5 * 2 * 3);
}

TEST(StateScan, IsNoProduct) {
  Bench b;
  const Tensor x = b.input({2, 5, 4});
  EXPECT_EQ(state_scan({&x, 1}, {"mamba1", 64, 4}).shape(), (Shape{2, 5, 4}));
  EXPECT_EQ(total_of(b).macs, 0);
  EXPECT_EQ(total_of(b).flops, 2 * 5 * 64 * 9);
}

}  // namespace
}  // namespace zoometer
