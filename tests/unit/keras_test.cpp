// Keras files: figures of real files, layers against Keras, containers, and hostile bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "analysis/profile.hpp"
#include "failure.hpp"
#include "import/json.hpp"
#include "import/keras/hdf5.hpp"
#include "model_files.hpp"
#include "op/quantize.hpp"

namespace zoometer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::failure_of;
using ::testing::HasSubstr;
using testing::ModelFiles;
using testing::ReadModel;

const ModelFiles files(ZOOMETER_SOURCE_DIR "/tests/data/keras/", "m");

std::string failure_of_bytes(const std::string& bytes) {
  return failure_of([&] { files.read_bytes(bytes); });
}

/// A layer of Keras 2, with its settings as JSON.
std::string layer(const std::string& kind, const std::string& name, const std::string& settings,
                  const std::string& nodes = "[]") {
  return R"({"class_name": ")" + kind + R"(", "name": ")" + name + R"(", "config": {"name": ")" +
         name + "\"" + (settings.empty() ? "" : ", " + settings) + R"(}, "inbound_nodes": )" +
         nodes + "}";
}

/// One call with results of layers: {"a", "b"} -> [[["a",0,0,{}],["b",0,0,{}]]].
std::string call(std::initializer_list<std::string> layers) {
  std::string text;
  for (const std::string& each : layers)
    text += (text.empty() ? "" : ", ") + ("[\"" + each + "\", 0, 0, {}]");
  return "[[" + text + "]]";
}

std::string functional(const std::string& layers, const std::string& input,
                       const std::string& output) {
  return R"({"class_name": "Functional", "config": {"name": "m", "layers": [)" + layers +
         R"(], "input_layers": [[")" + input + R"(", 0, 0]], "output_layers": [[")" + output +
         R"(", 0, 0]]}})";
}

std::string sequential(const std::string& layers) {
  return R"({"class_name": "Sequential", "config": {"name": "m", "layers": [)" + layers + "]}}";
}

const std::string input8 = layer("InputLayer", "x", R"("batch_input_shape": [null, 8])");

// -- figures ------------------------------------------------------------------------------------

