// Exported programs written by hand: every feature of the format, and every way to break it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/profile.hpp"
#include "import/importer.hpp"
#include "program_text.hpp"
#include "zip_writer.hpp"

namespace zoometer {

extern const Importer pt2_importer;

namespace {

using ::testing::AllOf;
using testing::bytes_of;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using testing::ProgramText;
using testing::ZipWriter;

/// An archive of torch 2.8 and later with one model and its configurations.
std::string archive_of(const std::string& program, const std::string& weights = "",
                       const std::string& model = "model") {
  ZipWriter writer;
  writer.add("root/archive_format", "pt2");
  writer.add("root/models/" + model + ".json", program);
  if (!weights.empty())
    writer.add("root/data/weights/" + model + "_weights_config.json",
               "{\"config\":{" + weights + "}}");
  return writer.finish();
}

struct Imported {
  Graph graph;
  ImportNotes notes;
};

Imported import(const std::string& archive, const TraceOptions& options = {}) {
  Imported imported;
  const MappedFile file("test.pt2", bytes_of(archive));
  imported.notes = import_file(file, options, imported.graph);
  return imported;
}

Error error_of(const std::string& archive, const TraceOptions& options = {}) {
  try {
    import(archive, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.place.model, "test.pt2");
    return error;
  }
  ADD_FAILURE() << "no error";
  return {ErrorCode::internal, "none"};
}

void expect_error(const std::string& archive, ErrorCode code, const char* message,
                  const TraceOptions& options = {}) {
  const Error error = error_of(archive, options);
  EXPECT_EQ(name_of(error.code), name_of(code)) << error.what();
  EXPECT_THAT(error.what(), HasSubstr(message));
}

std::string output_shape(const Graph& graph, std::size_t index = 0) {
  return to_string(graph.shape(graph.outputs()[index].value));
}

std::vector<std::string> ops_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) names.emplace_back(node.op->name);
  return names;
}

std::vector<std::string> calls_of(const Graph& graph) {
  std::vector<std::string> lines;
  for (const ModuleCall& call : graph.calls()) {
    std::string line = graph.module_path(call.module);
    for (const ValueId value : graph.outputs_of(call))
      line += " " + to_short_string(graph.shape(value));
    lines.push_back(line);
  }
  return lines;
}

std::int64_t parameters_of(const Graph& graph) { return profile(graph).total.parameters; }

const std::string root = "L__self__,,my.package.Net";

/// x (2, 3) through fc (4, 3) and relu.
ProgramText small_program() {
  ProgramText program;
  program.parameter("p_weight", "fc.weight", "4,3").parameter("p_bias", "fc.bias", "4");
  program.input("x", "2,3");
  program.node("linear.default", {"input=T(x)", "weight=T(p_weight)", "bias=T(p_bias)"}, "linear",
               "2,4", root + ";L__self__fc,fc,torch.nn.modules.linear.Linear");
  program.node("relu.default", {"self=T(linear)"}, "relu", "2,4", root);
  program.output("relu");
  return program;
}

// -- layouts --------------------------------------------------------------------------------------

TEST(Program, IsReadFromTheNewerLayout) {
  const Imported imported = import(archive_of(small_program().str()));
  EXPECT_EQ(imported.notes.format, "torch.export, schema 8.8");
  EXPECT_EQ(imported.notes.producer, "torch 2.7.0");
  EXPECT_THAT(ops_of(imported.graph), ElementsAre("linear", "relu"));
  EXPECT_THAT(calls_of(imported.graph), ElementsAre(" 2x4", "fc 2x4"));
  EXPECT_EQ(imported.graph.modules()[0].kind, "Net");
  EXPECT_EQ(imported.graph.modules()[1].kind, "Linear");
  EXPECT_EQ(parameters_of(imported.graph), 16);
  EXPECT_EQ(profile(imported.graph).total.macs, 24);
  EXPECT_EQ(imported.graph.node_name(1), "relu");
}

TEST(Program, IsReadFromTheOlderLayout) {
  for (const bool old_signature : {false, true}) {
    ZipWriter writer;
    writer.add("serialized_exported_program.json",
               old_signature ? small_program().old_str() : small_program().str(),
               {.deflate = true});
    writer.add("serialized_state_dict.pt", "an unused pickle");
    writer.add("version", "8.8");
    const Imported imported = import(writer.finish());
    EXPECT_EQ(imported.notes.format,
              old_signature ? "torch.export, schema 1" : "torch.export, schema 8.8");
    EXPECT_EQ(parameters_of(imported.graph), 16);
    EXPECT_EQ(output_shape(imported.graph), "(2, 4)");
  }
}

TEST(Program, TakesUnionsThatListEveryKey) {
  ProgramText program;
  program.input("x", R"({"as_int":2,"as_expr":null},{"as_expr":null,"as_int":3})");
  program.node("sum.dim_IntList",
               {"self={\"as_none\":null,\"as_tensor\":{\"name\":\"x\"},\"as_int\":null}",
                "dim={\"as_none\":null,\"as_ints\":[1]}",
                "keepdim={\"as_bool\":true,\"as_none\":null}", "dtype={\"as_none\":[]}"},
               "sum", "2,1");
  program.output("sum");
  EXPECT_EQ(output_shape(import(archive_of(program.str())).graph), "(2, 1)");
}

TEST(Program, UnwrapsTheFirstTensorMetas) {
  std::string text = small_program().old_str();
  const std::string meta = "\"relu\":{\"dtype\"";
  text.replace(text.find(meta), meta.size(), "\"relu\":{\"meta\":{\"dtype\"");
  const std::size_t end = text.find("\"layout\":7}", text.find("\"relu\":{\"meta\"")) + 10;
  text.insert(end, "}");
  EXPECT_EQ(output_shape(import(archive_of(text)).graph), "(2, 4)");
}

