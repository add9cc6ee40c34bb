// OpenVINO IR: figures of real files, sizes, quantisation, bodies, states, and hostile files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "failure.hpp"
#include "model_files.hpp"
#include "openvino_files.hpp"

namespace zoometer {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using testing::failure_of;
using ::testing::HasSubstr;
using testing::IrFile;
using testing::ModelFiles;
using ::testing::Not;
using testing::ReadModel;

const ModelFiles files(ZOOMETER_SOURCE_DIR "/tests/data/openvino/", "m");
const ModelFiles origins(ZOOMETER_SOURCE_DIR "/tests/data/onnx/kinds/", "m");

std::string failure_of_bytes(const std::string& bytes) {
  return failure_of([&] { files.read_bytes(bytes); });
}

/// How many parameters of that kind there are.
std::size_t count_kind(const Graph& graph, ParameterKind kind) {
  std::size_t count = 0;
  for (const Parameter& parameter : graph.parameters()) count += parameter.kind == kind ? 1 : 0;
  return count;
}

std::size_t count_op(const Graph& graph, std::string_view name) {
  std::size_t count = 0;
  for (const Node& node : graph.nodes()) count += node.op->name == name ? 1 : 0;
  return count;
}

// -- real files -------------------------------------------------------------------------------

/// MACs by hand or as README.md of the folder says.
TEST(Openvino, HasTheFiguresOfRealFiles) {
  struct Fact {
    const char* file;
    std::int64_t macs, parameters;
  };
  constexpr Fact facts[] = {
      {"emotions-recognition-retail-0003.xml", 62'854'144, 2'482'507},
      {"deconv.xml", 2 * 8 * 36 * 4 * 9, 8 * 4 * 9},
      {"lstm_bi.xml", 2 * 2 * 10 * 64 * (8 + 16), 2 * 64 * (8 + 16 + 1)},
      {"gru_lbr.xml", 2 * 10 * 48 * (8 + 16), 48 * (8 + 16) + 64},
      {"packed_u4.xml", 2 * 64 * 32, 64 * 32},
  };
  for (const Fact& fact : facts) {
    const ReadModel read = files.read(fact.file);
    const Profile result = profile(read.graph);
    EXPECT_EQ(result.total.macs, fact.macs) << fact.file;
    EXPECT_EQ(result.total.parameters, fact.parameters) << fact.file;
    EXPECT_TRUE(read.notes.ignored.empty()) << fact.file;
  }
}

TEST(Openvino, InfersTheSizesThatTheFileStates) {
  const ReadModel read = files.read("emotions-recognition-retail-0003.xml");
  EXPECT_THAT(read.notes.notes, Contains("all 73 sizes of results are as the file states them"));
  EXPECT_EQ(read.graph.shape(read.graph.outputs()[0].value), (Shape{1, 5, 1, 1}));
  EXPECT_EQ(read.graph.outputs()[0].name, "prob_emotion");
}

/// A file that OpenVINO made of an ONNX file costs what that does.
TEST(Openvino, CountsAConvertedModelAsItsOrigin) {
  for (const std::string name :
       {"batch_and_table", "matmul_4_bits", "nodes_out_of_order", "resize_in_float32", "table_int8",
        "weight_int16", "weight_int8_blocks"}) {
    const ReadModel converted = files.read(name + ".xml");
    const ReadModel origin = origins.read(name + ".onnx");
    const Metrics own = profile(converted.graph).total, other = profile(origin.graph).total;
    EXPECT_EQ(own.macs, other.macs) << name;
    EXPECT_EQ(own.flops, other.flops) << name;
    EXPECT_EQ(own.parameters, other.parameters) << name;
    ASSERT_EQ(converted.graph.outputs().size(), origin.graph.outputs().size()) << name;
    EXPECT_EQ(converted.graph.shape(converted.graph.outputs()[0].value),
              origin.graph.shape(origin.graph.outputs()[0].value))
        << name;
  }
}

TEST(Openvino, NamesModulesByLayers) {
  const ReadModel read = files.read("emotions-recognition-retail-0003.xml");
  const auto has = [&](std::string_view path) {
    for (ModuleId id = 0; id < read.graph.modules().size(); ++id)
      if (read.graph.module_path(id) == path) return true;
    return false;
  };
  EXPECT_TRUE(has("BatchNorm1.mean"));
  IrFile torch;
  torch.parameter("x", "1,8");
  torch.layer("ReLU", {{0, 0}}, {"1,8"}, "", "__module.layer1.0.relu/aten::relu/Relu");
  torch.layer("ReLU", {{1, 0}}, {"1,8"}, "", "/layer2/layer2.0/act/Relu");
  const ReadModel named = files.read_bytes(torch.bytes());
  EXPECT_EQ(named.graph.module_path(3), "layer1.0.relu");
  EXPECT_EQ(named.graph.module_path(6), "layer2.0.act");
}

// -- sizes ------------------------------------------------------------------------------------

TEST(Openvino, NamesSizesThatTheFileDoesNotKnow) {
  TraceOptions options;
  options.dims = {{"batch", 4}};
  const ReadModel read = files.read("loop.xml", options);
  EXPECT_EQ(read.graph.shape(read.graph.outputs()[0].value), (Shape{4, 8}));
  EXPECT_EQ(profile(read.graph).total.macs, 5 * 4 * 64);
  options.dims = {{"time", 4}};
  EXPECT_THAT(failure_of([&] { files.read("loop.xml", options); }), HasSubstr("unknown_name"));
  EXPECT_THAT(files.read("loop.xml").notes.notes,
              Contains("the symbolic size batch is taken as 1; set it with --dim batch=N"));
}

TEST(Openvino, SaysHowTheFileBoundsSizes) {
  IrFile file;
  file.parameter("x", "1..8,?,3", "-1,-1,3");
  file.layer("ReLU", {{0, 0}}, {"-1,-1,3"});
  EXPECT_THAT(files.read_bytes(file.bytes()).notes.notes,
              Contains("the file bounds the sizes of the input x: 1..8,?,3"));
}

/// Without constants the sizes are those of the file, and a note says that they are missing.
TEST(Openvino, TakesTheSizesOfTheFileWhereConstantsAreMissing) {
  IrFile file;
  file.parameter("x", "2,12");
  file.constant("i64", "3", 24);
  file.layer("Reshape", {{0, 0}, {1, 0}}, {"2,3,4"}, R"(special_zero="false")");
  file.constant("i64", "3", 24);
  file.layer("Transpose", {{2, 0}, {3, 0}}, {"4,2,3"});
  file.constant("i64", "1", 8);
  file.layer("ReduceMean", {{4, 0}, {5, 0}}, {"4,3"}, R"(keep_dims="false")");
  const ReadModel read = files.read_bytes(file.bytes());
  EXPECT_EQ(read.graph.shape(read.graph.outputs()[0].value), (Shape{4, 3}));
  EXPECT_EQ(count_op(read.graph, "mean"), 1U);
  EXPECT_THAT(read.notes.notes, Contains(HasSubstr("the file of constants is missing")));
  EXPECT_TRUE(profile(read.graph).coverage.unknown.empty());
}

/// Those that the file does not know go through an operator in their order.
TEST(Openvino, FollowsOpenSizesWhereConstantsAreMissing) {
  IrFile file;
  file.parameter("x", "?,?,8", "-1,-1,8");
  file.constant("i64", "4", 32);
  file.layer("Reshape", {{0, 0}, {1, 0}}, {"-1,-1,2,4"}, R"(special_zero="true")");
  file.constant("i64", "4", 32);
  file.layer("Transpose", {{2, 0}, {3, 0}}, {"-1,2,-1,4"});
  file.constant("i64", "1", 8);
  file.layer("ReduceMean", {{4, 0}, {5, 0}}, {"-1,2,-1,1"}, R"(keep_dims="true")");
  file.constant("i64", "2", 16);
  file.layer("Reshape", {{6, 0}, {7, 0}}, {"-1,2"}, R"(special_zero="true")");
  TraceOptions options;
  options.dims = {{"batch", 3}, {"x_dim_1", 5}};
  const ReadModel read = files.read_bytes(file.bytes(), options);
  EXPECT_EQ(read.graph.shape(read.graph.outputs()[0].value), (Shape{15, 2}));
  EXPECT_EQ(count_op(read.graph, "mean"), 1U);
  EXPECT_EQ(profile(read.graph).total.flops, 3 * 2 * 5 * (4 + 1));
}

TEST(Openvino, LooksUpRowsWhereTheAxisIsMissing) {
  IrFile file;
  file.parameter("ids", "?,?", "-1,-1");
  file.constant("f32", "50,8", 1600);
  file.constant("i64", "", 8);
  file.layer("Gather", {{1, 0}, {0, 0}, {2, 0}}, {"-1,-1,8"}, R"(batch_dims="0")");
  TraceOptions options;
  options.dims = {{"ids_dim_1", 6}};
  const ReadModel read = files.read_bytes(file.bytes(), options);
  EXPECT_EQ(count_op(read.graph, "embedding"), 1U);
  EXPECT_EQ(read.graph.shape(read.graph.outputs()[0].value), (Shape{1, 6, 8}));
}

TEST(Openvino, NormalisesTheLastAxesWhereTheyAreMissing) {
  IrFile file;
  file.parameter("x", "2,3,8");
  file.constant("i64", "1", 8);
  file.layer("MVN", {{0, 0}, {1, 0}}, {"2,3,8"},
             R"(eps="1e-5" normalize_variance="true" eps_mode="inside_sqrt")");
  file.constant("i64", "", 8);
  file.layer("CumSum", {{2, 0}, {3, 0}}, {"2,3,8"}, R"(exclusive="false" reverse="false")");
  const ReadModel read = files.read_bytes(file.bytes());
  EXPECT_EQ(count_op(read.graph, "mean"), 2U);
  EXPECT_TRUE(profile(read.graph).coverage.unknown.empty());
}

/// The weight of a product, and that of a convolution.
TEST(Openvino, TakesOpenSizesFromTheWeightsThatTheyMeet) {
  IrFile product;
  product.parameter("x", "?,?,?", "-1,-1,-1");
  product.constant("f32", "4,16", 256);
  product.layer("MatMul", {{0, 0}, {1, 0}}, {"-1,-1,4"},
                R"(transpose_a="false" transpose_b="true")");
  const ReadModel read = files.read_bytes(product.bytes());
  EXPECT_EQ(profile(read.graph).total.macs, 64);
  EXPECT_THAT(read.notes.notes,
              Contains("size 2 of the input x is 16, as the weights that it meets have it"));
  IrFile image;
  image.parameter("x", "?,?,8,8", "-1,-1,8,8");
  image.constant("f32", "4,3,1,1", 48);
  image.layer("Convolution", {{0, 0}, {1, 0}}, {"-1,4,8,8"},
              R"(strides="1,1" dilations="1,1" pads_begin="0,0" pads_end="0,0" auto_pad="explicit"
                 output_padding="0,0")");
  const ReadModel convolved = files.read_bytes(image.bytes());
  EXPECT_EQ(profile(convolved.graph).total.macs, 64 * 12);
  EXPECT_TRUE(convolved.notes.ignored.empty());
}

TEST(Openvino, TellsOnceWhichLayersDoNotFit) {
  IrFile file;
  file.parameter("x", "1,8");
  file.constant("f32", "9,4", 144);
  for (int i = 0; i < 3; ++i)
    file.layer("MatMul", {{0, 0}, {1, 0}}, {"1,4"}, R"(transpose_a="false" transpose_b="false")");
  const ReadModel read = files.read_bytes(file.bytes());
  EXPECT_THAT(read.notes.notes,
              Contains(AllOf(HasSubstr("MatMul at byte "), HasSubstr("(and 2 more MatMul)"))));
  EXPECT_EQ(count_op(read.graph, "unknown"), 3U);
}

TEST(Openvino, MarksSizesThatDataDecides) {
  IrFile file;
  file.parameter("x", "4,8");
  file.layer("NonZero", {{0, 0}}, {"2,-1"}, R"(output_type="i64")");
  file.layer("Abs", {{1, 0}}, {"2,-1"});
  const ReadModel read = files.read_bytes(file.bytes());
  EXPECT_TRUE(read.graph.value(read.graph.outputs()[0].value).has(Value::bounded));
  EXPECT_EQ(read.graph.shape(read.graph.outputs()[0].value), (Shape{2, 32}));
}

// -- operators --------------------------------------------------------------------------------

TEST(Openvino, PacksScalesAndZeroPointsIntoOneOperator) {
  const ReadModel read = files.read("packed_u4.xml");
  EXPECT_EQ(count_op(read.graph, "dequantize"), 1U);
  EXPECT_EQ(count_op(read.graph, "sub") + count_op(read.graph, "mul"), 0U);
  EXPECT_EQ(count_kind(read.graph, ParameterKind::parameter), 1U);
  EXPECT_EQ(count_kind(read.graph, ParameterKind::quantisation), 2U);
  EXPECT_EQ(read.graph.value(read.graph.parameters()[0].value).dtype, DType::uint4);
}

TEST(Openvino, CountsFakeQuantisationAndSaysWhatItMeans) {
  IrFile file;
  file.parameter("x", "1,8");
  for (int i = 0; i < 4; ++i) file.constant("f32", "", 4, 4 * i);
  file.layer("FakeQuantize", {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}}, {"1,8"},
             R"(levels="256" auto_broadcast="numpy")");
  const ReadModel read = files.read_bytes(file.bytes());
  EXPECT_EQ(profile(read.graph).total.flops, 4 * 8);
  EXPECT_EQ(count_kind(read.graph, ParameterKind::quantisation), 4U);
  EXPECT_THAT(read.notes.notes, Contains(HasSubstr("kernels may multiply integers")));
}

