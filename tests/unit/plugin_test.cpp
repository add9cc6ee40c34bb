#include "registry/plugin.hpp"

#include <gmock/gmock.h>

#include "report/graph_writer.hpp"

namespace zoometer {
namespace {

using testing::HasSubstr;

PluginTable table_of(std::span<const Family* const> families) {
  return {plugin_abi,         sizeof(PluginTable), "test", families.data(), families.size(),
          list_plugin_models, trace_plugin_model};
}

std::string message_of(const auto& function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string json_of(const Model& model, const TraceOptions& options) {
  Graph graph;
  trace(model, options, graph);
  return find_graph_writer("json")->write({graph, "model", "source", "", {}}, {});
}

/// Flags are in no report, and yet memory figures rest on them.
std::vector<std::uint8_t> flags_of(const Model& model) {
  Graph graph;
  trace(model, {}, graph);
  std::vector<std::uint8_t> flags;
  for (const Value& value : graph.values()) flags.push_back(value.flags);
  return flags;
}

TEST(Plugin, TellsEveryGraphOfTheZooAsItIs) {
  const PluginTable table = table_of(families());
  const Plugin plugin(table, "the zoo");
  auto told = plugin.families().begin();
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      ASSERT_NE(told, plugin.families().end());
      const Model& copy = told->models[0];
      EXPECT_EQ(copy.name, model.name);
      EXPECT_EQ(told->task, family->task);
      EXPECT_EQ(copy.macs, model.macs);
      EXPECT_EQ(json_of(copy, {}), json_of(model, {})) << model.name;
      EXPECT_EQ(flags_of(copy), flags_of(model)) << model.name;
      ++told;
    }
  }
  EXPECT_EQ(told, plugin.families().end());
}

TEST(Plugin, PassesOnWhatTheUserAsks) {
  const PluginTable table = table_of(families());
  const Plugin plugin(table, "the zoo");
  std::size_t index = 0;
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      const Model& copy = plugin.families()[index++].models[0];
      TraceOptions options;
      options.variant = Variant::untrained;
      options.batch = 2;
      if (family->task == Task::detection) options.detections = 7;
      EXPECT_EQ(json_of(copy, options), json_of(model, options)) << model.name;
      if (family->task != Task::quantization) continue;
      options.quantize = true;
      EXPECT_EQ(json_of(copy, options), json_of(model, options)) << model.name;
    }
  }
}

TEST(Plugin, PassesOnErrorsWithTheirPlace) {
  const PluginTable table = table_of(families());
  const Plugin plugin(table, "the zoo");
  TraceOptions options;
  options.inputs = {{"x", Shape{1, 4, 224, 224}}};
  const Model& alexnet = plugin.families()[0].models[0];
  ASSERT_EQ(alexnet.name, "alexnet");
  EXPECT_THAT(message_of([&] { json_of(alexnet, options); }),
              testing::AllOf(HasSubstr("alexnet"), HasSubstr("features.0"), HasSubstr("conv2d C")));
}

void throw_stranger(Trace&) { throw std::runtime_error("of no kind of ours"); }
void throw_number(Trace&) { throw 7; }

TEST(Plugin, LetsNoStrangeExceptionOut) {
  const Model models[] = {{"stranger", image(8), 0, 0, throw_stranger},
                          {"number", image(8), 0, 0, throw_number}};
  const Family family = {"Strange", "", Task::other, models};
  const Family* const list[] = {&family};
  const PluginTable table = table_of(list);
  const Plugin plugin(table, "strange");
  EXPECT_THAT(message_of([&] { json_of(plugin.families()[0].models[0], {}); }),
              HasSubstr("of no kind of ours"));
  EXPECT_THAT(message_of([&] { json_of(plugin.families()[1].models[0], {}); }),
              HasSubstr("an exception of an unknown type"));
}

TEST(Plugin, RefusesATableOfAnotherVersion) {
  PluginTable table = table_of({});
  table.abi = plugin_abi + 1;
  EXPECT_THAT(message_of([&] { Plugin(table, "x"); }), HasSubstr("interface 2"));
  table = table_of({});
  table.size += 8;
  EXPECT_THAT(message_of([&] { Plugin(table, "x"); }), HasSubstr("a table of"));
}

