// TensorFlow Lite files: figures of real files, sizes, subgraphs, and hostile bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "analysis/tensor_arena.hpp"
#include "failure.hpp"
#include "model_files.hpp"
#include "tflite_files.hpp"
#include "zip_writer.hpp"

namespace zoometer {
namespace {

using ::testing::Contains;
using testing::failure_of;
using testing::FlatNode;
using ::testing::HasSubstr;
using testing::ModelFiles;
using ::testing::Not;
using testing::ReadModel;
using testing::TfliteFile;

const ModelFiles files(ZOOMETER_SOURCE_DIR "/tests/data/tflite/", "m.tflite");

std::string failure_of_bytes(const std::string& bytes) {
  return failure_of([&] { files.read_bytes(bytes); });
}

/// The head of the arena of tflite_micro 0.dev20261023, which places tensors once.
TEST(Tflite, PlansTheArenaOfAMicrocontroller) {
  EXPECT_EQ(tensor_arena_bytes(files.read("person_detect.tflite").graph), 55'296);
  EXPECT_EQ(tensor_arena_bytes(files.read("hello_world_int8.tflite").graph), 32);
}

/// MACs and parameters by hand, as tests/data/tflite/README.md says.
TEST(Tflite, HasTheFiguresOfRealFiles) {
  struct Fact {
    const char* file;
    std::int64_t macs, parameters;
  };
  constexpr Fact facts[] = {
      {"hello_world_int8.tflite", 288, 321},     {"trained_lstm_int8.tflite", 113'120, 9'530},
      {"audio_preprocessor_int8.tflite", 0, 0},  {"person_detect.tflite", 7'157'888, 210'706},
      {"simple_add_dynamic_shape.tflite", 0, 0}, {"l2_norm_composite.tflite", 0, 1},
      {"dynamic_shapes.bin", 688'128, 1},        {"sparse_tensor.bin", 0, 0},
  };
  for (const Fact& fact : facts) {
    const ReadModel read = files.read(fact.file);
    const Profile result = profile(read.graph);
    EXPECT_EQ(result.total.macs, fact.macs) << fact.file;
    EXPECT_EQ(result.total.parameters, fact.parameters) << fact.file;
  }
}

/// Every operator with the sizes that ai-edge-litert 2.3.0 gives its results, and the MACs of its
/// formula (tests/modern/litert_files.py).
TEST(Tflite, AgreesWithTheInterpreterOnEveryOperator) {
  std::size_t compared = 0;
  const auto check = [&](const std::string& name, const std::string& bytes,
                         const std::vector<std::int64_t>& figures) {
    const ReadModel read = files.read_bytes(bytes);
    EXPECT_EQ(profile(read.graph).total.macs, figures.at(0)) << name;
    const std::string same = "all " + std::to_string(read.graph.outputs().size()) +
                             " sizes of results are as the file states them";
    compared += static_cast<std::size_t>(std::ranges::count(read.notes.notes, same));
    EXPECT_THAT(read.notes.notes, Not(Contains(HasSubstr("other sizes")))) << name;
    EXPECT_TRUE(read.notes.ignored.empty()) << name;
    for (const Node& node : read.graph.nodes()) EXPECT_NE(node.op->name, "unknown") << name;
  };
  const std::size_t count =
      testing::for_each_golden(ZOOMETER_SOURCE_DIR "/tests/golden/litert_operators.zip", check);
  EXPECT_GE(count, 172U);
  EXPECT_EQ(compared, count - 1) << "all but SHAPE, whose result is known";
}

TEST(Tflite, InfersTheSizesThatTheFileStates) {
  EXPECT_THAT(files.read("person_detect.tflite").notes.notes,
              Contains("all 31 sizes of results are as the file states them"));
}

TEST(Tflite, NamesSizesThatTheFileDoesNotKnow) {
  const ReadModel read = files.read("simple_add_dynamic_shape.tflite");
  ASSERT_EQ(read.notes.dims.size(), 1U);
  EXPECT_EQ(read.notes.dims[0].first, "batch");
  TraceOptions options;
  options.dims = {{"batch", 8}};
  const ReadModel large = files.read("simple_add_dynamic_shape.tflite", options);
  EXPECT_EQ(large.graph.shape(large.graph.outputs()[0].value), (Shape{8, 128, 4}));
  options.dims = {{"time", 8}};
  EXPECT_THAT(failure_of([&] { files.read("simple_add_dynamic_shape.tflite", options); }),
              HasSubstr("unknown_name"));
}

TEST(Tflite, TakesABatchOnlyWithTheSizesThatFollow) {
  TraceOptions options;
  options.batch = 4;
  EXPECT_EQ(profile(files.read("hello_world_int8.tflite", options).graph).total.macs, 4 * 288);
  EXPECT_EQ(profile(files.read("trained_lstm_int8.tflite", options).graph).total.macs, 4 * 113'120);
}

/// A size behind data is 1 and says so: the stored ones are 1 too, but for what follows from them.
TEST(Tflite, MarksSizesThatDataDecides) {
  const ReadModel read = files.read("dynamic_shapes.bin");
  const ValueId result = read.graph.outputs()[0].value;
  EXPECT_EQ(read.graph.shape(result), (Shape{8, 1, 1024}));
  EXPECT_EQ(read.graph.unknown_sizes(result), 2U) << "the middle one";
}

/// What a converter makes of a dilated convolution of an image without fixed sizes: padding as a
/// table of two rows, computed of sizes and cut as a whole.
TEST(Tflite, ComputesPaddingInRows) {
  TfliteFile file;
  const std::uint32_t pack = file.code(83), cut = file.code(45), pad = file.code(60);
  auto& main = file.subgraphs[0];
  const std::int32_t x = main.input({4, 5});
  const auto list = [&](const std::vector<std::int32_t>& numbers) {
    return main.tensor({2}, TfliteFile::i32, file.buffer(numbers));
  };
  const std::int32_t rows = main.tensor({2, 2}, TfliteFile::i32);
  main.node(pack, {list({1, 2}), list({3, 4})}, {rows}, FlatNode{}.number(0, 2).number(1, 0));
  const std::int32_t whole = main.tensor({2, 2}, TfliteFile::i32), y = main.tensor({7, 12});
  main.node(cut, {rows, list({0, 0}), list({2, 2}), list({1, 1})}, {whole});
  main.node(pad, {x, whole}, {y});
  main.outputs = {y};
  const ReadModel read = files.read_bytes(file.bytes());
  EXPECT_EQ(read.graph.shape(read.graph.outputs()[0].value), (Shape{7, 12}));
  ASSERT_EQ(read.graph.nodes().size(), 1U);
  EXPECT_EQ(read.graph.nodes()[0].op->name, "pad");
}

/// MediaPipe's custom operators, whose options are numbers of 4 bytes: padding, strides, windows.
TEST(Tflite, CountsTheConvolutionsOfMediaPipe) {
  TfliteFile file;
  const std::uint32_t pool = file.custom("MaxPoolingWithArgmax2D"),
                      conv = file.custom("Convolution2DTransposeBias"),
                      back = file.custom("MaxUnpooling2D"), other = file.custom("Mine");
  auto& main = file.subgraphs[0];
  const std::int32_t x = main.input({1, 32, 32, 8});
  const auto image = [&](std::int32_t size, std::int32_t channels) {
    return main.tensor({1, size, size, channels});
  };
  const auto weight = [&](const std::vector<std::int32_t>& shape, std::size_t count) {
    return main.tensor(shape, TfliteFile::f32, file.buffer(std::string(4 * count, 1)));
  };
  const std::int32_t low = image(16, 8), places = image(16, 8), wide = image(32, 4),
                     high = image(32, 8), y = image(32, 4);
  main.node(pool, {x}, {low, places});
  main.custom_options({1, 2, 2, 2, 2});
  main.node(conv, {low, weight({4, 3, 3, 8}, 288), weight({4}, 4)}, {wide});
  main.custom_options({1, 2, 2});
  main.node(back, {low, places}, {high});
  main.custom_options({2, 2, 2, 2, 2});
  main.node(other, {high, wide}, {y});
  main.outputs = {y};
  const ReadModel read = files.read_bytes(file.bytes());
  const Profile result = profile(read.graph);
  EXPECT_EQ(result.total.macs, 16 * 16 * 288);
  EXPECT_EQ(result.total.parameters, 288 + 4);
  ASSERT_EQ(result.coverage.unknown.size(), 1U);
  EXPECT_EQ(result.coverage.unknown[0].name, "tflite.custom::Mine");
  EXPECT_THAT(read.notes.notes, Contains("all 4 sizes of results are as the file states them"));
}

/// The spectrum of frames of 400 padded to 512, and its size.
TEST(Tflite, TransformsRealNumbers) {
  TfliteFile file;
  constexpr std::int8_t complex64 = 8;
  const std::uint32_t transform = file.code(131), size = file.code(135);
  auto& main = file.subgraphs[0];
  const std::int32_t x = main.input({96, 1, 400});
  const std::int32_t lengths = main.tensor({2}, TfliteFile::i32, file.buffer(std::vector{1, 512}));
  const std::int32_t spectrum = main.tensor({96, 1, 257}, complex64), y = main.tensor({96, 1, 257});
  main.node(transform, {x, lengths}, {spectrum});
  main.node(size, {spectrum}, {y});
  main.outputs = {y};
  const ReadModel read = files.read_bytes(file.bytes());
  const Profile result = profile(read.graph);
  EXPECT_TRUE(result.coverage.unknown.empty());
  EXPECT_EQ(read.graph.shape(read.graph.outputs()[0].value), (Shape{96, 1, 257}));
  EXPECT_EQ(read.graph.value(read.graph.outputs()[0].value).dtype, DType::float32);
  EXPECT_GT(result.total.flops, 96 * 512 * 9);
  EXPECT_THAT(read.notes.notes, Contains("all 2 sizes of results are as the file states them"));
}

TEST(Tflite, ReadsOneOfSeveralSignatures) {
  EXPECT_THAT(failure_of([] { files.read("multi_signature_model.tflite"); }),
              HasSubstr("choose with --entry: add, mul, sub"));
  TraceOptions options;
  options.entry = "mul";
  const ReadModel read = files.read("multi_signature_model.tflite", options);
  EXPECT_EQ(read.graph.nodes()[0].op->name, "mul");
  EXPECT_EQ(read.graph.outputs()[0].name, "output");
}

TEST(Tflite, MakesACompositeAModule) {
  const ReadModel read = files.read("l2_norm_composite.tflite");
  ASSERT_EQ(read.graph.modules().size(), 2U);
  EXPECT_EQ(read.graph.modules()[1].kind, "odml.l2_norm");
}

TEST(Tflite, KnowsThatChannelsAreLast) {
  const ReadModel read = files.read("person_detect.tflite");
  const Node& first = read.graph.nodes()[2];
  EXPECT_EQ(first.op->name, "conv2d");
  for (const Node& node : read.graph.nodes()) {
    if (node.op->name != "name_axes") continue;
    EXPECT_TRUE(read.graph.value(node.first_output).has(Value::shares)) << "nothing moves";
  }
}

// -- bundles ------------------------------------------------------------------------------------

/// A LiteRT-LM file of these sections: what they are, the name of a model, bytes.
struct Section {
  std::uint8_t kind;
  std::string name, bytes;
};

std::string litertlm_file(const std::vector<Section>& sections) {
  constexpr std::size_t block = 4096;
  std::vector<FlatNode> objects;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    FlatNode object;
    if (!sections[i].name.empty()) {
      FlatNode value, item;
      value.text(0, sections[i].name);
      item.text(0, "model_type").number(1, std::uint8_t{9}).table(2, value);
      object.tables(0, {item});
    }
    object.number(1, std::uint64_t{block * (i + 1)});
    object.number(2, std::uint64_t{block * (i + 1) + sections[i].bytes.size()});
    object.number(3, sections[i].kind);
    objects.push_back(std::move(object));
  }
  FlatNode list, root;
  list.tables(0, std::move(objects));
  root.table(1, std::move(list));
  const std::string header = root.file("");
  std::string file = std::string("LITERTLM") + std::string(24, '\0') + header;
  testing::put(file, 24, 32 + header.size(), 8);
  for (std::size_t i = 0; i < sections.size(); ++i) {
    file.resize(block * (i + 1));
    file += sections[i].bytes;
  }
  return file;
}

constexpr std::uint8_t generic_section = 1, model_section = 3;

TEST(TfliteBundle, ReadsTheModelsOfLiteRtLm) {
  const std::string hello = files.bytes_of("hello_world_int8.tflite");
  const std::string several = files.bytes_of("multi_signature_model.tflite");
  const std::string one =
      litertlm_file({{generic_section, "", "text"}, {model_section, "tf_lite_prefill", hello}});
  EXPECT_EQ(profile(files.read_bytes(one).graph).total.macs, 288);

  const std::string two = litertlm_file(
      {{model_section, "tf_lite_prefill", hello}, {model_section, "tf_lite_aux", several}});
  EXPECT_THAT(failure_of_bytes(two),
              HasSubstr("choose with --entry: tf_lite_prefill, tf_lite_aux"));
  TraceOptions options;
  options.entry = "tf_lite_prefill";
  const ReadModel first = files.read_bytes(two, options);
  EXPECT_EQ(profile(first.graph).total.macs, 288);
  EXPECT_THAT(first.notes.notes, Contains("models of the bundle: tf_lite_prefill, tf_lite_aux"));
  options.entry = "tf_lite_aux";
  EXPECT_THAT(failure_of([&] { files.read_bytes(two, options); }),
              HasSubstr("tf_lite_aux/add, tf_lite_aux/mul"));
  options.entry = "tf_lite_aux/mul";
  EXPECT_EQ(files.read_bytes(two, options).graph.nodes()[0].op->name, "mul");
  options.entry = "tf_lite_vision";
  EXPECT_THAT(failure_of([&] { files.read_bytes(two, options); }), HasSubstr("no model"));
}

TEST(TfliteBundle, ReadsTheModelsOfMediaPipe) {
  testing::ZipWriter writer;
  writer.add("METADATA", "text");
  writer.add("hand_detector.tflite", files.bytes_of("hello_world_int8.tflite"));
  EXPECT_EQ(profile(files.read_bytes(writer.finish()).graph).total.macs, 288);
  writer.add("TF_LITE_PREFILL_DECODE", files.bytes_of("trained_lstm_int8.tflite"));
  TraceOptions options;
  options.entry = "TF_LITE_PREFILL_DECODE";
  EXPECT_EQ(profile(files.read_bytes(writer.finish(), options).graph).total.macs, 113'120);

  testing::ZipWriter packed;
  packed.add("m.tflite", files.bytes_of("hello_world_int8.tflite"), {.deflate = true});
  EXPECT_THAT(failure_of_bytes(packed.finish()), HasSubstr("a zip archive around m.tflite"));
  packed.add("n.tflite", files.bytes_of("hello_world_int8.tflite"));
  EXPECT_THAT(failure_of_bytes(packed.finish()),
              HasSubstr("m.tflite of the zip archive is compressed"));
  testing::ZipWriter other;
  other.add("m.tflite", "no flatbuffer");
  EXPECT_THAT(failure_of_bytes(other.finish()), HasSubstr("no TensorFlow Lite model"));
}

TEST(TfliteBundle, RefusesSectionsOutsideOfTheFile) {
  const std::string hello = files.bytes_of("hello_world_int8.tflite");
  const std::string whole = litertlm_file({{model_section, "m", hello}});
  EXPECT_THAT(failure_of_bytes(whole.substr(0, 4096)), HasSubstr("a section of the bundle"));
  EXPECT_THAT(failure_of_bytes(whole.substr(0, 20)), HasSubstr("the header of the bundle"));
  std::string moved = whole;
  testing::put(moved, 24, 8, 8);
  EXPECT_THAT(failure_of_bytes(moved), HasSubstr("the end of the header"));
  EXPECT_THAT(failure_of_bytes(litertlm_file({{generic_section, "", "text"}})),
              HasSubstr("no TensorFlow Lite model"));
  // An error within a model has its place in the bundle.
  std::string broken = whole;
  testing::put(broken, 4096, 0x7FFFFFFF, 4);
  EXPECT_THAT(failure_of_bytes(broken), HasSubstr("byte 2147487743"));
}

// -- subgraphs ----------------------------------------------------------------------------------

/// y = x x W of 8 by 8, in a subgraph that control flow runs.
void add_product(TfliteFile& file, TfliteFile::Subgraph& graph, std::uint32_t code, std::int32_t x,
                 std::int32_t y) {
  const std::int32_t weight =
      graph.tensor({8, 8}, TfliteFile::f32, file.buffer(std::string(256, 1)));
  graph.node(code, {x, weight, -1}, {y});
}

/// for (i = 0; i < 5; ++i) x = x x W.
TfliteFile counting_loop() {
  TfliteFile file;
  const std::uint32_t loop = file.code(119), less = file.code(58), add = file.code(0),
                      dense = file.code(9);
  file.subgraphs.resize(3);
  auto& main = file.subgraphs[0];
  const std::int32_t start = main.tensor({}, TfliteFile::i32, file.buffer(std::vector{0}));
  const std::int32_t x = main.input({1, 8});
  const std::int32_t count = main.tensor({}, TfliteFile::i32), y = main.tensor({1, 8});
  main.node(loop, {start, x}, {count, y}, FlatNode{}.number(0, 1).number(1, 2));
  main.outputs = {y};
  auto& condition = file.subgraphs[1];
  const std::int32_t i = condition.input({}, TfliteFile::i32);
  condition.input({1, 8});
  const std::int32_t limit = condition.tensor({}, TfliteFile::i32, file.buffer(std::vector{5}));
  condition.outputs = {condition.tensor({}, 6)};
  condition.node(less, {i, limit}, condition.outputs);
  auto& body = file.subgraphs[2];
  const std::int32_t k = body.input({}, TfliteFile::i32), state = body.input({1, 8});
  const std::int32_t one = body.tensor({}, TfliteFile::i32, file.buffer(std::vector{1}));
  const std::int32_t next = body.tensor({}, TfliteFile::i32), result = body.tensor({1, 8});
  body.node(add, {k, one}, {next});
  add_product(file, body, dense, state, result);
  body.outputs = {next, result};
  return file;
}

TEST(TfliteControl, CountsALoopAsOftenAsItRuns) {
  const ReadModel read = files.read_bytes(counting_loop().bytes());
  EXPECT_EQ(profile(read.graph).total.macs, 5 * 64);
  EXPECT_EQ(profile(read.graph).total.parameters, 64);
  EXPECT_THAT(read.notes.notes, Contains("WHILE runs 5 times"));
}

TEST(TfliteControl, CountsTheCostlierBranch) {
  TfliteFile file;
  const std::uint32_t branch = file.code(118), relu = file.code(19), dense = file.code(9);
  file.subgraphs.resize(3);
  auto& main = file.subgraphs[0];
  const std::int32_t holds = main.input({}, 6), x = main.input({1, 8}), y = main.tensor({1, 8});
  main.node(branch, {holds, x}, {y}, FlatNode{}.number(0, 1).number(1, 2));
  main.outputs = {y};
  for (std::size_t i = 1; i < 3; ++i) {
    auto& graph = file.subgraphs[i];
    const std::int32_t in = graph.input({1, 8}), out = graph.tensor({1, 8});
    if (i == 1) graph.node(relu, {in}, {out});
    if (i == 2) add_product(file, graph, dense, in, out);
    graph.outputs = {out};
  }
  const ReadModel read = files.read_bytes(file.bytes());
  EXPECT_EQ(profile(read.graph).total.macs, 64);
  EXPECT_EQ(profile(read.graph).total.parameters, 64);
  EXPECT_THAT(read.notes.notes,
              Contains("IF depends on data: its else branch is counted, the costlier one"));
}

TEST(TfliteControl, RefusesARecursion) {
  TfliteFile file = counting_loop();
  auto& body = file.subgraphs[2];
  body.nodes.clear();
  body.node(0, body.inputs, body.outputs, FlatNode{}.number(0, 1).number(1, 2));
  EXPECT_THAT(failure_of_bytes(file.bytes()), HasSubstr("a recursion"));
}

// -- hostile files ------------------------------------------------------------------------------

TEST(TfliteHostile, BrokenFilesAreRefused) {
  EXPECT_THAT(failure_of([] { files.read("test_model_broken.bin"); }), HasSubstr("unsupported"));
  EXPECT_THAT(failure_of_bytes("\xff\xff\xff\x7fTFL3"), HasSubstr("malformed"));
}

/// Every prefix of a file is refused or read, and so is the file with any of its offsets changed.
TEST(TfliteHostile, NoPrefixAndNoByteBreaksTheReader) {
  const std::string whole = counting_loop().bytes();
  for (std::size_t size = 8; size < whole.size(); ++size) failure_of_bytes(whole.substr(0, size));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x85);
    EXPECT_THAT(failure_of_bytes(changed), ::testing::Not(HasSubstr("internal"))) << at;
  }
}

TEST(TfliteHostile, RefusesIndicesThatDoNotExist) {
  TfliteFile file;
  const std::uint32_t relu = file.code(19);
  auto& main = file.subgraphs[0];
  const std::int32_t x = main.input({1, 8});
  main.node(relu, {x}, {7});
  EXPECT_THAT(failure_of_bytes(file.bytes()), HasSubstr("an output of an operator"));
}

TEST(TfliteHostile, SortsOperatorsAndRefusesACycle) {
  TfliteFile file;
  const std::uint32_t relu = file.code(19);
  auto& main = file.subgraphs[0];
  const std::int32_t x = main.input({1, 8}), a = main.tensor({1, 8}), b = main.tensor({1, 8});
  main.node(relu, {a}, {b});
  main.node(relu, {x}, {a});
  main.outputs = {b};
  EXPECT_THAT(files.read_bytes(file.bytes()).notes.notes,
              Contains("the operators were sorted: the file has them in another order"));
  main.nodes.pop_back();
  main.node(relu, {b}, {a});
  EXPECT_THAT(failure_of_bytes(file.bytes()), HasSubstr("a cycle"));
}

}  // namespace
}  // namespace zoometer