TEST(Openvino, ConvertsHalvesOnceAtLoad) {
  IrFile file;
  file.parameter("x", "1,8");
  file.constant("f16", "8,4", 64);
  file.layer("Convert", {{1, 0}}, {"8,4"}, R"(destination_type="f32")");
  file.layer("MatMul", {{0, 0}, {2, 0}}, {"1,4"}, R"(transpose_a="false" transpose_b="false")");
  const ReadModel read = files.read_bytes(file.bytes());
  EXPECT_EQ(read.graph.nodes().size(), 1U);
  EXPECT_EQ(read.graph.value(read.graph.parameters()[0].value).dtype, DType::float16);
}

TEST(Openvino, NamesWhatItDoesNotKnow) {
  IrFile file;
  file.parameter("x", "1,8");
  file.layer("PagedAttention", {{0, 0}}, {"1,8"}, "", "", "extension");
  file.layer("CTCGreedyDecoder", {{1, 0}}, {"1,-1"});
  const ReadModel read = files.read_bytes(file.bytes());
  const Profile result = profile(read.graph);
  ASSERT_EQ(result.coverage.unknown.size(), 2U);
  EXPECT_EQ(read.graph.unknown_sizes(read.graph.outputs()[0].value), 2U);
}

TEST(Openvino, NotesAttributesThatItDoesNotRead) {
  IrFile file;
  file.parameter("x", "1,8");
  file.layer("ReLU", {{0, 0}}, {"1,8"}, R"(slope="&lt;1")");
  EXPECT_THAT(files.read_bytes(file.bytes()).notes.ignored,
              Contains("ReLU slope=&lt;1 was not taken into account (1 node)"));
}