/// A plug-in that tells one node which no host would have told.
template <auto Spoil>
void tell_spoilt(const PluginTable*, std::size_t, const PluginRequest*, const PluginSink* sink) {
  static constexpr std::int64_t sizes[] = {1, 3};
  const PluginTensor tensor = {{"x", 1}, sizes, 2, {"float32", 7}, 0};
  static constexpr std::uint32_t inputs[] = {0};
  PluginNode node = {{"relu", 4}, {nullptr, 0}, nullptr, 0, 0, 0, inputs, 1, &tensor, 1};
  node.attrs_layout = AttrType::of<NoAttrs>().layout;
  Spoil(node);
  if (sink->add_module(sink->host, no_id, {"", 0}, {"Spoilt", 6}) != 0) return;
  if (sink->add_input(sink->host, &tensor) != 0) return;
  if (sink->add_node(sink->host, &node) != 0) return;
  sink->add_output(sink->host, {"output", 6}, 1);
}

void nothing(Trace&) {}

std::string spoilt_message(void (*tell)(const PluginTable*, std::size_t, const PluginRequest*,
                                        const PluginSink*)) {
  const Model models[] = {{"spoilt", image(8), 0, 0, nothing}};
  const Family family = {"Spoilt", "", Task::other, models};
  const Family* const list[] = {&family};
  PluginTable table = table_of(list);
  table.trace = tell;
  const Plugin plugin(table, "spoilt");
  return message_of([&] { json_of(plugin.families()[0].models[0], {}); });
}

TEST(Plugin, ChecksWhatItIsTold) {
  static constexpr std::int64_t others[] = {1, 4};
  static constexpr PluginTensor wider = {{nullptr, 0}, others, 2, {"float32", 7}, 0};
  static constexpr PluginTensor typed[] = {{{nullptr, 0}, others, 2, {"float32", 7}, 0},
                                           {{nullptr, 0}, others, 2, {"float31", 7}, 0}};
  static constexpr std::uint32_t later[] = {5};
  EXPECT_EQ(spoilt_message(tell_spoilt<[](PluginNode&) {}>), "no error");
  EXPECT_THAT(spoilt_message(tell_spoilt<[](PluginNode& node) {
                node.op = {"relv", 4};
              }>),
              HasSubstr("expected an operator that is known, got relv"));
  EXPECT_THAT(spoilt_message(tell_spoilt<[](PluginNode& node) { node.attrs_layout = 1; }>),
              HasSubstr("expected the attributes of this version's relu"));
  EXPECT_THAT(spoilt_message(tell_spoilt<[](PluginNode& node) { node.inputs = later; }>),
              HasSubstr("expected inputs made before their use, got relu"));
  EXPECT_THAT(spoilt_message(tell_spoilt<[](PluginNode& node) { node.output_count = 0; }>),
              HasSubstr("expected 0 outputs of relu, got 1"));
  EXPECT_THAT(spoilt_message(tell_spoilt<[](PluginNode& node) { node.outputs = &wider; }>),
              HasSubstr("expected relu to make (1, 4), got (1, 3)"));
  EXPECT_THAT(spoilt_message(tell_spoilt<[](PluginNode& node) {
                node.outputs = typed;
                node.output_count = 2;
              }>),
              HasSubstr("expected a dtype that is known, got float31"));
}

void build_three(Trace& trace) {
  trace.graph().add_module(no_id, {}, "Three");
  for (std::size_t i = 0; i < 3; ++i) trace.output(trace.input(i));
}

TEST(Plugin, TakesModelsOfAnyNumberOfInputs) {
  static constexpr InputSpec inputs[] = {{"input_ids", {2, 16}, DType::int64},
                                         {"attention_mask", {2, 16}, DType::boolean},
                                         {"scale", {}, DType::float16}};
  const Model models[] = {{"three", inputs, 0, 0, build_three}};
  const Family family = {"Three", "", Task::text, models};
  const Family* const list[] = {&family};
  const PluginTable table = table_of(list);
  const Plugin plugin(table, "three");
  EXPECT_EQ(plugin.families()[0].task, Task::text);
  const Model& copy = plugin.families()[0].models[0];
  ASSERT_EQ(copy.inputs.list().size(), 3);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(copy.inputs.list()[i].name, inputs[i].name);
    EXPECT_EQ(copy.inputs.list()[i].shape, inputs[i].shape);
    EXPECT_EQ(copy.inputs.list()[i].dtype, inputs[i].dtype);
  }
  TraceOptions options;
  options.batch = 5;
  options.inputs = {{"attention_mask", {5, 8}}, {"scale", {}}};
  EXPECT_EQ(json_of(copy, options), json_of(models[0], options));
}

}  // namespace
}  // namespace zoometer