/// MACs by hand, parameters by Keras, as tests/data/keras/README.md says.
TEST(Keras, HasTheFiguresOfRealFiles) {
  struct Fact {
    const char* file;
    std::int64_t macs, trainable, others;
  };
  constexpr Fact facts[] = {{"keras_cnn.keras", 1'499'216, 4'754, 32},
                            {"keras_att.keras", 2'060'960, 35'589, 0},
                            {"audio_classification_hdf5.keras", 284'416, 25'665, 256}};
  for (const Fact& fact : facts) {
    const ReadModel read = files.read(fact.file);
    const Profile result = profile(read.graph);
    EXPECT_EQ(result.total.macs, fact.macs) << fact.file;
    EXPECT_EQ(result.total.parameters, fact.trainable) << fact.file;
    EXPECT_THAT(read.notes.notes,
                Contains("as Keras counts them: " + std::to_string(fact.trainable) +
                         " trainable parameters and " + std::to_string(fact.others) + " others"))
        << fact.file;
  }
}

/// Networks of keras.applications with the weights of count_params() and the MACs of the program
/// that JAX runs for them (tests/modern/keras_models.py). Published: MobileNet 569 M, MobileNetV2
/// 300 M, NASNetMobile 564 M, EfficientNetB0 0.39 B.
TEST(Keras, HasTheFiguresOfApplications) {
  struct Fact {
    const char* name;
    std::int64_t macs, weights;
  };
  constexpr Fact facts[] = {
      {"DenseNet121", 2'834'161'664, 8'062'504},  {"EfficientNetB0", 385'814'752, 5'330'571},
      {"InceptionV3", 5'713'216'096, 23'851'784}, {"MobileNet", 568'740'352, 4'253'864},
      {"MobileNetV2", 300'774'272, 3'538'984},    {"NASNetMobile", 563'638'816, 5'326'716},
      {"ResNet50", 3'857'973'248, 25'636'712},    {"VGG16", 15'470'264'320, 138'357'544},
  };
  for (const Fact& fact : facts) {
    const ReadModel read = files.read(std::string("applications/") + fact.name + ".keras");
    const Profile result = profile(read.graph);
    EXPECT_EQ(result.total.macs, fact.macs) << fact.name;
    EXPECT_THAT(read.notes.notes, Contains(HasSubstr("as the file states them"))) << fact.name;
    std::int64_t trainable = -1, others = -1;
    for (const std::string& note : read.notes.notes) {
      std::sscanf(note.c_str(),
                  "as Keras counts them: %" SCNd64 " trainable parameters and %" SCNd64, &trainable,
                  &others);
    }
    EXPECT_EQ(trainable + others, fact.weights) << fact.name;
  }
}

/// Every class of layers with random settings, against keras 3.15.1 (tests/data/keras/README.md).
TEST(Keras, AgreesWithKerasOnEveryLayer) {
  std::ifstream file(ZOOMETER_SOURCE_DIR "/tests/golden/keras_layers.jsonl");
  std::size_t count = 0;
  for (std::string line; std::getline(file, line);) {
    const JsonDocument document(line);
    const Json& fact = document.root();
    rapidjson::StringBuffer text;
    rapidjson::Writer<rapidjson::StringBuffer> writer(text);
    get_member(fact, "model").Accept(writer);
    const std::string name(get_text(fact, "name"));
    const ReadModel read = files.read_bytes(text.GetString());
    EXPECT_THAT(read.notes.notes,
                Contains("as Keras counts them: " +
                         std::to_string(get_member(fact, "trainable").GetInt64()) +
                         " trainable parameters and " +
                         std::to_string(get_member(fact, "others").GetInt64()) + " others"))
        << name;
    const Json& shapes = get_array(fact, "out");
    ASSERT_EQ(read.graph.outputs().size(), shapes.Size()) << name;
    for (rapidjson::SizeType i = 0; i < shapes.Size(); ++i) {
      const Shape& own = read.graph.shape(read.graph.outputs()[i].value);
      Shape expected = own;
      ASSERT_EQ(own.size(), shapes[i].Size()) << name;
      for (rapidjson::SizeType axis = 0; axis < shapes[i].Size(); ++axis)
        if (!shapes[i][axis].IsNull()) expected[axis] = shapes[i][axis].GetInt64();
      EXPECT_EQ(to_string(own), to_string(expected)) << name << ", result " << i;
    }
    EXPECT_TRUE(read.notes.ignored.empty()) << name << ": " << read.notes.ignored[0];
    ++count;
  }
  EXPECT_GT(count, 140U);
}

TEST(Keras, InfersTheSizesThatTheFileStates) {
  EXPECT_THAT(files.read("keras_cnn.keras").notes.notes,
              Contains("all 10 sizes of results are as the file states them"));
}

TEST(Keras, NamesSizesThatTheFileDoesNotKnow) {
  const std::string open = sequential(layer(
      "Conv1D", "c", R"("batch_input_shape": [null, null, 4], "filters": 8, "kernel_size": [3])"));
  EXPECT_THAT(failure_of_bytes(open), HasSubstr("c_dim_1"));
  TraceOptions options;
  options.dims = {{"c_dim_1", 10}, {"batch", 2}};
  const ReadModel read = files.read_bytes(open, options);
  EXPECT_EQ(read.graph.shape(read.graph.outputs()[0].value), (Shape{2, 8, 8}));
  EXPECT_EQ(profile(read.graph).total.macs, 2 * 8 * 8 * 3 * 4);
  options.dims = {{"time", 8}};
  EXPECT_THAT(failure_of([&] { files.read_bytes(input8, options); }), HasSubstr("unsupported"));
  EXPECT_THAT(failure_of([&] { files.read("keras_cnn.keras", options); }),
              HasSubstr("unknown_name"));
}

TEST(Keras, TakesABatch) {
  TraceOptions options;
  options.batch = 4;
  EXPECT_EQ(profile(files.read("keras_att.keras", options).graph).total.macs, 4 * 2'060'960);
}

// -- graphs -------------------------------------------------------------------------------------

TEST(Keras, ASharedLayerHasItsWeightsOnce) {
  const std::string twice = R"([[["x", 0, 0, {}]], [["d", 0, 0, {}]]])";
  const std::string model = R"({"class_name": "Model", "config": {"name": "m", "layers": [)" +
                            input8 + ", " + layer("Dense", "d", R"("units": 8)", twice) +
                            R"(], "input_layers": [["x", 0, 0]], "output_layers": [["d", 1, 0]]}})";
  const Profile result = profile(files.read_bytes(model).graph);
  EXPECT_EQ(result.total.parameters, 72);
  EXPECT_EQ(result.total.macs, 128);
}

/// Nested models count the call that made them: their first call in a file is number 1.
TEST(Keras, ANestedModelIsAModule) {
  const std::string inner =
      R"({"class_name": "Functional", "name": "inner", "config": {"name": "inner", "layers": [)" +
      input8 + ", " + layer("Dense", "d", R"("units": 8)", call({"x"})) +
      R"(], "input_layers": [["x", 0, 0]], "output_layers": [["d", 0, 0]]},
         "inbound_nodes": [[["x", 0, 0, {}]]]})";
  const std::string model =
      R"({"class_name": "Functional", "config": {"name": "m", "layers": [)" + input8 + ", " +
      inner + R"(], "input_layers": [["x", 0, 0]], "output_layers": [["inner", 1, 0]]}})";
  const ReadModel read = files.read_bytes(model);
  ASSERT_EQ(read.graph.modules().size(), 3U);
  EXPECT_EQ(read.graph.module_path(2), "inner.d");
  EXPECT_EQ(read.graph.modules()[2].kind, "Dense");
}

TEST(Keras, ACustomLayerIsUnknownWithItsStatedSizes) {
  const std::string tensor =
      R"({"class_name": "__keras_tensor__", "config": {"shape": [null, 5], "dtype": "float32",
          "keras_history": ["mine", 0, 0]}})";
  const std::string model = functional(
      input8 + ", " +
          R"({"module": "my.layers", "class_name": "Dense", "registered_name": "my>Dense",
              "name": "mine", "config": {"units": 3}, "inbound_nodes": [[["x", 0, 0]]]}, )" +
          layer("Dense", "d", R"("units": 2)", R"([{"args": [)" + tensor + R"(], "kwargs": {}}])"),
      "x", "d");
  const ReadModel read = files.read_bytes(model);
  EXPECT_EQ(read.graph.nodes()[0].op->name, "unknown");
  EXPECT_EQ(read.graph.shape(read.graph.nodes()[0].first_output), (Shape{1, 5}));
  EXPECT_EQ(profile(read.graph).total.parameters, 12);
}