TEST(Program, IsChosenAmongSeveral) {
  ZipWriter writer;
  writer.add("archive_format", "pt2");
  writer.add("models/encoder.json", small_program().str());
  ProgramText other;
  other.input("x", "5").output("x");
  writer.add("models/decoder.json", other.str());
  const std::string archive = writer.finish();
  TraceOptions options;
  options.entry = "decoder";
  EXPECT_EQ(output_shape(import(archive, options).graph), "(5,)");
  expect_error(archive, ErrorCode::usage, "several models");
  options.entry = "other";
  expect_error(archive, ErrorCode::unknown_name, "no model other", options);
  EXPECT_EQ(error_of(archive, options).hint, "choose with --entry: encoder, decoder");
}

TEST(Program, NamesTheFirstOfManyModels) {
  ZipWriter writer;
  writer.add("archive_format", "pt2");
  for (int i = 0; i < 30; ++i)
    writer.add("models/m" + std::to_string(i) + (i == 3 ? "\x1b[2J" : "") + ".json", "{}");
  const std::string hint = error_of(writer.finish(), {}).hint;
  EXPECT_THAT(hint, HasSubstr("m2, m3\\x1b[2J, m4"));
  EXPECT_THAT(hint, EndsWith("m19, ..."));
}

TEST(Program, IsMissingIfTheArchiveWasCompiled) {
  ZipWriter writer;
  writer.add("root/archive_format", "pt2");
  writer.add("root/data/aotinductor/model/model.so", "code");
  expect_error(writer.finish(), ErrorCode::unsupported, "AOTInductor");
}

// -- state ----------------------------------------------------------------------------------------

TEST(Program, DistinguishesBuffersByTheirPersistence) {
  ProgramText program;
  program.buffer("b_mean", "bn.mean", "3").buffer("b_mask", "mask", "2,2", false);
  program.constant("c_lifted", "lifted_tensor_0", "1").input("x", "3").output("x");
  const Imported imported = import(archive_of(program.str()));
  ASSERT_EQ(imported.graph.parameters().size(), 3U);
  EXPECT_EQ(imported.graph.parameters()[0].kind, ParameterKind::buffer);
  EXPECT_EQ(imported.graph.parameters()[1].kind, ParameterKind::constant);
  EXPECT_EQ(imported.graph.parameters()[2].kind, ParameterKind::constant);
  EXPECT_EQ(imported.graph.parameter_path(imported.graph.parameters()[0]), "bn.mean");
}

std::string payload(const std::string& name, const std::string& file, const std::string& sizes,
                    const std::string& offset = "0") {
  return "\"" + name + "\":{\"path_name\":\"" + file +
         "\",\"is_param\":true,\"use_pickle\":false,\"tensor_meta\":{\"dtype\":7,\"sizes\":[" +
         sizes + "],\"storage_offset\":{\"as_int\":" + offset + "}}}";
}

TEST(Program, CountsAliasesOnce) {
  ProgramText program;
  program.parameter("p_a", "embed.weight", "10,4").parameter("p_b", "head.weight", "10,4");
  program.parameter("p_c", "other.weight", "10,4").input("x", "3").output("x");
  const std::string size = "{\"as_int\":10},{\"as_int\":4}";
  const std::string weights = payload("embed.weight", "weight_0", size) + "," +
                              payload("head.weight", "weight_0", size) + "," +
                              payload("other.weight", "weight_0", size, "40");
  const Imported imported = import(archive_of(program.str(), weights));
  EXPECT_EQ(imported.graph.parameters()[1].shared_with, 0U);
  EXPECT_EQ(imported.graph.parameters()[2].shared_with, no_id);
  EXPECT_EQ(parameters_of(imported.graph), 80);
}

TEST(Program, CountsOneArgumentWithTwoNamesOnce) {
  ProgramText program;
  program.parameter("p_a", "embed.weight", "10,4").input("x", "3").output("x");
  std::string text = program.str();
  const std::string spec = "{\"parameter\":{\"arg\":{\"name\":\"p_a\"},\"parameter_name\":\"";
  text.insert(text.find(spec), spec + "head.weight\"}},");
  EXPECT_EQ(parameters_of(import(archive_of(text)).graph), 40);
}

TEST(Program, TakesStateThatNoNodeReadsFromTheConfiguration) {
  ProgramText program;
  program.input("x", "3").output("x");
  const Imported imported =
      import(archive_of(program.str(), payload("unused.weight", "weight_0", "{\"as_int\":6}") +
                                           ",\"object\":{\"path_name\":\"custom_obj_0\"}"));
  EXPECT_EQ(parameters_of(imported.graph), 6);
}

// -- modules --------------------------------------------------------------------------------------

TEST(Program, ListsUncalledModules) {
  ProgramText program = small_program();
  program.module_call("").module_call("dropout").module_call("fc").module_call("fc@1");
  const Imported imported = import(archive_of(program.str()));
  ASSERT_EQ(imported.graph.modules().size(), 3U);
  EXPECT_EQ(imported.graph.module_path(1), "dropout");
  EXPECT_EQ(imported.graph.modules()[1].kind, "Module");
  EXPECT_EQ(imported.graph.module_path(2), "fc");
}