// -- bodies and states ------------------------------------------------------------------------

TEST(OpenvinoControl, CountsBodiesAsOftenAsTheyRun) {
  const ReadModel loop = files.read("loop.xml");
  EXPECT_EQ(profile(loop.graph).total.macs, 5 * 64);
  EXPECT_EQ(profile(loop.graph).total.parameters, 64);
  EXPECT_THAT(loop.notes.notes, Contains("Loop runs 5 times"));
  const ReadModel iterator = files.read("ti.xml");
  EXPECT_EQ(profile(iterator.graph).total.macs, 16 * 64);
  EXPECT_EQ(iterator.graph.shape(iterator.graph.outputs()[1].value), (Shape{1, 16, 8}));
}

TEST(OpenvinoControl, CountsTheCostlierBranch) {
  const ReadModel read = files.read("if.xml");
  EXPECT_EQ(profile(read.graph).total.macs, 2 * 64);
  EXPECT_EQ(profile(read.graph).total.parameters, 64);
  EXPECT_THAT(read.notes.notes,
              Contains("If depends on data: its then branch is counted, the costlier one"));
}

TEST(OpenvinoControl, MakesStatesInputsAndOutputs) {
  const ReadModel read = files.read("states.xml");
  ASSERT_EQ(read.graph.inputs().size(), 4U);
  EXPECT_EQ(read.graph.inputs()[3].name, "var");
  EXPECT_EQ(read.graph.shape(read.graph.inputs()[3].value), (Shape{1, 4}));
  EXPECT_EQ(read.graph.outputs().back().name, "var");
  EXPECT_THAT(read.notes.notes, Contains(HasSubstr("1 state that the model keeps")));
}