/// A function of Python, of which the file has no code that could be read.
TEST(Keras, ALambdaSaysThatItsSizesAreNotKnown) {
  const ReadModel silent = files.read_bytes(functional(
      input8 + ", " + layer("Lambda", "f", R"("output_shape": null)", call({"x"})), "x", "f"));
  EXPECT_EQ(silent.graph.unknown_sizes(silent.graph.outputs()[0].value), unknown_rank);
  EXPECT_THAT(silent.notes.notes,
              Contains("the file does not state which sizes the results of Lambda have: figures "
                       "take them as those of its operand"));
  const ReadModel stated = files.read_bytes(functional(
      input8 + ", " + layer("Lambda", "f", R"("output_shape": [4, 2])", call({"x"})), "x", "f"));
  EXPECT_EQ(stated.graph.shape(stated.graph.outputs()[0].value), (Shape{1, 4, 2}));
  EXPECT_EQ(stated.graph.unknown_sizes(stated.graph.outputs()[0].value), 0U);
}

TEST(Keras, FrozenLayersHaveParametersThatAreNotTrained) {
  const ReadModel read = files.read_bytes(functional(
      input8 + ", " + layer("Dense", "d", R"("units": 4, "trainable": false)", call({"x"})), "x",
      "d"));
  EXPECT_EQ(profile(read.graph).total.parameters, 36);
  EXPECT_THAT(read.notes.notes,
              Contains("as Keras counts them: 0 trainable parameters and 36 others"));
}