TEST(Program, DistinguishesCalls) {
  ProgramText program;
  program.input("x", "2");
  const std::string a = root + ";L__self__a,a,A";
  const std::string again = root + ";L__self__a@1,a@1,A";
  program.node("relu.default", {"self=T(x)"}, "r0", "2", a);
  program.node("relu.default", {"self=T(r0)"}, "r1", "2", a);
  program.node("relu.default", {"self=T(r1)"}, "r2", "2", again);
  program.node("relu.default", {"self=T(r2)"}, "r3", "2");
  program.node("cat.default", {"tensors={\"as_tensors\":[{\"name\":\"r3\"},{\"name\":\"r1\"}]}"},
               "r4", "4", a);
  program.output("r4");
  const Imported imported = import(archive_of(program.str()));
  EXPECT_THAT(calls_of(imported.graph), ElementsAre(" 4", "a 2", "a 2", "a 4"));
  EXPECT_EQ(imported.graph.modules().size(), 2U);
}

TEST(Program, DoesNotCountAnAssertionAsAUse) {
  ProgramText program;
  program.input("x", "2");
  program.node("relu.default", {"self=T(x)"}, "r0", "2", root + ";a,a,A");
  program.node("neg.default", {"self=T(r0)"}, "r1", "2", root + ";a,a,A");
  program.raw_node("torch.ops.aten._assert_tensor_metadata.default", {"a=T(r0)"}, "", root);
  program.output("r1");
  EXPECT_THAT(calls_of(import(archive_of(program.str())).graph), ElementsAre(" 2", "a 2"));
}

TEST(Program, UnderstandsThePathsOfTheFirstReleases) {
  ProgramText program;
  program.input("x", "2");
  program.node("relu.default", {"self=T(x)"}, "r0", "2",
               "L__self__,L['self'],my.Net;L__self___a,L['self'].a,<class 'my.A'>;"
               "b,getattr(L['self'].a, '0'),my.B;c,L['self'].a['0'].c,my.C");
  program.output("r0");
  const Imported imported = import(archive_of(program.old_str()));
  std::vector<std::string> modules;
  for (std::size_t i = 0; i < imported.graph.modules().size(); ++i) {
    modules.push_back(imported.graph.module_path(static_cast<ModuleId>(i)) + " " +
                      std::string(imported.graph.modules()[i].kind));
  }
  EXPECT_THAT(modules, ElementsAre(" Net", "a A", "a.0 B", "a.0.c C"));
}

// -- operators ------------------------------------------------------------------------------------

TEST(Program, ListsUnknownOperatorsWithDeclaredShapes) {
  ProgramText program;
  program.input("x", "2");
  program.raw_node("torch.ops.my_domain.my_op.Tensor", {"x=T(x)"},
                   R"({"as_tensors":[{"name":"a"},{"name":"b"}]},{"as_none":true})");
  program.value("a", "3,4").value("b", "5", 5);
  program.node("relu.default", {"self=T(a)"}, "r", "3,4").output("r");
  const Imported imported = import(archive_of(program.str()));
  EXPECT_THAT(ops_of(imported.graph), ElementsAre("unknown", "relu"));
  EXPECT_EQ(imported.graph.value(imported.graph.nodes()[0].first_output + 1).dtype, DType::int64);
  ASSERT_EQ(profile(imported.graph).coverage.unknown.size(), 1U);
  EXPECT_EQ(profile(imported.graph).coverage.unknown[0].name, "my_domain::my_op.Tensor");
}

TEST(Program, TakesWhatATranslationLacksAsUnknown) {
  ProgramText program;
  program.input("x", "2,4");
  program.raw_node("torch.ops.aten.native_dropout.default",
                   {"input=T(x)", "p=f(0.5)", "train=b(false)"},
                   R"({"as_tensor":{"name":"y"}},{"as_tensor":{"name":"mask"}})");
  program.value("y", "2,4").value("mask", "2,4", 12);
  program.output("y").output("mask");
  const Imported imported = import(archive_of(program.str()));
  EXPECT_THAT(ops_of(imported.graph), ElementsAre("dropout", "unknown"));
  EXPECT_EQ(output_shape(imported.graph, 1), "(2, 4)");
}

TEST(Program, TakesAdditionalResultsOfANode) {
  ProgramText program;
  program.input("x", "1,2,4,4");
  program.raw_node("torch.ops.aten.max_pool2d_with_indices.default",
                   {"self=T(x)", "kernel_size=I(2,2)"},
                   R"({"as_tensor":{"name":"y"}},{"as_tensor":{"name":"indices"}})");
  program.value("y", "1,2,2,2").value("indices", "1,2,2,2", 5);
  program.output("y").output("indices");
  const Imported imported = import(archive_of(program.str()));
  EXPECT_THAT(ops_of(imported.graph), ElementsAre("max_pool2d"));
  EXPECT_EQ(output_shape(imported.graph, 1), "(1, 2, 2, 2)");
  EXPECT_EQ(imported.graph.value(imported.graph.outputs()[1].value).dtype, DType::int64);
}

TEST(Program, CountsADeformableConvolution) {
  ProgramText program;
  program.parameter("w", "weight", "3,2,2,2").parameter("b", "bias", "3");
  program.input("x", "1,2,4,4").input("moved", "1,8,3,3").input("mask", "1,1");
  program.raw_node("torch.ops.torchvision.deform_conv2d.default",
                   {"input=T(x)", "weight=T(w)", "offset=T(moved)", "mask=T(mask)", "bias=T(b)",
                    "stride_h=i(1)", "stride_w=i(1)", "pad_h=i(0)", "pad_w=i(0)", "dilation_h=i(1)",
                    "dilation_w=i(1)", "groups=i(1)", "offset_groups=i(1)",
                    "use_mask={\"as_bool\":false}"},
                   R"({"as_tensor":{"name":"y"}})");
  program.value("y", "1,3,3,3").output("y");
  const Imported imported = import(archive_of(program.str()));
  EXPECT_THAT(ops_of(imported.graph), ElementsAre("deform_conv2d"));
  EXPECT_EQ(profile(imported.graph).total.macs, 3 * 9 * 2 * 4);
}

