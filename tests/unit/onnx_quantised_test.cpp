// Files with quantised weights, and files that ONNX Runtime's optimiser saved.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "analysis/element_types.hpp"
#include "analysis/profile.hpp"
#include "analysis/roofline.hpp"
#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "onnx_files.hpp"
#include "zoometer/analysis/hardware.hpp"

namespace zoometer {

extern const Importer onnx_importer;

namespace {

using namespace test::onnx;

struct Read {
  Graph graph;
  ImportNotes notes;

  explicit Read(const MappedFile& file) {
    onnx_importer.read(file, {}, graph, notes);
    verify(graph);
  }
};

Read read_kind(const std::string& name) {
  return Read(MappedFile(ZOOMETER_SOURCE_DIR "/tests/data/onnx/kinds/" + name + ".onnx"));
}

std::string types_of(const Graph& graph) {
  std::string text;
  const Profile counted = profile(graph);
  for (const ElementTypeMetrics& entry : counted.element_types) {
    text += fmt::format("{}{} x {}: {}", text.empty() ? "" : ", ", entry.a.name, entry.b.name,
                        entry.macs);
  }
  return text;
}

/// A file of tests/data/onnx/kinds with what it costs by hand: most have the sizes of one layer.
/// Those that ONNX Runtime can run have the shapes that it gives.
struct Kind {
  std::string file;
  std::int64_t macs = 0;
  std::int64_t parameters = 0;
  std::int64_t quantisation = 0;
  std::string types;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.file; }

class QuantisedFile : public testing::TestWithParam<Kind> {};

TEST_P(QuantisedFile, HasTheWeightsOfTheRealNetwork) {
  const Kind& kind = GetParam();
  const Read read = read_kind(kind.file);
  const Profile profile = zoometer::profile(read.graph);
  EXPECT_EQ(profile.total.macs, kind.macs);
  EXPECT_EQ(profile.total.parameters, kind.parameters);
  EXPECT_EQ(quantisation_parameters_of(read.graph)[0], kind.quantisation);
  EXPECT_EQ(types_of(read.graph), kind.types);
  EXPECT_TRUE(profile.coverage.unknown.empty());
  EXPECT_TRUE(read.notes.ignored.empty()) << read.notes.ignored.front();
}

const Kind kinds[] = {
    // A product with the activation after it, as the optimiser merges them.
    {"fused_gemm", 704, 192, 0, "float32 x float32: 704"},
    // A product whose batches are not the first dimensions.
    {"matmul_batches_transposed", 10240, 0, 0, "float32 x float32: 10240"},
    // A quantised convolution in the layout of ONNX Runtime.
    {"qlinear_conv_channels_last", 497664, 864, 6, "uint8 x uint8: 497664"},
    // 8 channels fill up a block of 16: half of the stored weights are padding.
    {"blocks_of_channels", 786560, 5994, 0, "float32 x float32: 786560"},
    // Both products of attention with transposed batches.
    {"attention_saved_by_optimiser", 1048576, 0, 0, "float32 x float32: 1048576"},
    // A quantised network in blocks of channels.
    {"blocks_of_channels_qdq", 584064, 896, 6, "uint8 x uint8: 584064"},
    // A float weight that Quant rounds to 4 bits.
    {"quant_of_qonnx", 640, 640, 2, "float32 x int4: 640"},
    // Weights and biases before DequantizeLinear.
    {"qdq_conv", 6912, 112, 20, "uint8 x int8: 6912"},
    // A weight that is packed into bytes.
    {"matmul_4_bits", 20480, 2048, 64, "float32 x uint4: 20480"},
    // Integer weights of a whole network, of which only 10 parameters were found.
    {"quantised_mnist", 786560, 5994, 12, "uint8 x uint8: 786560"},
    // The weight of MatMulInteger.
    {"dynamic_matmul", 1024, 128, 1, "uint8 x int8: 1024"},
    // A float8 weight before DequantizeLinear.
    {"weight_float8", 768, 256, 1, "float32 x float8_e4m3fn: 768"},
    // An odd number of 4-bit weights.
    {"weight_int4_odd", 45, 15, 1, "float32 x int4: 45"},
    // A float4 weight with a scale for each block.
    {"weight_float4_blocks", 768, 256, 16, "float32 x float4_e2m1fn: 768"},
    // 2-bit weights with zero points and a bias.
    {"matmul_2_bits", 20480, 2080, 96, "float32 x uint2: 20480"},
    // A row that does not fill its last block.
    {"matmul_8_bits", 15360, 1536, 64, "float32 x uint8: 15360"},
    // A group for each column.
    {"matmul_4_bits_groups", 20480, 2048, 64, "float32 x uint4: 20480"},
    // Weights of 4 bits in one dimension.
    {"matmul_fp4", 20480, 2048, 64, "float32 x float4_e2m1fn: 20480"},
    // Weights of 4 bits in one dimension.
    {"matmul_nf4", 20480, 2048, 64, "float32 x uint4: 20480"},
    // A table that is packed into bytes.
    {"table_uint4_packed", 0, 640, 40, ""},
    // A table of int4 whose second axis is looked up.
    {"table_int4", 0, 320, 32, ""},
    // Attention after a product of integers, with earlier keys.
    {"attention_quantised", 6912, 3168, 4, "uint8 x uint8: 6144, float32 x float32: 768"},
    // Weights that are transposed, in both directions.
    {"lstm_quantised", 4800, 576, 8, "uint8 x uint8: 4800"},
    // A scale per column, and a bias.
    {"matmul_dynamic_bias", 240, 45, 10, "uint8 x int8: 240"},
    // Two of four experts for each token.
    {"experts", 12288, 4288, 0, "float32 x float32: 12288"},
    // Gated experts with packed weights.
    {"experts_4_bits", 18432, 6144, 320, "float32 x uint4: 18432"},
    // Experts of 3 bits, for which there is no type, and of small floats.
    {"experts_3_bits", 16384, 4096, 192, "float32 x uint4: 16384"},
    {"experts_float8", 16384, 4096, 192, "float32 x float8_e4m3fn: 16384"},
    // Attention in windows of 4 keys on both sides, after a product of integers.
    {"longformer_ordered", 10112, 432, 7, "int8 x int8: 10112"},
    // A weight, an int32 bias and a scale of the result.
    {"gemm_quantised", 120, 45, 6, "uint8 x int8: 120"},
    // Tables and norms of 8 bits.
    {"embedding_quantised", 0, 368, 10, ""},
    // A convolution with groups, channels last.
    {"conv_depthwise_channels_last", 3024, 80, 20, "uint8 x int8: 3024"},
    // A quantised average, channels last.
    {"average_channels_last", 0, 0, 4, ""},
    // A maximum, channels last.
    {"max_channels_last", 0, 0, 0, ""},
    // A transposition between DequantizeLinear and the product.
    {"weight_int8_transposed", 384, 128, 8, "float32 x int8: 384"},
    // A quantised weight as a Constant node.
    {"weight_int8_constant", 384, 128, 1, "float32 x int8: 384"},
    // A scale for each block.
    {"weight_int8_blocks", 384, 128, 32, "float32 x int8: 384"},
    // A weight of 16 bits.
    {"weight_int16", 384, 128, 1, "float32 x int16: 384"},
    // A quantised table.
    {"table_int8", 0, 128, 1, ""},
    // An int32 bias before DequantizeLinear.
    {"gemm_qdq_bias", 384, 136, 18, "uint8 x int8: 384"},
    // Weights and activations of 1 bit.
    {"bipolar_of_qonnx", 648, 72, 1, "bipolar x bipolar: 648"},
    // An activation of 2 bits by thresholds.
    {"multi_threshold_of_finn", 648, 72, 8, "uint2 x int4: 648"},
    // Floats of 8 bits.
    {"float_quant_of_brevitas", 128, 64, 1, "float32 x float8_e4m3: 128"},
    // A weight stored as columns.
    {"matmul_ordered", 240, 45, 3, "int8 x int8: 240"},
};

INSTANTIATE_TEST_SUITE_P(Onnx, QuantisedFile, testing::ValuesIn(kinds),
                         [](const auto& kind) { return kind.param.file; });

// -- what the runtime unpacks while it multiplies ------------------------------------------------

std::int64_t bytes_of(const Workload& workload) {
  std::int64_t bytes = 0;
  for (const Work& work : workload.works) bytes += work.bytes.total();
  return bytes;
}

TEST(QuantisedTraffic, APackedWeightIsNotWrittenAsRealNumbers) {
  const Read read = read_kind("matmul_4_bits");
  const Workload workload = workload_of(read.graph, {});
  ASSERT_EQ(workload.works.size(), 1U);
  // x 2 x 5 x 64 and y 2 x 5 x 32 in float32, 2,048 weights of 4 bits, 64 scales in float32.
  EXPECT_EQ(bytes_of(workload), 4 * 640 + 4 * 320 + 1024 + 4 * 64);
  EXPECT_EQ(bytes_of(workload), workload.compulsory.total());
  EXPECT_EQ(workload.peak_activations, 4 * 640 + 4 * 320);
}

TEST(QuantisedTraffic, FusionUnpacksAWeightWithinItsProduct) {
  const Read read = read_kind("weight_int8_transposed");
  const Workload apart = workload_of(read.graph, {});
  const Workload fused = workload_of(read.graph, {.fuse = true});
  EXPECT_GT(bytes_of(apart), apart.compulsory.total());
  ASSERT_EQ(fused.works.size(), 1U);
  EXPECT_EQ(fused.works[0].group.name, "dequantize + matmul");
  // x 3 x 16 and y 3 x 8 in float32, 128 weights of 8 bits, 8 scales in float32.
  EXPECT_EQ(bytes_of(fused), 4 * 48 + 4 * 24 + 128 + 4 * 8);
  EXPECT_EQ(bytes_of(fused), fused.compulsory.total());
  EXPECT_EQ(fused.peak_activations, 4 * 48 + 4 * 24);
  EXPECT_EQ(fused.works[0].type, NumberType::float32);
}

TEST(QuantisedTraffic, AProductOfTwoUnpackedOperandsIsOneOfIntegers) {
  const Read read = read_kind("qdq_conv");
  const auto type_of_product = [&](bool fuse) {
    for (const Work& work : workload_of(read.graph, {.fuse = fuse}).works) {
      if (work.macs > 0) return work.type;
    }
    return std::optional<NumberType>();
  };
  EXPECT_EQ(type_of_product(false), NumberType::float32);
  EXPECT_EQ(type_of_product(true), NumberType::int8);
}

// -- bit operations -------------------------------------------------------------------------------

TEST(BitOperations, AreMacsTimesTheBitsOfBothFactors) {
  const auto operations = [](const std::string& name) {
    return bit_operations_of(profile(read_kind(name).graph).element_types);
  };
  EXPECT_EQ(operations("qdq_conv"), 6'912 * 8 * 8);
  EXPECT_EQ(operations("matmul_4_bits"), 20'480 * 32 * 4);
  EXPECT_EQ(operations("bipolar_of_qonnx"), 648);
}

TEST(BitOperations, AreLeftOutAbove63Bits) {
  const ElementType wide{"float64", 64};
  const ElementTypeMetrics many{wide, wide, std::int64_t{1} << 60};
  EXPECT_EQ(bit_operations_of({&many, 1}), std::nullopt);
}

// A stored tensor that one node reads as packed weights and another one as bytes is there once.
TEST(PackedWeights, AreCountedOnceWhoeverReadsThem) {
  const auto packed = [](const std::string& first, const std::string& second) {
    const std::string product = node({"MatMulNBits",
                                      {"x", "w", "s"},
                                      {"y"},
                                      {Attribute("K", 64), Attribute("N", 32), Attribute("bits", 4),
                                       Attribute("block_size", 32)},
                                      "",
                                      "com.microsoft"});
    const std::string bytes = node({"Identity", {"w"}, {"z"}});
    return model(
        {.graph = graph(
             {.nodes = {first == "product" ? product : bytes,
                        second == "product" ? product : bytes},
              .inputs = {value_info("x", type({2, 64}))},
              .outputs = {value_info("y", type({2, 32})), value_info("z", type({32, 2, 16}, 2))},
              .initializers = {weight("w", {32, 2, 16}, 2), weight("s", {32, 2})}})});
  };
  for (const auto& [first, second] :
       {std::pair{"product", "bytes"}, std::pair{"bytes", "product"}}) {
    const std::string file = packed(first, second);
    const Read read(MappedFile("test.onnx", std::as_bytes(std::span(file))));
    const Metrics total = profile(read.graph).total;
    EXPECT_EQ(total.macs, 2 * 64 * 32);
    EXPECT_EQ(total.parameter_bytes, 1024 + 4 * 64) << first;
  }
}

}  // namespace
}  // namespace zoometer
