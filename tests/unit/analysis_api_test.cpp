// What include/zoometer/analysis.hpp promises, as a program outside of the tree uses it. The
// figures of resnet18 are those of `profile --memory`, `--training`, `roofline`, `explain` and
// `sweep`.
#include <gmock/gmock.h>
#include <zoometer/analysis.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "failure.hpp"

namespace zoometer {
namespace {

using testing::failure_of;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const std::string tree = ZOOMETER_SOURCE_DIR;

std::string bytes_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(ApiModules, HaveFiguresAndPlaceInOneObject) {
  const Network network = trace("resnet18");
  const NetworkProfile figures = profile(network);
  const std::vector<NetworkModule> modules = network.modules();
  ASSERT_EQ(figures.modules.size(), modules.size());
  for (std::size_t i = 0; i < modules.size(); ++i) {
    EXPECT_EQ(figures.modules[i].path, modules[i].path);
    EXPECT_EQ(figures.modules[i].parent, modules[i].parent);
  }
  const ModuleProfile& conv1 = figures.modules[1];
  EXPECT_EQ(conv1.path, "conv1");
  EXPECT_EQ(conv1.type, "Conv2d");
  EXPECT_EQ(conv1.calls, 1);
  EXPECT_EQ(conv1.macs, 118013952);
  EXPECT_EQ(conv1.parameters, 9408);
  EXPECT_THAT(conv1.output_shapes, ElementsAre(Shape{1, 64, 112, 112}));
}

TEST(ApiOperators, AreListedInTheirOrder) {
  const Network network = trace("resnet18");
  const std::vector<NetworkOperator> operators = network.operators();
  ASSERT_EQ(operators.size(), network.operator_count());
  EXPECT_EQ(operators[1].name, "batch_norm");
  EXPECT_EQ(operators[1].module, "bn1");
  EXPECT_THAT(operators[1].output_shapes, ElementsAre(Shape{1, 64, 112, 112}));
}

TEST(ApiReadModel, TakesBytes) {
  const std::string path = tree + "/tests/data/onnx/light_squeezenet.onnx";
  const std::string bytes = bytes_of_file(path);
  const Network network = read_model(as_bytes(bytes), "squeezenet");
  EXPECT_EQ(network.name(), "squeezenet");
  EXPECT_THAT(network.source(), StartsWith("ONNX"));
  EXPECT_EQ(profile(network).total.macs, profile(read_model(path)).total.macs);
  EXPECT_GT(profile(network).total.macs, 0);
  EXPECT_THAT(failure_of([] { read_model(as_bytes("no model"), "bytes"); }),
              StartsWith("unsupported: bytes: "));
}

TEST(ApiMetrics, RefuseMoreBytesThanCanBeAdded) {
  Metrics sum;
  sum.bytes_read = std::int64_t{1} << 62;
  Metrics other;
  other.bytes_written = (std::int64_t{1} << 62) - 1;
  sum += other;
  other.bytes_written = 1;
  EXPECT_THAT(failure_of([&] { sum += other; }), HasSubstr("does not fit into 64 bits"));
}

TEST(ApiStoredAs, ChangesBytesOnly) {
  const Network network = trace("resnet18");
  const Network half = stored_as(network, DType::float16);
  const Metrics before = profile(network).total;
  const Metrics after = profile(half).total;
  EXPECT_EQ(after.macs, before.macs);
  EXPECT_EQ(after.bytes_written, before.bytes_written / 2);
  EXPECT_EQ(memory(half).activations.bytes, 7024640 / 2);
  EXPECT_EQ(memory(network).activations.bytes, 7024640);
  EXPECT_EQ(half.inputs()[0].dtype, "float16");
  EXPECT_THAT(half.notes(),
              ElementsAre("bytes as if every floating-point tensor were stored in float16"));
}

TEST(ApiStoredAs, IsIndependentOfTheNetworkItComesFrom) {
  const Network again = stored_as(stored_as(trace("alexnet"), DType::float16), DType::bfloat16);
  EXPECT_EQ(again.modules()[1].path, "features");
  EXPECT_EQ(again.inputs()[0].dtype, "bfloat16");
  EXPECT_THAT(again.notes(),
              ElementsAre("bytes as if every floating-point tensor were stored in bfloat16"));
}

TEST(ApiMemory, IsThatOfTheCommandLine) {
  const NetworkMemory found = memory(trace("resnet18"));
  EXPECT_EQ(found.parameter_bytes, 46796608);
  EXPECT_EQ(found.activations.bytes, 7024640);
  EXPECT_EQ(found.activations.at, 1u);
  EXPECT_EQ(found.held_by_callers.bytes, 7024640);
  EXPECT_EQ(found.workspace.bytes, 7375872);
  EXPECT_EQ(found.workspace.at, 0u);
  EXPECT_EQ(found.together.bytes, 57985856);
  ASSERT_EQ(found.timeline.size(), 69u);
  EXPECT_EQ(found.timeline[1].alive, found.activations.bytes);
  EXPECT_EQ(found.timeline[0].workspace, found.workspace.bytes);

  ASSERT_EQ(found.alive_at_peak.size(), 3u);
  const LiveTensor& input = found.alive_at_peak[0];
  EXPECT_EQ(input.shape, (Shape{1, 3, 224, 224}));
  EXPECT_EQ(input.bytes, 602112);
  EXPECT_FALSE(input.made_by.has_value());
  EXPECT_FALSE(input.until.has_value());
  EXPECT_EQ(found.alive_at_peak[1].made_by, 0u);
  EXPECT_EQ(found.alive_at_peak[1].until, 1u);
  EXPECT_EQ(found.alive_at_peak[1].dtype, "float32");
}

TEST(ApiTraining, IsThatOfTheCommandLine) {
  const NetworkTraining found = training(trace("resnet18"), Optimizer::adam);
  EXPECT_EQ(found.optimizer, Optimizer::adam);
  EXPECT_EQ(found.trainable_parameters, 11689512);
  EXPECT_EQ(found.weight_bytes, 46796608);
  EXPECT_EQ(found.gradient_bytes, 46758048);
  EXPECT_EQ(found.master_weight_bytes, 0);
  EXPECT_EQ(found.optimizer_state_bytes, 2 * found.gradient_bytes);
  EXPECT_EQ(found.saved_bytes, 21616128);
  EXPECT_EQ(found.peak_activations.bytes, 22420896);
  EXPECT_EQ(found.peak_activations.at, 65u);
  EXPECT_TRUE(found.peak_is_backward);
  EXPECT_EQ(found.total_bytes, 209491648);
  EXPECT_EQ(found.macs, 1814073344);
  EXPECT_EQ(found.backward_macs, 3510132736);
  EXPECT_EQ(found.operators[0].name, "batch_norm");
  EXPECT_EQ(found.operators[0].saved_bytes, 9973248);
  EXPECT_EQ(training(trace("resnet18")).optimizer_state_bytes, 0);
}

TEST(ApiRoofline, IsThatOfTheCommandLine) {
  const std::vector<Device> devices = builtin_devices();
  const NetworkRoofline found = roofline(trace("resnet18"), find_device(devices, "h100"),
                                         {.type = NumberType::float16, .fuse = true});
  EXPECT_EQ(found.device.name, "H100");
  EXPECT_EQ(found.type, NumberType::float16);
  EXPECT_EQ(found.used, NumberType::float16);
  EXPECT_DOUBLE_EQ(found.peak, 989.4e12);
  EXPECT_EQ(found.compulsory.weights, 23398224);
  EXPECT_EQ(found.compulsory.boundary, 303056);
  EXPECT_DOUBLE_EQ(found.total.seconds, 1.0886634384173733e-05);
  EXPECT_DOUBLE_EQ(found.overlapped_seconds, 7.0750089552238806e-06);
  EXPECT_EQ(found.total.moved, 36297504);

  ASSERT_EQ(found.groups.size(), 24u);
  EXPECT_EQ(found.groups[0].name, "conv2d + batch_norm + relu");
  EXPECT_EQ(found.groups[0].module, "conv1");
  EXPECT_THAT(found.groups[0].operators, ElementsAre(0, 1, 2));
  EXPECT_EQ(found.groups[0].flops, 238436352);
  EXPECT_EQ(found.groups[0].moved, found.groups[0].bytes.total());
  EXPECT_TRUE(found.groups[0].time.is_memory_bound());
  EXPECT_EQ(found.operators[0].sum.count, 9);

  ASSERT_EQ(found.modules.size(), 68u);
  EXPECT_EQ(found.modules[1].path, "conv1");
  EXPECT_DOUBLE_EQ(found.modules[1].seconds, 5.749301492537314e-07);
}

TEST(ApiRoofline, TakesADeviceOfOnesOwn) {
  const Device device = parse_device(
      "name = \"mine\"\n[peak]\nfloat32 = 1e12\n[memory]\nbandwidth = 1e11\n", "mine.toml");
  const Network network = trace("resnet18");
  const NetworkRoofline found = roofline(network, device);
  // 3.638 GFLOP at 1 TFLOP/s.
  EXPECT_NEAR(found.total.compute, 3637807080 / 1e12, 1e-12);
  EXPECT_THAT(failure_of([&] { roofline(network, device, {.type = NumberType::float64}); }),
              HasSubstr("mine computes in float32"));
}

TEST(ApiExplain, CountsByEveryConvention) {
  const NetworkExplanation found = explain(trace("resnet18"));
  std::vector<std::string> names;
  for (const ExplainedConvention& each : found.conventions) names.push_back(each.name);
  EXPECT_THAT(names, ElementsAre("native", "torchvision", "torch", "fvcore", "thop", "ptflops"));
  EXPECT_THAT(found.total.costs,
              ElementsAre(3637807080, 1814073344, 3628146688, 1819065856, 1824033792, 1822177768));
  EXPECT_EQ(found.conventions[0].per_mac, 2);
  EXPECT_EQ(found.conventions[0].unit, "FLOPs");
  EXPECT_EQ(found.conventions[0].differences[1], "adds 1 per element of 17 x relu: +2.308 M");
  EXPECT_THAT(found.conventions[1].differences, IsEmpty());
  EXPECT_EQ(found.operators[0].name, "conv2d");
  EXPECT_EQ(found.operators[0].macs, 1813561344);
}

TEST(ApiDiff, MatchesModules) {
  const NetworkDiff found = diff(trace("resnet18"), trace("resnet18", {.batch = 2}));
  EXPECT_EQ(found.counts.changed, 68);
  EXPECT_EQ(found.counts.same, 0);
  EXPECT_EQ(found.before.peak_bytes, 7024640);
  EXPECT_EQ(found.after.peak_bytes, 14049280);
  ASSERT_EQ(found.modules.size(), 68u);
  const ModuleChange& conv1 = found.modules[1];
  EXPECT_EQ(conv1.state, ModuleState::changed);
  EXPECT_EQ(conv1.parent, 0u);
  EXPECT_EQ(conv1.depth, 1u);
  EXPECT_EQ(conv1.before->path, "conv1");
  EXPECT_EQ(conv1.before->macs, 118013952);
  EXPECT_EQ(conv1.after->macs, 236027904);
  ASSERT_EQ(conv1.details.size(), 1u);
  EXPECT_EQ(conv1.details[0].what, "output");
  EXPECT_EQ(conv1.details[0].after, "2x64x112x112");
  EXPECT_EQ(found.operators[0].name, "conv2d");
  EXPECT_EQ(found.operators[0].count_before, 20);
}

TEST(ApiDiff, HasOneSideOnlyOfWhatIsAddedOrRemoved) {
  const NetworkDiff found = diff(trace("resnet18"), trace("resnet34"));
  const auto added =
      std::find_if(found.modules.begin(), found.modules.end(),
                   [](const ModuleChange& each) { return each.state == ModuleState::added; });
  ASSERT_NE(added, found.modules.end());
  EXPECT_FALSE(added->before.has_value());
  EXPECT_TRUE(added->after.has_value());
  EXPECT_FALSE(found.modules[0].parent.has_value());
  EXPECT_GT(found.counts.added, 0);
}

TEST(ApiSweep, GoesThroughEveryCombination) {
  const std::vector<SweepResult> found =
      sweep({"resnet18"}, {.axes = {.batches = {2, 1},
                                    .resolutions = {{160, 160}},
                                    .dtypes = {DType::float32, DType::float16}}});
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].model, "resnet18");
  EXPECT_EQ(found[0].batch, 1);
  EXPECT_EQ(found[0].resolution, (Resolution{160, 160}));
  EXPECT_EQ(found[0].dtype, "float32");
  EXPECT_EQ(found[0].totals.metrics.macs, 925798400);
  EXPECT_EQ(found[0].totals.peak_bytes, 3584000);
  EXPECT_EQ(found[3].batch, 2);
  EXPECT_EQ(found[3].dtype, "float16");
  EXPECT_EQ(found[3].totals.peak_bytes, 3584000);
  EXPECT_THAT(found[3].reason, IsEmpty());
}