TEST(Keras, SettingsThatAreNotReadAreNotes) {
  const ReadModel read = files.read_bytes(functional(
      input8 + ", " + layer("Dense", "d", R"("units": 4, "twist": 3)", call({"x"})), "x", "d"));
  EXPECT_THAT(read.notes.ignored, Contains("Dense twist=3 was not taken into account (1 node)"));
}

TEST(Keras, SettingsWithoutEffectAreNoNotes) {
  const std::string image = layer("InputLayer", "x", R"("batch_input_shape": [null, 8, 8, 3])");
  const ReadModel read = files.read_bytes(functional(
      image + ", " +
          layer("DepthwiseConv2D", "d", R"("kernel_size": [3, 3], "groups": 1)", call({"x"})),
      "x", "d"));
  EXPECT_EQ(profile(read.graph).total.macs, 36 * 27);
  EXPECT_TRUE(read.notes.ignored.empty());
}

TEST(Keras, ReadsTheNamesOfKeras1) {
  const std::string model =
      R"({"class_name": "Sequential", "config": [)" +
      layer("Convolution2D", "c",
            R"("batch_input_shape": [null, 8, 8, 3], "nb_filter": 4, "nb_row": 3, "nb_col": 3,
               "border_mode": "same", "subsample": [2, 2], "dim_ordering": "tf")") +
      ", " + layer("Flatten", "f", "") + ", " + layer("Dense", "d", R"("output_dim": 2)") + "]}";
  const Profile result = profile(files.read_bytes(model).graph);
  EXPECT_EQ(result.total.macs, 16 * 4 * 27 + 64 * 2);
  EXPECT_EQ(result.total.parameters, 4 * 27 + 4 + 64 * 2 + 2);
}

TEST(Keras, ReadsFunctionsOfTensorFlow) {
  const ReadModel read = files.read_bytes(functional(
      input8 + ", " +
          layer("TFOpLambda", "tf.math.multiply", R"("function": "math.multiply")",
                R"([["x", 0, 0, {"y": 2.0, "name": null}]])") +
          ", " +
          layer("SlicingOpLambda", "s", R"("function": "__operators__.getitem")",
                R"([["tf.math.multiply", 0, 0, {"slice_spec": [{"start": null, "stop": null,
                    "step": null}, {"start": 2, "stop": null, "step": 2}]}]])"),
      "x", "s"));
  EXPECT_EQ(read.graph.nodes()[0].op->name, "mul");
  EXPECT_EQ(read.graph.shape(read.graph.outputs()[0].value), (Shape{1, 3}));
}