/// A program of attention calls, each with one more argument.
std::string attention_with(const std::vector<std::string>& arguments) {
  ProgramText program;
  program.input("x", "1,2,4,8");
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string name = "y" + std::to_string(i);
    program.node("scaled_dot_product_attention.default",
                 {"query=T(x)", "key=T(x)", "value=T(x)", arguments[i]}, name, "1,2,4,8");
    program.output(name);
  }
  return archive_of(program.str());
}

std::vector<std::string> ignored_in(const std::vector<std::string>& arguments) {
  return import(attention_with(arguments)).notes.ignored;
}

TEST(Program, NotesArgumentsThatNoTranslationReads) {
  const std::string grouped = "newer=b(true)";
  EXPECT_THAT(ignored_in({grouped, "dropout_p=f(0.5)", grouped}),
              ElementsAre("scaled_dot_product_attention newer=True was not taken into account "
                          "(2 nodes)",
                          "scaled_dot_product_attention dropout_p=0.5 was not taken into account "
                          "(1 node)"));
}

TEST(Program, TakesArgumentsWithoutEffectForRead) {
  const std::string device = "device={\"as_device\":{\"type\":\"cpu\",\"index\":null}}";
  EXPECT_THAT(ignored_in({"enable_gqa=b(false)", "dropout_p=f(0.0)", "attn_mask=T(x)", device,
                          "pin_memory=b(true)", "attn_bias={\"as_none\":true}"}),
              IsEmpty());
}

TEST(Program, ListsAFewIgnoredArguments) {
  std::vector<std::string> arguments;
  for (int i = 1; i <= 23; ++i) arguments.push_back("dropout_p=i(" + std::to_string(i) + ")");
  arguments.push_back(arguments.back());  // the rest is counted by setting, not by node
  const std::vector<std::string> ignored = ignored_in(arguments);
  EXPECT_EQ(ignored.size(), 21U);
  EXPECT_EQ(ignored.back(), "and 3 more were not taken into account");
}

TEST(Program, NotesOtherDeclaredShapes) {
  ProgramText program;
  program.input("x", "2,3");
  program.node("add.Tensor", {"self=T(x)", "other=T(x)"}, "y", "2,4");
  program.node("elu.default", {"self=T(y)", "alpha=i(1)", "scale=i(3)"}, "z", "2,3");
  program.output("z");
  const Imported imported = import(archive_of(program.str()));
  EXPECT_THAT(imported.notes.notes, ElementsAre(HasSubstr("declares (2, 4) for y"),
                                                HasSubstr("a scale other than SELU's")));
  EXPECT_THAT(ops_of(imported.graph), ElementsAre("add", "unknown"));
}

TEST(Program, MarksWhatIsWrittenInPlace) {
  ProgramText program;
  program.input("x", "2,3");
  program.node("relu_.default", {"self=T(x)"}, "y", "2,3");
  program.node("zero_.default", {"self=T(y)"}, "z", "2,3");
  program.output("z");
  const Imported imported = import(archive_of(program.str()));
  EXPECT_THAT(ops_of(imported.graph), ElementsAre("relu", "full"));
  EXPECT_TRUE(imported.graph.value(imported.graph.nodes()[0].first_output).has(Value::shares));
  EXPECT_FALSE(imported.graph.value(imported.graph.nodes()[1].first_output).has(Value::shares));
}

TEST(Program, TakesNonFiniteNumbersInBothSpellings) {
  for (const char* number : {"-Infinity", "\"-Infinity\"", "NaN", "\"NaN\"", "Infinity"}) {
    ProgramText program;
    program.input("x", "2");
    program.node("eq.Scalar", {"self=T(x)", "other={\"as_float\":" + std::string(number) + "}"},
                 "y", "2", "", 12);
    program.output("y");
    EXPECT_EQ(output_shape(import(archive_of(program.str())).graph), "(2,)") << number;
  }
}

TEST(Program, RefusesAnInvalidNumber) {
  ProgramText program;
  program.input("x", "2");
  program.node("eq.Scalar", {"self=T(x)", "other={\"as_float\":\"much\"}"}, "y", "2", "", 12);
  program.output("y");
  expect_error(archive_of(program.str()), ErrorCode::malformed, "as_float");
}

TEST(Program, RefusesAnArchiveThatLostItsProgram) {
  // As if the file changed after it was recognised.
  ZipWriter writer;
  writer.add("notes.txt", "nothing");
  const std::string archive = writer.finish();
  Imported imported;
  try {
    pt2_importer.read(MappedFile("test.pt2", bytes_of(archive)), {}, imported.graph,
                      imported.notes);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::unsupported);
    EXPECT_EQ(error.message, "the archive contains no exported program");
  }
}

TEST(Program, InlinesTransparentGraphs) {
  ProgramText inner;
  inner.input("a", "2").node("neg.default", {"self=T(a)"}, "n", "2", root + ";b,b,B").output("n");
  ProgramText program;
  program.input("x", "2");
  program.raw_node("torch.ops.higher_order.wrap_with_set_grad_enabled",
                   {"={\"as_bool\":false}",
                    "={\"as_graph\":{\"name\":\"sub\",\"graph\":" + inner.graph() + "}}", "=T(x)"},
                   R"({"as_tensor":{"name":"y"}})", root);
  program.value("y", "2").output("y");
  const Imported imported = import(archive_of(program.str()));
  EXPECT_THAT(ops_of(imported.graph), ElementsAre("neg"));
  EXPECT_THAT(calls_of(imported.graph), ElementsAre(" 2", "b 2"));
  EXPECT_THAT(imported.notes.notes, IsEmpty());
}