TEST(ApiSweep, TakesPatternsFilesAndParts) {
  const std::string file = tree + "/tests/data/onnx/light_squeezenet.onnx";
  const auto names = [&](const SweepOptions& options) {
    std::vector<std::string> models;
    for (const SweepResult& each : sweep({"resnet1?", file, "resnet5*"}, options))
      models.push_back(each.model);
    return models;
  };
  EXPECT_THAT(names({}), ElementsAre(file, "resnet18", "resnet50"));
  EXPECT_THAT(names({.part = 2, .parts = 2, .threads = 2}), ElementsAre("resnet18"));
  EXPECT_EQ(sweep({}).size(), models().size());
}

TEST(ApiSweep, HasAReasonWhereAModelRefuses) {
  const std::vector<SweepResult> found =
      sweep({"inception_v3"}, {.axes = {.resolutions = {{8, 8}}}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].reason, StartsWith("inception_v3"));
  EXPECT_EQ(found[0].totals.metrics.macs, 0);
}

TEST(ApiSweep, RefusesInvalidWords) {
  EXPECT_THAT(failure_of([] { sweep({"resnet1"}); }),
              StartsWith("unknown_name: no such model: resnet1 (did you mean resnet1"));
  EXPECT_EQ(failure_of([] { sweep({"resnet18"}, {.part = 3, .parts = 2}); }),
            "usage: part: expected 1 to 2, got 3");
  EXPECT_EQ(failure_of([] {
              sweep_each({"resnet18"}, {}, [](const SweepResult& result) {
                throw Error(ErrorCode::check, result.model);
              });
            }),
            "check: resnet18");
}