// -- hostile files ------------------------------------------------------------------------------

/// x, an f32 constant of two numbers that `attributes` may change, and their sum.
IrFile small_sum() {
  IrFile file;
  file.parameter("x", "1,2");
  file.constant("f32", "1,2", 8);
  file.layer("Add", {{0, 0}, {1, 0}}, {"1,2"}, R"(auto_broadcast="numpy")");
  return file;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

TEST(OpenvinoHostile, LocatesWhatIsWrong) {
  const std::string whole = small_sum().bytes();
  struct Case {
    const char *what, *with, *error;
  };
  constexpr Case cases[] = {
      {"<dim>2</dim>", "<dim>-2</dim>", "an integer of at least -1"},
      {"<dim>2</dim>", "<dim>72057594037927937</dim><dim>72057594037927937</dim>", "overflow"},
      {"<dim>2</dim>", "<dim>2", "expected </dim>"},
      {"size=\"8\"", "size=\"7\"", "8 bytes"},
      {"offset=\"0\"", "offset=\"-4\"", "offset, an integer of at least 0"},
      {"offset=\"0\"", "offset=\"9223372036854775807\"", "overflow"},
      {"id=\"1\" name", "id=\"0\" name", "the id 0 twice"},
      {"from-layer=\"0\"", "from-layer=\"9\"", "layers of its net"},
      {"from-port=\"0\"", "from-port=\"9\"", "one of its layer"},
      {"from-layer=\"1\" from-port=\"0\" to-layer=\"2\" to-port=\"1\"",
       "from-layer=\"1\" from-port=\"0\" to-layer=\"2\" to-port=\"0\"", "one edge to each input"},
      {"<edge from-layer=\"1\" from-port=\"0\" to-layer=\"2\" to-port=\"1\"/>", "",
       "an edge to each of its inputs"},
      {"from-layer=\"0\" from-port=\"0\" to-layer=\"2\"",
       "from-layer=\"2\" from-port=\"2\" to-layer=\"2\"", "a cycle"},
      {"<?xml version=\"1.0\"?>", "<!DOCTYPE net [<!ENTITY a \"b\">]>", "no document type"},
      {"name=\"x\"", "name=\"&a;\"", "an entity"},
      {"version=\"11\"", "version=\"7\"", "convert the model again"},
      {"version=\"11\"", "version=\"x\"", "version of net"},
  };
  ASSERT_EQ(failure_of_bytes(whole), "no error");
  for (const Case& each : cases) {
    EXPECT_THAT(failure_of_bytes(replaced(whole, each.what, each.with)),
                AllOf(HasSubstr(each.error), Not(HasSubstr("internal"))))
        << each.with;
  }
}

TEST(OpenvinoHostile, SortsLayers) {
  IrFile file;
  file.parameter("x", "1,2");
  file.layer("ReLU", {{2, 0}}, {"1,2"});
  file.layer("Abs", {{0, 0}}, {"1,2"});
  const ReadModel read = files.read_bytes(file.bytes());
  EXPECT_EQ(read.graph.nodes()[0].op->name, "abs");
  EXPECT_THAT(read.notes.notes,
              Contains("the layers were sorted: the file has them in another order"));
}

TEST(OpenvinoHostile, BoundsTheDepthOfBodies) {
  std::string deep = R"(<net name="n" version="11"><layers>)";
  for (int i = 0; i < 60; ++i)
    deep += R"(<layer id="0" name="l" type="Loop" version="opset5"><body><layers>)";
  EXPECT_THAT(failure_of_bytes(deep), HasSubstr("nested too deeply"));
}

/// Branches that are both read, each with two such branches in it.
TEST(OpenvinoHostile, BoundsWhatBranchesRead) {
  std::string body = "<layers></layers>";
  for (int i = 0; i < 14; ++i) {
    const std::string branch =
        R"(<layers><layer id="0" name="p" type="Parameter" version="opset1">)"
        R"(<output><port id="0" precision="BOOL"/></output></layer>)"
        R"(<layer id="1" name="i" type="If" version="opset8"><input><port id="0"/></input>)"
        R"(<then_port_map><input external_port_id="0" internal_layer_id="0"/></then_port_map>)"
        R"(<else_port_map><input external_port_id="0" internal_layer_id="0"/></else_port_map>)"
        "<then_body>" +
        (i == 0
             ? R"(<layers><layer id="0" type="Parameter" version="opset1"><output><port id="0"/>)"
               "</output></layer></layers>"
             : body) +
        "</then_body><else_body>" +
        (R"(<layers><layer id="0" type="Parameter" version="opset1"><output><port id="0"/>)"
         "</output></layer></layers></else_body></layer></layers>"
         R"(<edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/></edges>)");
    body = branch;
  }
  const std::string file = R"(<net name="n" version="11">)" + body + "</net>";
  EXPECT_THAT(failure_of_bytes(file), HasSubstr("read too often"));
}

/// Every prefix of a file is refused, and so is or is read the file with any of its bytes changed.
TEST(OpenvinoHostile, NoPrefixAndNoByteBreaksTheReader) {
  const std::string whole = small_sum().bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) failure_of_bytes(whole.substr(0, size));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x15);
    EXPECT_THAT(failure_of_bytes(changed), Not(HasSubstr("internal"))) << at;
  }
}

}  // namespace
}  // namespace zoometer