/// An inner graph as an argument.
std::string graph_argument(const ProgramText& graph) {
  return "={\"as_graph\":{\"name\":\"g\",\"graph\":" + graph.graph() + "}}";
}

/// a (2) through an operator.
ProgramText branch(const std::string& target) {
  ProgramText graph;
  graph.input("a", "2").node(target, {"self=T(a)"}, "n", "2", root + ";b,b,B").output("n");
  return graph;
}

TEST(Program, CountsTheCostlierBranch) {
  const ProgramText cheap = branch("neg.default");
  const ProgramText costly = branch("gelu.default");
  for (const bool is_first : {true, false}) {
    ProgramText program;
    program.input("p", "", 12).input("x", "2");
    program.raw_node("torch.ops.higher_order.cond",
                     {"=T(p)", graph_argument(is_first ? costly : cheap),
                      graph_argument(is_first ? cheap : costly), "=L(x)"},
                     R"({"as_tensors":[{"name":"y"}]})");
    program.value("y", "2").output("y");
    const Imported imported = import(archive_of(program.str()));
    EXPECT_THAT(ops_of(imported.graph), ElementsAre("gelu"));
    EXPECT_THAT(calls_of(imported.graph), ElementsAre(" 2", "b 2"));
    const char* branch = is_first ? "branch for true" : "branch for false";
    EXPECT_THAT(imported.notes.notes, ElementsAre(HasSubstr(branch)));
  }
}

/// Both branches are read, and the costlier one twice.
TEST(Program, CountsIgnoredArgumentsOfTheChosenBranch) {
  ProgramText costly, cheap;
  costly.input("a", "2").node("std.default", {"self=T(a)"}, "s", "");
  costly.node("softplus.default", {"self=T(a)", "surprise=i(1)"}, "n", "2").output("n");
  cheap.input("a", "2").node("relu.default", {"self=T(a)", "surprise=i(1)"}, "n", "2");
  cheap.output("n");
  for (const bool is_first : {true, false}) {
    ProgramText program;
    program.input("p", "", 12).input("x", "2");
    program.raw_node("torch.ops.higher_order.cond",
                     {"=T(p)", graph_argument(is_first ? costly : cheap),
                      graph_argument(is_first ? cheap : costly), "=L(x)"},
                     R"({"as_tensors":[{"name":"y"}]})");
    program.value("y", "2").output("y");
    EXPECT_THAT(import(archive_of(program.str())).notes.ignored,
                ElementsAre("softplus surprise=1 was not taken into account (1 node)"));
  }
}

TEST(Program, CountsALoopOverDataOnce) {
  ProgramText condition;
  condition.input("a", "2").node("any.default", {"self=T(a)"}, "n", "", "", 12).output("n");
  ProgramText program;
  program.input("x", "2");
  program.raw_node("torch.ops.higher_order.while_loop",
                   {graph_argument(condition), graph_argument(branch("neg.default")), "=L(x)"},
                   R"({"as_tensors":[{"name":"y"}]})");
  program.value("y", "2").output("y");
  const Imported imported = import(archive_of(program.str()));
  EXPECT_THAT(ops_of(imported.graph), ElementsAre("any", "neg"));
  EXPECT_THAT(imported.notes.notes, ElementsAre(HasSubstr("counted once")));
}

/// A running sum of x (length, 2), whose first state is s (2): each step gives its double, too.
ProgramText scan_of(const std::string& length) {
  ProgramText body;
  body.input("state", "2").input("step", "2");
  body.node("add.Tensor", {"self=T(state)", "other=T(step)"}, "next", "2");
  body.node("mul.Tensor", {"self=T(next)", "other=i(2)"}, "twice", "2");
  body.output("next").output("twice");
  ProgramText program;
  program.input("s", "2").input("x", length + ",2");
  program.raw_node("torch.ops.higher_order.scan",
                   {graph_argument(body), "=L(s)", "=L(x)", "={\"as_tensors\":[]}"},
                   R"({"as_tensors":[{"name":"last"},{"name":"all"}]})");
  program.value("last", "2").value("all", length + ",2").output("last").output("all");
  return program;
}

TEST(Program, CountsEveryStepOfAScan) {
  const Imported imported = import(archive_of(scan_of("3").str()));
  EXPECT_THAT(imported.notes.notes, IsEmpty());
  EXPECT_EQ(profile(imported.graph).total.flops, 3 * (2 + 2));
  EXPECT_EQ(output_shape(imported.graph, 0), "(2,)");
  EXPECT_EQ(output_shape(imported.graph, 1), "(3, 2)");
}

TEST(Program, LeavesAScanUnknownThatNeverMakesItsResult) {
  std::string text = scan_of("3").str();
  const std::string made = "{\"as_tensor\":{\"name\":\"twice\"}}],\"nodes\"";
  ASSERT_NE(text.find(made), std::string::npos);
  text.replace(text.find("twice", text.find(made)), 5, "never");
  const Imported imported = import(archive_of(text));
  EXPECT_THAT(ops_of(imported.graph), ElementsAre("unknown"));
}