/// A table of positions that was added as a tensor, and one as nested lists.
TEST(Keras, OperationsHaveConstantsOfTheFile) {
  const std::string tensor =
      R"({"class_name": "__keras_tensor__", "config": {"shape": [null, 8], "dtype": "float32",
          "keras_history": ["x", 0, 0]}})";
  const std::string table =
      R"({"class_name": "__tensor__", "config": {"value": [[1.0, 2, 3, 4, 5, 6, 7, 8],
          [8, 7, 6, 5, 4, 3, 2, 1]], "dtype": "float32"}})";
  const ReadModel read = files.read_bytes(
      functional(input8 + R"(, {"module": "keras.src.ops.numpy", "class_name": "Add", "name": "a",
                     "config": {"name": "a"}, "inbound_nodes": [{"args": [)" +
                     tensor + ", " + table + R"(], "kwargs": {}}]}, )" +
                     layer("TFOpLambda", "tf.math.multiply", R"("function": "math.multiply")",
                           R"([["a", 0, 0, {"y": [[2.0], [3.0]], "name": null}]])"),
                 "x", "tf.math.multiply"));
  EXPECT_EQ(read.graph.shape(read.graph.outputs()[0].value), (Shape{2, 8}));
  const Profile result = profile(read.graph);
  EXPECT_TRUE(result.coverage.unknown.empty());
  EXPECT_EQ(result.total.flops, 32);
  EXPECT_EQ(result.total.parameters, 0) << "the file's constants are no weights";
}

/// Layers whose weights are stored as real numbers and rounded in each call.
TEST(Keras, LayersOfQKerasCountWithTheBitsOfTheirQuantisers) {
  const std::string bits =
      R"({"class_name": "quantized_bits", "config": {"bits": 6, "integer": 0}})";
  const ReadModel read = files.read_bytes(functional(
      input8 + ", " +
          layer("QDense", "d",
                R"j("units": 4, "kernel_range": null, "bias_quantizer": "quantized_bits(6,0,1)",
                    "kernel_quantizer": )j" +
                    bits,
                call({"x"})) +
          ", " +
          layer("QActivation", "a", R"j("activation": "quantized_relu(bits=3)")j", call({"d"})) +
          R"(, {"module": "qkeras.qlayers", "registered_name": "qkeras>QDense",)" +
          layer("QDense", "e", R"("units": 2, "kernel_quantizer": "ternary")", call({"a"}))
              .substr(1),
      "x", "e"));
  const Profile result = profile(read.graph);
  EXPECT_TRUE(result.coverage.unknown.empty());
  EXPECT_EQ(result.total.parameters, 36 + 10);
  EXPECT_EQ(result.total.macs, 32 + 8);
  EXPECT_TRUE(read.notes.ignored.empty());
  std::vector<std::int64_t> bits_of_nodes;
  for (const Node& node : read.graph.nodes())
    if (node.op == &fake_quantize_op)
      bits_of_nodes.push_back(rounded_type_of({read.graph, node}).bits);
  EXPECT_THAT(bits_of_nodes, ElementsAre(6, 6, 3, 2));
}

/// Weights of few bits, and what Keras adds beside them.
TEST(Keras, QuantisedLayersHaveIntegerWeights) {
  const std::string policy =
      R"("units": 4, "dtype": {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8",
         "source_name": "float32"}})";
  const ReadModel read = files.read_bytes(
      functional(input8 + ", " + layer("Dense", "d", policy, call({"x"})), "x", "d"));
  bool has_integers = false;
  for (const Parameter& parameter : read.graph.parameters())
    has_integers |=
        parameter.name == "kernel" && read.graph.value(parameter.value).dtype == DType::int8;
  EXPECT_TRUE(has_integers);
  EXPECT_EQ(profile(read.graph).total.macs, 32);
}

// -- containers and refusals --------------------------------------------------------------------

TEST(KerasHostile, SaysWhereThereIsNoGraph) {
  EXPECT_THAT(failure_of_bytes(R"({"class_name": "MyModel", "config": {"units": 3}})"),
              HasSubstr("a class of its own"));
  std::string weights = files.bytes_of("audio_classification_hdf5.keras");
  weights.replace(weights.find("model_config"), 12, "model_weight");
  EXPECT_THAT(failure_of_bytes(weights), HasSubstr("no model_config"));
}

TEST(KerasHostile, GraphsThatCannotRunAreRefused) {
  const std::string a = layer("Dense", "a", R"("units": 8)", call({"b"}));
  const std::string b = layer("Dense", "b", R"("units": 8)", call({"a"}));
  EXPECT_THAT(failure_of_bytes(functional(input8 + ", " + a + ", " + b, "x", "b")),
              HasSubstr("a cycle"));
  EXPECT_THAT(failure_of_bytes(functional(input8 + ", " + input8, "x", "x")),
              HasSubstr("two layers of one name"));
  EXPECT_THAT(failure_of_bytes(functional(input8 + ", " + a, "x", "a")),
              HasSubstr("a layer of the model"));
  EXPECT_THAT(failure_of_bytes(functional(input8, "x", "x")
                                   .replace(functional(input8, "x", "x").rfind("0, 0"), 4, "0, 9")),
              HasSubstr("malformed"));
}

