#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <map>
#include <set>

#include "analysis/profile.hpp"
#include "report/graph_writer.hpp"
#include "report/shape_text.hpp"
#include "report/text_lines.hpp"
#include "util/subprocess.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr int standard_depth = 2;
constexpr std::size_t large = 300;  // boxes: larger drawings get fewer rounds of improvement

/// Text within a quoted DOT label. Names come from files: they must not end the label, start
/// an escape or an entity, or contain a character that XML forbids.
std::string label_text(std::string_view text) {
  constexpr std::size_t longest = 120;
  const bool is_cut = text.size() > longest;
  std::string result;
  for (const char c : escape_controls(text.substr(0, longest))) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
    if (c == '&') result += "amp;";
  }
  result = to_utf8(result);
  for (const std::string_view forbidden : {"\xEF\xBF\xBE", "\xEF\xBF\xBF"}) {
    for (std::size_t at = result.find(forbidden); at != std::string::npos;
         at = result.find(forbidden, at)) {
      result.replace(at, forbidden.size(), "\xEF\xBF\xBD");
    }
  }
  return is_cut ? result + "…" : result;
}

/// White for nothing, orange for the most expensive box. The root spreads the low end, where most
/// boxes are.
std::string colour_of(std::int64_t macs, std::int64_t most) {
  const double heat =
      most > 0 ? std::sqrt(static_cast<double>(macs) / static_cast<double>(most)) : 0;
  constexpr std::array<int, 3> hottest = {0xF0, 0x78, 0x1E};
  std::string text = "#";
  for (const int channel : hottest) {
    text += fmt::format("{:02x}", 255 - static_cast<int>(std::lround(heat * (255 - channel))));
  }
  return text;
}

/// The frame around the boxes of a place.
struct Cluster {
  std::vector<std::size_t> clusters;
  std::vector<std::size_t> boxes;
  std::int64_t macs = 0;
};

/// A box: a call of a module at the depth limit, or an operator above it.
struct Box {
  ModuleId module = no_id;  ///< no_id: an operator
  NodeId last_node = 0;
  std::int64_t macs = 0;
};

class DotGraph : TextLines {
 public:
  DotGraph(const GraphInput& input, const GraphOptions& options)
      : input_(input),
        graph_(input.graph),
        places_(input.graph),
        clusters_(places_.all().size()),
        depth_(static_cast<std::size_t>(options.depth.value_or(standard_depth))) {
    group();
  }

  std::string write() {
    for (const Box& box : boxes_) most_ = std::max(most_, box.macs);
    line("digraph model {{");
    line("  graph [fontname=\"Helvetica\", fontsize=12, labelloc=t, label=\"{}\\n{} MACs\"];",
         label_text(input_.model), format_count(total()));
    line("  node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", color=\"#666666\", "
         "fontname=\"Helvetica\", fontsize=10];");
    line("  edge [color=\"#666666\", arrowsize=0.6];");
    if (boxes_.size() > large) line("  graph [nslimit=1, mclimit=0.1];");
    write_ports("in", graph_.inputs());
    write_cluster_content(0, 1);
    write_ports("out", graph_.outputs());
    write_edges();
    line("}}");
    return std::move(text_);
  }

 private:
  std::int64_t total() const { return clusters_[0].macs; }

  // -- content ----------------------------------------------------------------------------------

