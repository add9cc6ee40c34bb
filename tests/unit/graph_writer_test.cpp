#include "report/graph_writer.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "op/unknown.hpp"
#include "util/subprocess.hpp"
#include "zoometer/nn/layers.hpp"

namespace zoometer {
namespace {

std::string written(const Graph& graph, std::string_view format, const std::string& model = "m") {
  return find_graph_writer(format)->write({graph, model, "test", "", {}}, {});
}

constexpr std::string_view hostile =
    "\"];evil[URL=\"x\" label=<<b>x</b>>];\\N\\\"&lt;script&#62;<script>alert(1)</script>\n\x01\xFF"
    "\xEF\xBF\xBF";

/// A graph whose every name is hostile.
void build_hostile(Graph& graph) {
  const ModuleId root = graph.add_module(no_id, "", hostile);
  const ModuleId outer = graph.add_module(root, hostile, hostile);
  const ModuleId inner = graph.add_module(outer, hostile, hostile);
  Tensor x{&graph, graph.add_input(hostile, {1, 3}, DType::float32)};
  const Tensor weight{&graph, graph.add_parameter(inner, hostile, {4, 3}, DType::float32,
                                                  ParameterKind::parameter)};
  graph.set_current_module(inner);
  x = linear(x, weight, {});
  graph.set_current_module(outer);
  const UnknownAttrs attrs{hostile, hostile};
  const OutputType output{{1, 4}, DType::float32, false};
  const NodeId node =
      graph.append_declared(unknown_op, graph.keep(attrs), {&x.id, 1}, {&output, 1});
  graph.add_output(hostile, graph.nodes()[node].first_output);
}

/// Whether every quoted string of a DOT document ends within its line.
bool quotes_close(std::string_view dot) {
  bool is_open = false;
  for (std::size_t i = 0; i < dot.size(); ++i) {
    if (is_open && dot[i] == '\\') {
      ++i;
    } else if (dot[i] == '"') {
      is_open = !is_open;
    } else if (is_open && dot[i] == '\n') {
      return false;
    }
  }
  return !is_open;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

TEST(GraphWriter, HostileNamesStayTextInDot) {
  Graph graph;
  build_hostile(graph);
  const std::string dot = written(graph, "dot", std::string(hostile));
  EXPECT_TRUE(quotes_close(dot)) << dot;
  EXPECT_EQ(dot.find("&lt;"), std::string::npos) << dot;
  EXPECT_EQ(dot.find('\x01'), std::string::npos);
}

TEST(GraphWriter, HostileNamesStayTextInSvg) {
  ProcessRequest request;
  request.words = {"dot", "-V"};
  if (run_process(request).kind == Ending::Kind::refused) GTEST_SKIP() << "no Graphviz";
  Graph graph;
  build_hostile(graph);
  const std::string svg = written(graph, "svg", std::string(hostile));
  EXPECT_EQ(svg.find("<script"), std::string::npos) << svg;
  EXPECT_EQ(svg.find("href"), std::string::npos) << svg;
  EXPECT_NE(svg.find("&lt;script&gt;"), std::string::npos) << svg;
}

/// A folder with a program dot, which alone is on the PATH while it lives.
class FakeDot {
 public:
  explicit FakeDot(std::string_view script) {
    std::filesystem::create_directory(folder_);
    std::ofstream(folder_ + "/dot") << "#!/bin/sh\n" << script;
    std::filesystem::permissions(folder_ + "/dot", std::filesystem::perms::owner_all);
    setenv("PATH", folder_.c_str(), 1);
  }
  ~FakeDot() {
    setenv("PATH", before_.c_str(), 1);
    std::filesystem::remove_all(folder_);
  }
  FakeDot(const FakeDot&) = delete;
  FakeDot& operator=(const FakeDot&) = delete;

 private:
  std::string folder_ = ::testing::TempDir() + "dot_of_" + std::to_string(getpid());
  std::string before_ = std::getenv("PATH");
};

std::string failure_of_drawing(const GraphOptions& options = {}) {
  Graph graph;
  build_hostile(graph);
  try {
    find_graph_writer("svg")->write({graph, "m", "test", "", {}}, options);
  } catch (const Error& error) {
    return std::string(name_of(error.code)) + ": " + error.what();
  }
  return "no error";
}

TEST(GraphWriter, TakesThePictureFromTheFileThatDotWrites) {
  const FakeDot dot("read line <\"$4\"; echo \"$1 $2: $line\" >\"$3\"; echo a warning");
  Graph graph;
  build_hostile(graph);
  EXPECT_EQ(written(graph, "svg"), "-Tsvg -o: digraph model {\n");
}

TEST(GraphWriter, SaysHowDotFailed) {
  const FakeDot dot("echo first; echo second; kill -SEGV $$");
  EXPECT_EQ(failure_of_drawing(),
            "internal: dot failed with signal 11 (Segmentation fault): first");
}

TEST(GraphWriter, DoesNotWaitForDotForEver) {
  const FakeDot dot("exec /bin/sleep 600");
  GraphOptions options;
  options.drawing_seconds = 0;
  EXPECT_EQ(failure_of_drawing(options),
            "limit: dot took more than 0 seconds to draw the graph (use a lower --depth or "
            "--format dot)");
}

TEST(GraphWriter, HostileNamesStayOnTheirLine) {
  Graph graph;
  build_hostile(graph);
  const std::string text = written(graph, "text");
  EXPECT_EQ(text.find('\x01'), std::string::npos);
  EXPECT_EQ(count(text, "\n"), 7u) << text;
}

TEST(GraphWriter, TakesNodesWithoutOutputs) {
  Graph graph;
  const ModuleId root = graph.add_module(no_id, "", "net");
  graph.set_current_module(root);
  const ValueId x = graph.add_input("x", {1, 3}, DType::float32);
  graph.append_declared(unknown_op, graph.keep(UnknownAttrs{"made", "up"}), {&x, 1}, {});
  EXPECT_NE(written(graph, "text").find("\n-  .  made::up(x) ->"), std::string::npos);
  for (const std::string_view format : {"dot", "json", "onnx"})
    EXPECT_NE(written(graph, format), "") << format;
}

TEST(GraphWriter, JsonKeepsWhatUtf8Allows) {
  Graph graph;
  build_hostile(graph);
  const std::string json = written(graph, "json");
  EXPECT_EQ(json.find('\xFF'), std::string::npos);
  EXPECT_NE(json.find("\\u0001\xEF\xBF\xBD"), std::string::npos) << json;
}

/// Calls a layer twice below a block.
struct Twice : Module<Twice> {
  static constexpr auto kind = "Twice";
  Linear fc{at("fc"), 4, 4};
  ReLU relu{at("relu")};
  Tensor forward(Tensor x) const { return relu(fc(relu(fc(x)))); }
};

TEST(GraphWriter, DrawsEveryCallAsABox) {
  Graph graph;
  const Twice model{root_slot(graph)};
  const Tensor x{&graph, graph.add_input("x", {1, 4}, DType::float32)};
  graph.add_output("y", model(x).id);
  const std::string dot = written(graph, "dot");
  EXPECT_EQ(count(dot, "fc: Linear"), 2u) << dot;
  EXPECT_EQ(count(dot, "relu: ReLU"), 2u) << dot;
  EXPECT_EQ(count(dot, " -> "), 5u) << dot;

  GraphOptions whole;
  whole.depth = 0;
  const std::string one = find_graph_writer("dot")->write({graph, "m", "test", "", {}}, whole);
  EXPECT_EQ(count(one, "Twice"), 1u) << one;
  EXPECT_EQ(count(one, " -> "), 2u) << one;
}

}  // namespace
}  // namespace zoometer
