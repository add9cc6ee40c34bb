// The options of a trace as text.
#include "models/trace_option.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoometer {
namespace {

using testing::ElementsAre;

const TraceOption& option(std::string_view name) {
  const TraceOption* found = find_trace_option(name);
  EXPECT_NE(found, nullptr) << name;
  return *found;
}

std::string refusal(std::string_view name, std::string_view text) {
  TraceOptions options;
  try {
    option(name).parse(text, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(TraceOption, ReadsEachIntoItsMember) {
  TraceOptions options;
  option("variant").parse("untrained", options);
  option("entry").parse("decoder", options);
  option("dim").parse("batch=8", options);
  option("quantize").parse("true", options);
  option("input-shape").parse("1x3X224 224", options);
  option("input-shape").parse("mask=2,8", options);
  option("input-shape").parse("a=b=()", options);
  option("batch").parse("4", options);
  option("batch-axis").parse("a=b=-2", options);
  option("proposals").parse("0", options);
  option("detections").parse("7", options);
  option("tokens").parse("8", options);
  option("past").parse("0", options);
  option("decode").parse("true", options);
  option("context").parse("9", options);
  option("encoder-tokens").parse("10", options);
  option("logits").parse("all", options);
  option("attention").parse("causal", options);
  option("mla").parse("absorbed", options);
  option("trips").parse("steps=0", options);
  option("value").parse("sr=9223372036854775807", options);
  option("value").parse("a=b=1,-2.5,true", options);
  EXPECT_EQ(options.variant, Variant::untrained);
  EXPECT_EQ(options.entry, "decoder");
  ASSERT_EQ(options.dims.size(), 1);
  EXPECT_EQ(options.dims[0].name, "batch");
  EXPECT_EQ(options.dims[0].size, 8);
  EXPECT_TRUE(options.quantize);
  ASSERT_EQ(options.inputs.size(), 3);
  EXPECT_EQ(options.inputs[0].name, "");
  EXPECT_EQ(options.inputs[0].shape, (Shape{1, 3, 224, 224}));
  EXPECT_EQ(options.inputs[1].name, "mask");
  EXPECT_EQ(options.inputs[1].shape, (Shape{2, 8}));
  EXPECT_EQ(options.inputs[2].name, "a=b");
  EXPECT_EQ(options.inputs[2].shape, Shape());
  EXPECT_EQ(options.batch, 4);
  ASSERT_EQ(options.batch_axes.size(), 1);
  EXPECT_EQ(options.batch_axes[0].name, "a=b");
  EXPECT_EQ(options.batch_axes[0].axis, -2);
  EXPECT_EQ(options.proposals, 0);
  EXPECT_EQ(options.detections, 7);
  EXPECT_EQ(options.tokens, 8);
  EXPECT_EQ(options.past, 0);
  EXPECT_TRUE(options.decode);
  EXPECT_EQ(options.context, 9);
  EXPECT_EQ(options.encoder_tokens, 10);
  EXPECT_EQ(options.logits, "all");
  EXPECT_EQ(options.attention, "causal");
  EXPECT_EQ(options.mla, "absorbed");
  ASSERT_EQ(options.trips.size(), 1);
  EXPECT_EQ(options.trips[0].size, 0);
  ASSERT_EQ(options.values.size(), 2);
  EXPECT_EQ(options.values[0].numbers, std::vector<long double>{INT64_MAX});
  EXPECT_EQ(options.values[1].name, "a=b");
  EXPECT_EQ(options.values[1].numbers, (std::vector<long double>{1, -2.5L, 1}));
}

TEST(TraceOption, WritesWhatItReads) {
  TraceOptions options;
  for (const TraceOption& each : trace_options()) EXPECT_THAT(each.format(options), ElementsAre());
  options.variant = Variant::untrained;
  options.inputs = {{"", {1, 3}}, {"mask", {}}};
  options.dtypes = {{"", DType::float16}, {"mask", DType::boolean}};
  options.batch = 4;
  options.batch_axes = {{"x", 1}, {"mask", -2}};
  options.proposals = 0;
  options.detections = 7;
  options.quantize = true;
  options.dims = {{"batch", 8}, {"length", 16}};
  options.entry = "decoder";
  options.trips = {{"steps", 0}};
  options.values = {{"sr", {16000}}, {"sizes", {-1, 0.5L}}, {"none", {}}};
  options.tokens = 8;
  options.past = 0;
  options.decode = true;
  options.context = 9;
  options.encoder_tokens = 10;
  options.logits = "all";
  options.attention = "causal";
  options.mla = "absorbed";
  TraceOptions copy;
  for (const TraceOption& each : trace_options()) {
    EXPECT_FALSE(each.format(options).empty()) << each.name;
    for (const std::string& text : each.format(options)) each.parse(text, copy);
    EXPECT_EQ(each.format(copy), each.format(options)) << each.name;
  }
  EXPECT_THAT(option("input-shape").format(copy), ElementsAre("1x3", "mask=()"));
  for (const TraceOption& each : trace_options()) {
    each.reset(copy);
    EXPECT_THAT(each.format(copy), ElementsAre()) << each.name;
  }
}

TEST(TraceOption, RefusesWrongValuesByName) {
  EXPECT_EQ(refusal("variant", "x"), "--variant: expected one of published, untrained, got x");
  EXPECT_THAT(refusal("variant", "publishd"), testing::HasSubstr("(did you mean published?)"));
  EXPECT_EQ(refusal("quantize", "yes"), "--quantize: expected one of false, true, got yes");
  EXPECT_EQ(refusal("batch", "8x"), "--batch: expected a number, got 8x");
  EXPECT_EQ(refusal("batch", "0"), "--batch: expected at least 1, got 0");
  EXPECT_EQ(refusal("batch-axis", "1"), "--batch-axis: expected INPUT=AXIS like x=1, got 1");
  EXPECT_EQ(refusal("batch-axis", "x=y"), "--batch-axis: expected INPUT=AXIS like x=1, got x=y");
  EXPECT_EQ(refusal("detections", "-1"), "--detections: expected at least 0, got -1");
  EXPECT_EQ(refusal("dim", "8"), "--dim: expected NAME=SIZE like batch=8, got 8");
  EXPECT_EQ(refusal("dim", "batch=0"), "--dim: expected sizes of at least 1, got batch=0");
  EXPECT_EQ(refusal("input-shape", "1,0"), "--input-shape: expected sizes of at least 1, got 1,0");
  EXPECT_EQ(refusal("input-shape", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"),
            "--input-shape: expected at most 16 sizes, got 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1");
  EXPECT_EQ(find_trace_option("batches"), nullptr);
}

}  // namespace
}  // namespace zoometer