  void group() {
    for (std::size_t i = 1; i < places_.all().size(); ++i) {
      if (places_[i].level < depth_) clusters_[places_[i].parent].clusters.push_back(i);
    }
    NodeCounter counter(graph_);
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
      const auto id = static_cast<NodeId>(i);
      const std::size_t box = box_for(id);
      box_of_node_.push_back(box);
      boxes_[box].last_node = id;
      boxes_[box].macs += counter.metrics_of(graph_.view(id)).macs;
    }
    for (std::size_t i = clusters_.size(); i-- > 0;) {
      for (const std::size_t box : clusters_[i].boxes) clusters_[i].macs += boxes_[box].macs;
      for (const std::size_t inner : clusters_[i].clusters)
        clusters_[i].macs += clusters_[inner].macs;
    }
  }

  std::size_t box_for(NodeId node) {
    std::size_t place = places_.of_node(node);
    if (places_[place].level < depth_) return add_box(place, no_id);
    while (places_[place].level > depth_) place = places_[place].parent;
    const auto [entry, is_new] = box_of_place_.try_emplace(place, boxes_.size());
    return is_new ? add_box(places_[place].parent, places_[place].module) : entry->second;
  }

  std::size_t add_box(std::size_t cluster, ModuleId module) {
    clusters_[cluster].boxes.push_back(boxes_.size());
    boxes_.push_back({module});
    return boxes_.size() - 1;
  }

  // -- drawing ----------------------------------------------------------------------------------

  void write_ports(std::string_view prefix, std::span<const Port> ports) {
    for (std::size_t i = 0; i < ports.size(); ++i) {
      line("  {}{} [shape=ellipse, label=\"{}\\n{}\"];", prefix, i, label_text(ports[i].name),
           shape_text(graph_, ports[i].value));
    }
  }

  void write_cluster_content(std::size_t index, std::size_t level) {
    for (const std::size_t box : clusters_[index].boxes) write_box(box, {}, level);
    for (const std::size_t inner : clusters_[index].clusters) write_cluster(inner, {}, level);
  }

  /// A cluster with a single box or cluster is drawn as that one, with both names.
  void write_cluster(std::size_t index, const std::string& outer_name, std::size_t level) {
    const Cluster& cluster = clusters_[index];
    std::string name = outer_name.empty() ? outer_name : outer_name + ".";
    name += graph_.modules()[places_[index].module].name;
    if (cluster.boxes.size() + cluster.clusters.size() == 1) {
      if (!cluster.clusters.empty()) return write_cluster(cluster.clusters[0], name, level);
      return write_box(cluster.boxes[0], name, level, places_[index].module);
    }
    const std::string indent(2 * level, ' ');
    line("{}subgraph cluster_{} {{", indent, index);
    line("{}  graph [style=rounded, color=\"#999999\", labelloc=t, labeljust=l, fontsize=10, "
         "label=\"{}: {}{}\"];",
         indent, label_text(name), label_text(kind_of(index)), share_text(cluster.macs));
    write_cluster_content(index, level + 1);
    line("{}}}", indent);
  }

  void write_box(std::size_t index, const std::string& outer_name, std::size_t level,
                 ModuleId around = no_id) {
    const Box& box = boxes_[index];
    std::string title;
    if (box.module != no_id) {
      const ModuleInfo& module = graph_.modules()[box.module];
      const std::string name = outer_name.empty() ? std::string(module.name)
                                                  : outer_name + "." + std::string(module.name);
      title = title_of(name, module.kind);
    } else if (around != no_id) {
      title = title_of(outer_name, graph_.modules()[around].kind);
    } else {
      title = label_text(operator_name(graph_.view(box.last_node)));
    }
    line("{}n{} [label=\"{}\\n{}{}\", fillcolor=\"{}\"];", std::string(2 * level, ' '), index,
         title, box_shape_text(box), cost_text(box.macs), colour_of(box.macs, most_));
  }

  std::string_view kind_of(std::size_t place) const {
    return graph_.modules()[places_[place].module].kind;
  }
  static std::string title_of(const std::string& name, std::string_view kind) {
    return name.empty() ? label_text(kind) : label_text(name) + ": " + label_text(kind);
  }

  std::string box_shape_text(const Box& box) const {
    const Node& node = graph_.nodes()[box.last_node];
    if (node.output_count == 0) return {};
    return bounded_shape_text(graph_, node.first_output);
  }

  std::string share_text(std::int64_t macs) const {
    if (macs == 0) return {};
    return ", " + format_share(static_cast<double>(macs), static_cast<double>(total()));
  }
  std::string cost_text(std::int64_t macs) const {
    return macs == 0 ? std::string{} : "\\n" + format_count(macs) + " MACs" + share_text(macs);
  }

  void write_edges() {
    std::set<std::pair<std::string, std::string>> edges;
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
      const std::string to = "n" + std::to_string(box_of_node_[i]);
      for (const ValueId value : graph_.inputs_of(graph_.nodes()[i])) {
        const std::string from = source_of(value);
        if (!from.empty() && from != to) edges.emplace(from, to);
      }
    }
    for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
      const std::string from = source_of(graph_.outputs()[i].value);
      if (!from.empty()) edges.emplace(from, "out" + std::to_string(i));
    }
    for (const auto& [from, to] : edges) line("  {} -> {};", from, to);
  }

  /// The box that makes a value; nothing for parameters.
  std::string source_of(ValueId id) const {
    if (id == no_id || graph_.value(id).has(Value::is_parameter)) return {};
    const Value& value = graph_.value(id);
    if (value.has(Value::is_input)) return "in" + std::to_string(value.producer);
    return "n" + std::to_string(box_of_node_[value.producer]);
  }

  const GraphInput& input_;
  const Graph& graph_;
  ModulePlaces places_;
  std::vector<Cluster> clusters_;  // by place
  std::size_t depth_;
  std::vector<Box> boxes_;
  std::vector<std::size_t> box_of_node_;
  std::map<std::size_t, std::size_t> box_of_place_;
  std::int64_t most_ = 0;
};