TEST(Program, CountsAScanWithoutEndOnce) {
  const Imported imported = import(archive_of(scan_of("900000000000").str()));
  EXPECT_THAT(imported.notes.notes, ElementsAre(HasSubstr("counted once")));
  EXPECT_EQ(profile(imported.graph).total.flops, 2 + 2);
  EXPECT_EQ(output_shape(imported.graph, 1), "(900000000000, 2)");
}

TEST(Program, BoundsBranchesWithinBranches) {
  // Each level reads its costlier branch, the second one, twice.
  ProgramText leaf;
  leaf.input("a", "2");
  for (int i = 0; i < 10; ++i)
    leaf.node("neg.default", {"self=T(a)"}, "n" + std::to_string(i), "2");
  leaf.output("n9");
  ProgramText inner = leaf;
  for (int i = 0; i < 14; ++i) {
    ProgramText outer;
    outer.input("a", "2");
    outer.raw_node("torch.ops.higher_order.cond",
                   {"=T(a)", graph_argument(branch("neg.default")), graph_argument(inner), "=L(a)"},
                   R"({"as_tensors":[{"name":"y"}]})");
    outer.value("y", "2").output("y");
    inner = outer;
  }
  ProgramText program;
  program.input("x", "2");
  program.raw_node("torch.ops.higher_order.wrap", {graph_argument(inner), "=L(x)"},
                   R"({"as_tensors":[{"name":"y"}]})");
  program.value("y", "2").output("y");
  expect_error(archive_of(program.str()), ErrorCode::limit, "too large for its program");
}

TEST(Program, LeavesOtherHigherOrderOperatorsUnknown) {
  ProgramText body;
  body.input("a", "2").output("a");
  ProgramText program;
  program.input("x", "2");
  program.raw_node("torch.ops.higher_order.associative_scan", {graph_argument(body), "=L(x)"},
                   R"({"as_tensors":[{"name":"y"}]})");
  program.value("y", "2").output("y");
  EXPECT_EQ(profile(import(archive_of(program.str())).graph).coverage.unknown[0].name,
            "higher_order::associative_scan");
}