TEST(ApiFvcoreTable, GoesDownToADepth) {
  const std::string table = fvcore_table(trace("resnet18"), 1);
  EXPECT_THAT(table, HasSubstr("|  conv1   |  9.408K                |  0.118G  |\n"));
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 11);
  EXPECT_GT(fvcore_table(trace("resnet18")).size(), table.size());
}

TEST(ApiWriteReport, TakesADepth) {
  const Network network = trace("resnet18");
  const std::string whole = write_report(network, "csv");
  const std::string top = write_report(network, "csv", "native", {.depth = 0});
  EXPECT_EQ(std::count(top.begin(), top.end(), '\n'), 2);
  EXPECT_EQ(std::count(whole.begin(), whole.end(), '\n'), 1 + 68);
}

TEST(ApiWriteGraph, WritesAModelThatIsReadBack) {
  const Network network = trace("resnet18");
  const std::string onnx = write_graph(network, "onnx");
  EXPECT_EQ(profile(read_model(as_bytes(onnx), "again")).total.macs, 1814073344);
  EXPECT_THAT(write_graph(network, "json"), HasSubstr("zoometer.graph/1"));
  EXPECT_THAT(failure_of([&] { write_graph(network, "yaml"); }),
              StartsWith("unknown_name: no such graph format: expected "));
  EXPECT_EQ(failure_of([&] { write_graph(network, "json", {.depth = 2}); }),
            "usage: the option depth has no effect on json");
  EXPECT_EQ(failure_of([&] { write_graph(network, "dot", {.weights = WeightData::random}); }),
            "usage: the option weights has no effect on dot");
}

TEST(ApiSaveGraph, GoesByTheEnding) {
  const Network network = trace("alexnet");
  const std::string path = std::filesystem::temp_directory_path() / "zoometer_api_test.json";
  save_graph(network, path);
  EXPECT_EQ(bytes_of_file(path), write_graph(network, "json"));
  std::filesystem::remove(path);
  EXPECT_EQ(
      failure_of([&] { save_graph(network, "alexnet.h5"); }),
      "usage: cannot choose a graph format by the file's name: expected an ending like .onnx, "
      ".json, .dot, .svg, .png, .pdf or .txt, got alexnet.h5");
}

}  // namespace
}  // namespace zoometer
