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

/// Flags are not in any report, but memory figures depend on them.
std::vector<std::uint8_t> flags_of(const Model& model) {
  Graph graph;
  trace(model, {}, graph);
  std::vector<std::uint8_t> flags;
  for (const Value& value : graph.values()) flags.push_back(value.flags);
  return flags;
}

TEST(Plugin, SendsEveryGraphOfTheZooAsItIs) {
  const PluginTable table = table_of(families());
  const Plugin plugin(table, "the zoo");
  auto listed = plugin.families().begin();
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      ASSERT_NE(listed, plugin.families().end());
      const Model& copy = listed->models[0];
      EXPECT_EQ(copy.name, model.name);
      EXPECT_EQ(listed->task, family->task);
      EXPECT_EQ(copy.macs, model.macs);
      EXPECT_EQ(json_of(copy, {}), json_of(model, {})) << model.name;
      EXPECT_EQ(flags_of(copy), flags_of(model)) << model.name;
      ++listed;
    }
  }
  EXPECT_EQ(listed, plugin.families().end());
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

TEST(Plugin, DoesNotPassOnForeignExceptions) {
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
  table.abi = 1;
  EXPECT_EQ(message_of([&] { Plugin(table, "x"); }),
            "the plug-in was built with another version of zoometer: expected plug-in interface 2, "
            "got interface 1 (rebuild the plug-in with this version)");
  table = table_of({});
  table.size += 8;
  EXPECT_THAT(message_of([&] { Plugin(table, "x"); }), HasSubstr("a table of"));
}

/// A plug-in that sends an invalid node.
template <auto Change>
void send_invalid(const PluginTable*, std::size_t, const PluginRequest*, const PluginSink* sink) {
  static constexpr std::int64_t sizes[] = {1, 3};
  const PluginTensor tensor = {{"x", 1}, sizes, 2, {"float32", 7}, 0};
  static constexpr std::uint32_t inputs[] = {0};
  PluginNode node = {{"relu", 4}, {nullptr, 0}, nullptr, 0, 0, 0, inputs, 1, &tensor, 1};
  node.attrs_layout = AttrType::of<NoAttrs>().layout;
  Change(node);
  if (sink->add_module(sink->host, no_id, {"", 0}, {"Invalid", 7}) != 0) return;
  if (sink->add_input(sink->host, &tensor) != 0) return;
  if (sink->add_node(sink->host, &node) != 0) return;
  sink->add_output(sink->host, {"output", 6}, 1);
}

void nothing(Trace&) {}

std::string message_of_invalid(void (*send)(const PluginTable*, std::size_t, const PluginRequest*,
                                            const PluginSink*)) {
  const Model models[] = {{"invalid", image(8), 0, 0, nothing}};
  const Family family = {"Invalid", "", Task::other, models};
  const Family* const list[] = {&family};
  PluginTable table = table_of(list);
  table.trace = send;
  const Plugin plugin(table, "invalid");
  return message_of([&] { json_of(plugin.families()[0].models[0], {}); });
}

TEST(Plugin, ChecksEveryNode) {
  static constexpr std::int64_t others[] = {1, 4};
  static constexpr PluginTensor wider = {{nullptr, 0}, others, 2, {"float32", 7}, 0};
  static constexpr PluginTensor typed[] = {{{nullptr, 0}, others, 2, {"float32", 7}, 0},
                                           {{nullptr, 0}, others, 2, {"float31", 7}, 0}};
  static constexpr std::uint32_t later[] = {5};
  EXPECT_EQ(message_of_invalid(send_invalid<[](PluginNode&) {}>), "no error");
  EXPECT_THAT(message_of_invalid(send_invalid<[](PluginNode& node) {
                node.op = {"relv", 4};
              }>),
              HasSubstr("expected a known operator, got relv"));
  EXPECT_THAT(message_of_invalid(send_invalid<[](PluginNode& node) { node.attrs_layout = 1; }>),
              HasSubstr("expected the attributes of this version's relu"));
  EXPECT_THAT(message_of_invalid(send_invalid<[](PluginNode& node) { node.inputs = later; }>),
              HasSubstr("expected inputs that exist before they are used, got relu"));
  EXPECT_THAT(message_of_invalid(send_invalid<[](PluginNode& node) { node.output_count = 0; }>),
              HasSubstr("expected 0 outputs of relu, got 1"));
  EXPECT_THAT(message_of_invalid(send_invalid<[](PluginNode& node) { node.outputs = &wider; }>),
              HasSubstr("expected relu to make (1, 4), got (1, 3)"));
  EXPECT_THAT(message_of_invalid(send_invalid<[](PluginNode& node) {
                node.outputs = typed;
                node.output_count = 2;
              }>),
              HasSubstr("expected a known dtype, got float31"));
}

/// The graph and the error that a plug-in answers to a request.
std::string answer_to(std::span<const PluginOption> options) {
  static const PluginTable table = table_of(families());
  struct Host {
    std::string modules, failure;
  } host;
  PluginSink sink{};
  sink.host = &host;
  sink.add_module = [](void* pointer, std::uint32_t, PluginText, PluginText kind) {
    static_cast<Host*>(pointer)->modules.assign(kind.data, kind.size);
    return 1;
  };
  sink.fail = [](void* pointer, const PluginFailure* failure) {
    static_cast<Host*>(pointer)->failure.assign(failure->message.data, failure->message.size);
  };
  const PluginRequest request = {options.data(), options.size()};
  table.trace(&table, 0, &request, &sink);
  return host.failure.empty() ? host.modules : host.failure;
}

TEST(Plugin, RefusesOptionsThatItDoesNotKnow) {
  const PluginOption known[] = {{{"batch", 5}, {"2", 1}}};
  EXPECT_EQ(answer_to(known), "AlexNet");
  const PluginOption unknown[] = {{{"batch", 5}, {"2", 1}}, {{"frames", 6}, {"128", 3}}};
  EXPECT_EQ(answer_to(unknown), "the plug-in does not know the option frames");
  const PluginOption wrong[] = {{{"batch", 5}, {"many", 4}}};
  EXPECT_EQ(answer_to(wrong), "--batch");
}

void build_either(Trace& trace) {
  trace.graph().add_module(no_id, {}, trace.options().quantize ? "Int8" : "Float");
  trace.output(trace.input());
}

TEST(Plugin, PassesOnQuantize) {
  const Model models[] = {{.name = "either",
                           .inputs = image(8),
                           .parameters = 0,
                           .macs = 0,
                           .build = build_either,
                           .builds_int8 = true}};
  const Family family = {"Either", "", Task::quantization, models};
  const Family* const list[] = {&family};
  const PluginTable table = table_of(list);
  const Plugin plugin(table, "either");
  Graph graph;
  trace(plugin.families()[0].models[0], {}, graph);
  EXPECT_EQ(graph.modules()[0].kind, "Float");
  TraceOptions options;
  options.quantize = true;
  trace(plugin.families()[0].models[0], options, graph);
  EXPECT_EQ(graph.modules()[0].kind, "Int8");
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