TEST(Program, NamesItsResultsByTheirStructure) {
  ProgramText program;
  program.input("x", "2").output("x").output("x").output("x");
  program.module_call(
      "", R"([1, {"type": "builtins.dict", "context": "[\"out\", \"rest\"]", "children_spec": [)"
          R"({"type": null, "context": null, "children_spec": []},)"
          R"({"type": "builtins.tuple", "context": "null", "children_spec": [)"
          R"({"type": null, "context": null, "children_spec": []},)"
          R"({"type": null, "context": null, "children_spec": []}]}]}])");
  const Imported imported = import(archive_of(program.str()));
  EXPECT_EQ(imported.graph.outputs()[0].name, "out");
  EXPECT_EQ(imported.graph.outputs()[1].name, "rest.0");
  EXPECT_EQ(imported.graph.outputs()[2].name, "rest.1");
}

// -- symbolic sizes -------------------------------------------------------------------------------

std::string expression(const std::string& text, const std::string& hint) {
  return "{\"as_expr\":{\"expr_str\":\"" + text + "\",\"hint\":" + hint + "}}";
}

/// x (s0, 3), of which the first half is taken and flattened.
ProgramText symbolic_program() {
  const std::string s0 = expression("Symbol('s0', positive=True, integer=True)", "{\"as_int\":4}");
  const std::string half =
      expression("FloorDiv(Symbol('s0', positive=True), Integer(2))", "{\"as_int\":2}");
  ProgramText program;
  program.input("x", s0 + ",{\"as_int\":3}").range("s0", "2", "100");
  program.raw_node("torch.ops.aten.sym_size.int", {"self=T(x)", "dim=i(0)"},
                   R"({"as_sym_int":{"as_name":"size"}})");
  program.raw_node("_operator.floordiv", {"a={\"as_sym_int\":{\"as_name\":\"size\"}}", "b=i(2)"},
                   R"({"as_sym_int":{"as_name":"half"}})");
  program.symbol("size", s0).symbol("half", half);
  program.node(
      "slice.Tensor",
      {"self=T(x)", "dim=i(0)", "start=i(0)", "end={\"as_sym_int\":{\"as_name\":\"half\"}}"}, "s",
      half + ",{\"as_int\":3}");
  program.node("reshape.default",
               {"self=T(s)",
                "shape={\"as_sym_ints\":[{\"as_int\":1},{\"as_int\":3},{\"as_name\":\"half\"}]}"},
               "r", "{\"as_int\":1},{\"as_int\":3}," + half);
  program.output("r");
  return program;
}

TEST(Program, TakesSymbolicSizesFromItsExample) {
  const Imported imported = import(archive_of(symbolic_program().str()));
  EXPECT_EQ(output_shape(imported.graph), "(1, 3, 2)");
  EXPECT_THAT(imported.notes.dims, ElementsAre(Pair("s0", 4)));
  EXPECT_THAT(imported.notes.notes, ElementsAre("the size s0 is taken as 4"));
}

TEST(Program, TakesSymbolicSizesFromTheUser) {
  TraceOptions options;
  options.dims = {{"s0", 10}};
  Imported imported = import(archive_of(symbolic_program().str()), options);
  EXPECT_EQ(output_shape(imported.graph), "(1, 3, 5)");
  EXPECT_THAT(imported.notes.notes, IsEmpty());

  for (const std::string name : {"", "x"}) {
    options = {};
    options.inputs = {{name, Shape{20, 3}}};
    imported = import(archive_of(symbolic_program().str()), options);
    EXPECT_EQ(output_shape(imported.graph), "(1, 3, 10)");
    EXPECT_THAT(imported.notes.dims, ElementsAre(Pair("s0", 20)));
  }
}

TEST(Program, BoundsSizesThatDependOnData) {
  const std::string u0 = expression("Symbol('u0', integer=True)", "null");
  const std::string u1 = expression("u1", "null");
  ProgramText program;
  program.input("x", "9").range("u0", "0", "9").range("u1", "0", "9223372036854775806");
  program.node("my_op.default", {"x=T(x)"}, "y", u0).node("my_op.default", {"x=T(x)"}, "z", u1);
  program.output("y").output("z");
  const Imported imported = import(archive_of(program.str()));
  EXPECT_EQ(output_shape(imported.graph), "(9,)");
  EXPECT_TRUE(imported.graph.value(imported.graph.outputs()[0].value).has(Value::bounded));
  EXPECT_EQ(output_shape(imported.graph, 1), "(1,)");
  EXPECT_THAT(imported.notes.notes, ElementsAre(HasSubstr("u1 depends on data"),
                                                "the size u0 is taken as 9, its upper bound"));
}

TEST(Program, RefusesSizesThatItDoesNotHave) {
  const std::string archive = archive_of(symbolic_program().str());
  TraceOptions options;
  options.dims = {{"batch", 2}};
  expect_error(archive, ErrorCode::unknown_name, "no symbolic size named batch", options);
  EXPECT_EQ(error_of(archive, options).hint, "it has s0");
  options.dims = {{"s0", -1}};
  expect_error(archive, ErrorCode::usage, "negative", options);
  options = {};
  options.inputs = {{"y", Shape{2, 3}}};
  expect_error(archive, ErrorCode::unknown_name, "no input named y", options);
  EXPECT_EQ(error_of(archive, options).hint, "it has 1: x");
  options.inputs = {{"", Shape{2, 3}}, {"", Shape{2, 3}}};
  expect_error(archive, ErrorCode::unknown_name, "more shapes", options);
  options.inputs = {{"x", Shape{2, 3, 4}}};
  expect_error(archive, ErrorCode::shape, "the rank of the input x", options);
  options.inputs = {{"x", Shape{6, 3}}};
  options.dims = {{"s0", 4}};
  expect_error(archive, ErrorCode::shape, "disagree on the size s0", options);
}

TEST(Program, SaysWhyAFixedSizeCannotChange) {
  ProgramText program;
  program.input("x", "2,3").node("view.default", {"self=T(x)", "size=I(6)"}, "y", "6");
  program.output("y");
  TraceOptions options;
  options.inputs = {{"x", Shape{4, 3}}};
  const Error error = error_of(archive_of(program.str()), options);
  EXPECT_EQ(error.code, ErrorCode::shape);
  EXPECT_EQ(error.place.node, "y");
  EXPECT_THAT(error.hint, HasSubstr("dynamic shapes"));
}

TEST(Program, RefusesSizesThatCannotBeEvaluated) {
  ProgramText program;
  program.input("x", "9").node("my_op.default", {"x=T(x)"}, "y", expression("foo(s0)", "null"));
  program.output("y");
  expect_error(archive_of(program.str()), ErrorCode::unsupported, "cannot be evaluated");
}

// -- broken programs ------------------------------------------------------------------------------

/// The small program with one piece of its text replaced.
std::string broken(const std::string& from, const std::string& to) {
  std::string text = small_program().str();
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("no such text: " + from);
  return archive_of(text.replace(at, from.size(), to));
}

TEST(Program, LocatesDamagedJson) {
  const Error error = error_of(archive_of("{\"graph_module\": {,}}"));
  EXPECT_EQ(error.code, ErrorCode::malformed);
  EXPECT_EQ(error.place.byte_offset, 18U);
  EXPECT_EQ(error.place.node, "root/models/model.json");
  expect_error(archive_of(""), ErrorCode::malformed, "invalid JSON");
  expect_error(archive_of(std::string(100'000, '[')), ErrorCode::malformed, "invalid JSON");
}

TEST(Program, NamesTheMemberThatBreaksTheSchema) {
  expect_error(archive_of("[]"), ErrorCode::malformed, "\"graph_module\"");
  expect_error(archive_of("{\"graph_module\":{}}"), ErrorCode::malformed, "\"graph\"");
  expect_error(broken("\"nodes\":", "\"nose\":"), ErrorCode::malformed, "\"nodes\"");
  expect_error(broken("\"tensor_values\":{", "\"tensor_values\":1,\"x\":{"), ErrorCode::malformed,
               "\"tensor_values\"");
  expect_error(broken("\"target\":", "\"garget\":"), ErrorCode::malformed, "\"target\"");
  expect_error(broken("\"sizes\":[{\"as_int\":4}", "\"sizes\":[{\"as_int\":\"4\"}"),
               ErrorCode::malformed, "\"sizes\"");
  expect_error(broken("\"parameter_name\":\"fc.bias\"", "\"parameter_name\":7"),
               ErrorCode::malformed, "\"parameter_name\"");
  expect_error(broken("\"input_specs\":[", "\"input_specs\":1,\"y\":["), ErrorCode::malformed,
               "\"input_specs\"");
}

TEST(Program, LocatesABrokenNode) {
  const Error error = error_of(broken("\"name\":\"weight\",\"arg\"", "\"name\":\"wait\",\"arg\""));
  EXPECT_EQ(error.code, ErrorCode::malformed);
  EXPECT_EQ(error.place.node, "linear");
  EXPECT_EQ(error.place.module_path, "fc");
  EXPECT_THAT(error.what(), HasSubstr("the argument \"weight\" of linear is missing"));
  expect_error(
      broken("{\"as_tensor\":{\"name\":\"p_weight\"}},\"kind\"", "{\"as_int\":1},\"kind\""),
      ErrorCode::malformed, "of the wrong kind");
}

TEST(Program, RefusesValuesThatAreNeverMade) {
  expect_error(broken("\"self\",\"arg\":{\"as_tensor\":{\"name\":\"linear\"}}",
                      "\"self\",\"arg\":{\"as_tensor\":{\"name\":\"later\"}}"),
               ErrorCode::malformed, "used before it is made");
  expect_error(broken("\"outputs\":[{\"as_tensor\":{\"name\":\"relu\"}}],\"metadata\"",
                      "\"outputs\":[{\"as_tensor\":{\"name\":\"linear\"}}],\"metadata\""),
               ErrorCode::malformed, "duplicate value linear");
  expect_error(broken("{\"user_output\":{\"arg\":{\"as_tensor\":{\"name\":\"relu\"}}}}",
                      "{\"user_output\":{\"arg\":{\"as_tensor\":{\"name\":\"none\"}}}}"),
               ErrorCode::malformed, "never made");
  expect_error(broken("{\"user_input\":{\"arg\":{\"as_tensor\":{\"name\":\"x\"}}}}",
                      "{\"token\":{\"arg\":{\"name\":\"x\"}}}"),
               ErrorCode::malformed, "has no specification");
  expect_error(broken("\"p_bias\":{", "\"bias\":{"), ErrorCode::malformed, "no declared shape");
  expect_error(broken("\"x\":{\"dtype\"", "\"y\":{\"dtype\""), ErrorCode::malformed,
               "no declared shape");
}

TEST(Program, RefusesSizesOutOfRange) {
  expect_error(broken("\"sizes\":[{\"as_int\":4}]", "\"sizes\":[{\"as_int\":-4}]"),
               ErrorCode::shape, "negative size");
  expect_error(broken("\"sizes\":[{\"as_int\":4}]",
                      "\"sizes\":[{\"as_int\":4000000000},{\"as_int\":4000000000}]"),
               ErrorCode::overflow, "too large");
  std::string seventeen = "\"sizes\":[{\"as_int\":1}";
  for (int i = 0; i < 16; ++i) seventeen += ",{\"as_int\":1}";
  expect_error(broken("\"sizes\":[{\"as_int\":4}", seventeen), ErrorCode::limit, "too long");
}

TEST(Program, BoundsNesting) {
  std::string stack = root;
  std::string path = "a";
  for (int i = 0; i < 150; ++i) path += ".a";
  expect_error(broken(root, root + ";k," + path + ",A"), ErrorCode::limit, "nested too deeply");
  for (int i = 0; i < 150; ++i) stack += ";k,a,A";
  expect_error(broken(root, stack), ErrorCode::limit, "nested too deeply");

  std::string graph = ProgramText().input("a", "2").output("a").graph();
  for (int i = 0; i < 20; ++i) {
    ProgramText outer;
    outer.input("a", "2");
    outer.raw_node("torch.ops.higher_order.wrap",
                   {"={\"as_graph\":{\"name\":\"g\",\"graph\":" + graph + "}}", "=T(a)"},
                   R"({"as_tensor":{"name":"y"}})");
    outer.value("y", "2").output("y");
    graph = outer.graph();
  }
  ProgramText program;
  program.input("x", "2");
  program.raw_node("torch.ops.higher_order.wrap",
                   {"={\"as_graph\":{\"name\":\"g\",\"graph\":" + graph + "}}", "=T(x)"},
                   R"({"as_tensor":{"name":"y"}})");
  program.value("y", "2").output("y");
  expect_error(archive_of(program.str()), ErrorCode::limit, "nested too deeply");
}

TEST(Program, RefusesMoreResultsThanItNames) {
  for (const char* target : {"unbind.int", "split.Tensor", "chunk.default"}) {
    ProgramText program;
    program.input("x", "60000");
    program.raw_node("torch.ops.aten." + std::string(target),
                     {"self=T(x)", "split_size=i(1)", "chunks=i(60000)"},
                     R"({"as_tensors":[{"name":"a"},{"name":"b"}]})");
    program.value("a", "1").value("b", "1").output("a");
    const Imported imported = import(archive_of(program.str()));
    EXPECT_THAT(ops_of(imported.graph), ElementsAre("unknown")) << target;
    EXPECT_THAT(imported.notes.notes, ElementsAre(HasSubstr("more results")));
  }
}

TEST(Program, ChunksUnevenly) {
  ProgramText program;
  program.input("x", "9");
  program.raw_node("torch.ops.aten.chunk.default", {"self=T(x)", "chunks=i(4)"},
                   R"({"as_tensors":[{"name":"a"},{"name":"b"},{"name":"c"}]})");
  program.value("a", "3").value("b", "3").value("c", "3").output("c");
  EXPECT_THAT(ops_of(import(archive_of(program.str())).graph), ElementsAre("chunk"));
}

TEST(Program, RefusesExpressionsThatAreTooLong) {
  ProgramText program;
  program.input("x", expression(std::string(70'000, '1'), "null")).output("x");
  expect_error(archive_of(program.str()), ErrorCode::limit, "too long");
}

TEST(Program, KeepsNotesShort) {
  ProgramText program;
  program.input("x", "2");
  for (int i = 0; i < 100; ++i)
    program.node("neg.default", {"self=T(x)"}, "n" + std::to_string(i), "3");
  program.output("n99");
  EXPECT_EQ(import(archive_of(program.str())).notes.notes.size(), 20U);
}

}  // namespace
}  // namespace zoometer