/// Each model calls the one in it twice, so that the innermost layer would run 2^40 times.
TEST(KerasHostile, ModelsThatCallEachOtherAreBounded) {
  std::string inner = layer("Dense", "d", R"("units": 8)", call({"x"}));
  std::string name = "d";
  for (int i = 0; i < 40; ++i) {
    const std::string own = "m" + std::to_string(i);
    const std::size_t nodes = inner.rfind(call({"x"}));
    const std::string first = i == 0 ? "0" : "1", second = i == 0 ? "1" : "2";
    inner.replace(nodes, call({"x"}).size(),
                  R"([[["x", 0, 0, {}]], [[")" + name + "\", " + first + R"(, 0, {}]]])");
    inner = R"({"class_name": "Functional", "name": ")" + own + R"(", "config": {"name": ")" + own +
            R"(", "layers": [)" + input8 + ", " + inner +
            R"(], "input_layers": [["x", 0, 0]], "output_layers": [[")" + name + "\", " + second +
            R"(, 0]]}, "inbound_nodes": )" + call({"x"}) + "}";
    name = own;
  }
  const std::string model =
      R"({"class_name": "Functional", "config": {"name": "m", "layers": [)" + input8 + ", " +
      inner + R"(], "input_layers": [["x", 0, 0]], "output_layers": [[")" + name + R"(", 1, 0]]}})";
  EXPECT_THAT(failure_of_bytes(model), HasSubstr("limit"));
}

TEST(KerasHostile, DeepNestingIsRefused) {
  std::string inner = layer("Dense", "d", R"("units": 8)");
  for (int i = 0; i < 60; ++i)
    inner = layer("QuantizeWrapperV2", "t" + std::to_string(i), "\"layer\": " + inner);
  EXPECT_THAT(failure_of_bytes(sequential(
                  layer("InputLayer", "x", R"("batch_input_shape": [2, 2, 8])") + ", " + inner)),
              HasSubstr("limit"));
  const std::string lists = std::string(80, '[') + std::string(80, ']');
  EXPECT_THAT(failure_of_bytes(functional(
                  input8 + ", " + layer("Dense", "d", R"("units": 8)", lists), "x", "d")),
              HasSubstr("limit"));
}

/// Every prefix, and every byte of the headers changed: an error or a graph, never a crash.
TEST(KerasHostile, DamagedFilesAreRefused) {
  const std::string hdf5 = files.bytes_of("audio_classification_hdf5.keras");
  for (std::size_t size = 0; size < hdf5.size(); size += 37)
    EXPECT_THAT(failure_of_bytes(hdf5.substr(0, size)), ::testing::Not("")) << size;
  for (std::size_t i = 0; i < 2'200; i += 7) {
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string damaged = hdf5;
      damaged[i] = static_cast<char>(damaged[i] ^ change);
      failure_of_bytes(damaged);
    }
  }
}

/// A header that continues in itself.
TEST(KerasHostile, AnHdf5HeaderThatContinuesInItselfIsRefused) {
  std::string bytes = "\x89HDF\r\n\x1a\n";
  bytes += std::string({2, 8, 8, 0});
  const auto number = [&](std::uint64_t value) {
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  };
  for (const std::uint64_t value : {0ULL, ~0ULL, 200ULL, 48ULL}) number(value);
  bytes += std::string(4, '\0') + "OHDR" + std::string({2, 0, 22});
  bytes += std::string({16, 16, 0, 0});  // a continuation
  number(80);
  number(34);
  bytes.resize(80, '\0');
  bytes += "OCHK" + std::string({16, 16, 0, 0});
  number(80);
  number(34);
  bytes.resize(200, '\0');
  EXPECT_THAT(failure_of([&] { Hdf5File(bytes).attribute("model_config"); }),
              HasSubstr("a block that was not read"));
}

}  // namespace
}  // namespace zoometer