std::string write_dot(const GraphInput& input, const GraphOptions& options) {
  return DotGraph(input, options).write();
}

std::string draw(const GraphInput& input, const GraphOptions& options, const char* format) {
  const MemoryFile graph("graph.dot", write_dot(input, options));
  const MemoryFile picture("picture");
  std::string printed;
  ProcessRequest request;
  request.words = {"dot", std::string("-T") + format, "-o", picture.path(), graph.path()};
  request.on_print = [&](std::string_view text) {
    constexpr std::size_t most = 1 << 16;
    if (printed.size() < most) printed += text;
  };
  request.first_limit = options.drawing_seconds;
  const Ending ending = run_process(request);
  if (ending.is_success()) return picture.text();

  if (ending.kind == Ending::Kind::interrupted) std::raise(ending.status);
  if (ending.kind == Ending::Kind::refused && ending.status == ENOENT) {
    Error error(ErrorCode::unsupported, "cannot find Graphviz's program dot, which draws pictures");
    error.hint = "install it (apt-get install graphviz) or use --format dot";
    throw error;
  }
  if (ending.kind == Ending::Kind::refused)
    throw Error(ErrorCode::io, "cannot run dot: " + ending.text());
  if (ending.kind == Ending::Kind::silent) {
    Error error(ErrorCode::limit, fmt::format("dot took more than {} seconds to draw the graph",
                                              request.first_limit));
    error.hint = "use a lower --depth or --format dot";
    throw error;
  }
  const std::string how = ending.kind == Ending::Kind::exited
                              ? "status " + std::to_string(ending.status)
                              : ending.text();
  throw Error(ErrorCode::internal,
              "dot failed with " + how + ": " + printed.substr(0, printed.find('\n')));
}

std::string write_svg(const GraphInput& input, const GraphOptions& options) {
  return draw(input, options, "svg");
}
std::string write_png(const GraphInput& input, const GraphOptions& options) {
  return draw(input, options, "png");
}
std::string write_pdf(const GraphInput& input, const GraphOptions& options) {
  return draw(input, options, "pdf");
}

}  // namespace

extern constinit const GraphWriter dot_graph_writer = {
    "dot", "Graphviz: modules as clusters, coloured by their share of the MACs", write_dot, true};
extern constinit const GraphWriter svg_graph_writer = {
    "svg", "the same, drawn by Graphviz's dot as SVG", write_svg, true};
extern constinit const GraphWriter png_graph_writer = {
    "png", "the same as a PNG image", write_png, true, false, true};
extern constinit const GraphWriter pdf_graph_writer = {
    "pdf", "the same as a PDF page", write_pdf, true, false, true};

}  // namespace zoometer
