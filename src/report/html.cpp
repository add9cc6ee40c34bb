#include "report/html.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <unordered_map>

#include "report/report.hpp"
#include "report/shape_text.hpp"
#include "util/embedded.hpp"
#include "util/json_writer.hpp"
#include "util/seeded_hash.hpp"
#include "util/text.hpp"
#include "zoometer/analysis/hardware.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

constexpr std::string_view title_mark = "@zoometer-title@";
constexpr std::string_view data_mark = "@zoometer-data@";

/// Attributes as members of a JSON object.
class PageAttributes final : public AttrVisitor {
 public:
  explicit PageAttributes(JsonWriter& json) : json_(json) {}

  using AttrVisitor::visit;
  void visit(std::string_view name, std::int64_t value) override { json_.field(name, value); }
  void visit(std::string_view name, double value) override {
    json_.field(name, fmt::format("{}", value));  // JSON has no infinity
  }
  void visit(std::string_view name, bool value) override { json_.field(name, value); }
  void visit(std::string_view name, std::span<const std::int64_t> value) override {
    json_.field(name, value);
  }
  void visit(std::string_view name, std::string_view value) override { json_.field(name, value); }
  void visit(std::string_view name, DType value) override { json_.field(name, name_of(value)); }

 private:
  JsonWriter& json_;
};

/// Numbers things in the order in which they first occur.
template <class Key, class Hash = SeededHash>
class Numbering {
 public:
  std::size_t operator()(const Key& key) {
    const auto [at, is_new] = numbers_.try_emplace(key, order_.size());
    if (is_new) order_.push_back(key);
    return at->second;
  }
  const std::vector<Key>& order() const noexcept { return order_; }

 private:
  std::unordered_map<Key, std::size_t, Hash> numbers_;
  std::vector<Key> order_;
};

/// A shape, and which of its sizes are not known.
using PageShape = std::pair<const SharedShape*, UnknownSizes>;
struct PageShapeHash {
  std::size_t operator()(const PageShape& shape) const noexcept {
    return std::hash<const SharedShape*>{}(shape.first) ^ shape.second;
  }
};

/// The graph for the page: tables of repeated parts, then one row per node, value and parameter.
class PageGraph {
 public:
  PageGraph(const ReportInput& input, JsonWriter& json)
      : input_(input),
        graph_(input.graph),
        json_(json) {}

  void write() {
    const std::vector<ModuleId> order = graph_.modules_in_order();
    places_.resize(graph_.modules().size());
    for (std::size_t i = 0; i < order.size(); ++i) places_[order[i]] = static_cast<std::int64_t>(i);
    json_.array("parents", [&] {
      for (const ModuleId id : order) {
        const ModuleId parent = graph_.modules()[id].parent;
        json_.value(parent == no_id ? -1 : places_[parent]);
      }
    });
    json_.array("nodes", [&] { write_nodes(); });
    json_.array("values", [&] { write_values(); });
    json_.array("parameters", [&] { write_parameters(); });
    json_.array("inputs", [&] { write_ports(graph_.inputs()); });
    json_.array("outputs", [&] { write_ports(graph_.outputs()); });
    json_.object("peak", [&] { write_peak(); });
    write_tables();
  }

 private:
  void write_nodes() {
    const std::vector<std::int64_t>& alive = input_.profile.memory.timeline;
    NodeCounter counter(graph_);
    for (NodeId id = 0; id < graph_.nodes().size(); ++id) {
      const NodeView view = graph_.view(id);
      const Node& node = view.node();
      const Metrics metrics = counter.metrics_of(view);
      json_.array([&] {
        json_.value(operators_(operator_name(node)));
        json_.value(places_[node.module]);
        json_.value(attributes_(attributes_of(node)));
        json_.value(node.output_count == 0 ? std::int64_t{-1}
                                           : static_cast<std::int64_t>(node.first_output));
        json_.value(node.output_count);
        json_.value(metrics.macs);
        json_.value(metrics.flops);
        json_.value(metrics.bytes_read);
        json_.value(metrics.bytes_written);
        json_.value(alive[id]);
        json_.value(static_cast<int>(view.op().coverage));
        json_.value(graph_.node_name(id));
        for (const ValueId value : graph_.inputs_of(node)) {
          if (value != no_id) json_.value(value);
        }
      });
    }
  }

  static std::string attributes_of(const Node& node) {
    JsonWriter json;
    json.object([&] {
      PageAttributes visitor(json);
      if (node.attrs != nullptr) node.op->attrs.visit(node.attrs, visitor);
    });
    return json.text();
  }

  void write_values() {
    for (ValueId id = 0; id < graph_.values().size(); ++id) {
      const Value& value = graph_.value(id);
      json_.array([&] {
        json_.value(shapes_({value.type, graph_.unknown_sizes(id)}));
        json_.value(dtypes_(std::string(name_of(value.dtype))));
        json_.value(value.has(Value::bounded) ? 1 : 0);
      });
    }
  }

  void write_parameters() {
    for (const ParameterId id : graph_.parameters_in_order()) {
      const Parameter& parameter = graph_.parameters()[id];
      json_.array([&] {
        json_.value(places_[parameter.module]);
        json_.value(parameter.name);
        json_.value(parameter.value);
        json_.value(static_cast<int>(parameter.kind));
        json_.value(parameter.shared_with != no_id);
      });
    }
  }

  void write_ports(std::span<const Port> ports) {
    for (const Port& port : ports) {
      json_.array([&] {
        json_.value(port.name);
        json_.value(port.value);
      });
    }
  }

  void write_peak() {
    const Liveness& memory = input_.profile.memory;
    json_.field("node",
                memory.peak_node == no_id ? std::int64_t{-1} : std::int64_t{memory.peak_node});
    json_.array("alive", [&] {
      for (const Lifetime& alive : memory.alive_at_peak) {
        const ValueId value = alive.value;
        json_.array([&] {
          json_.value(value);
          json_.value(graph_.bytes(value));
          json_.value(std::int64_t{graph_.value(value).producer});
          json_.value(graph_.value(value).has(Value::is_input));
        });
      }
    });
  }

  void write_tables() {
    json_.array("operators", [&] {
      for (const std::string& name : operators_.order()) json_.value(name);
    });
    json_.array("dtypes", [&] {
      for (const std::string& name : dtypes_.order()) json_.value(name);
    });
    json_.array("shapes", [&] {
      for (const auto& [type, unknown] : shapes_.order()) write_sizes(json_, type->shape, unknown);
    });
    json_.array("attributes", [&] {
      for (const std::string& text : attributes_.order()) json_.value(text);
    });
  }

  const ReportInput& input_;
  const Graph& graph_;
  JsonWriter& json_;
  std::vector<std::int64_t> places_;  // of the modules, in the profile's order
  Numbering<std::string> operators_, attributes_, dtypes_;
  Numbering<PageShape, PageShapeHash> shapes_;
};

std::string html_text(std::string_view text) {
  std::string escaped;
  for (const char c : escape_controls(text)) {
    switch (c) {
    case '&': escaped += "&amp;"; break;
    case '<': escaped += "&lt;"; break;
    case '>': escaped += "&gt;"; break;
    default: escaped += c;
    }
  }
  return escaped;
}

/// The type of most MACs.
NumberType main_type(const Profile& profile) {
  const bool has_any = !profile.dtypes.empty() && profile.dtypes.front().macs > 0;
  return has_any ? number_type_of(profile.dtypes.front().dtype).value_or(NumberType::float32)
                 : NumberType::float32;
}

/// The devices that can compute the model, for the page's roofline.
std::string devices_document(const Profile& profile) {
  JsonWriter json;
  json.array([&] {
    for (const Device& device : all_devices()) {
      const std::optional<NumberType> type = device.computes_in(main_type(profile));
      if (!type) continue;
      json.object([&] {
        json.field("name", device.title);
        json.field("type", name_of(*type));
        json.field("peak", device.peak(*type));
        json.field("bandwidth", device.bandwidth);
      });
    }
  });
  return json.text();
}

std::string write_html(const ReportInput& input, const ReportOptions&) {
  JsonWriter graph;
  graph.object([&] { PageGraph(input, graph).write(); });
  const std::string profile = find_report("json")->write(input, {});
  return html_page(
      input.model,
      fmt::format(R"({{"program":"zoometer {}","profile":{},"graph":{},"devices":{}}})",
                  ZOOMETER_VERSION, profile, graph.text(), devices_document(input.profile)));
}

}  // namespace

namespace {

/// The byte that the text begins with and those that continue it.
std::string_view first_character(std::string_view text) {
  std::size_t size = 1;
  while (size < std::min<std::size_t>(4, text.size()) &&
         (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
    ++size;
  return text.substr(0, size);
}

}  // namespace

std::string script_json(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!in_string) {
      if (c == '"') in_string = true;
      if (c != ' ' && c != '\n') text += c;
      continue;
    }
    if (c == '\\') {
      // What a terminal obeys or hides, "\u001b", is shown as it is written.
      if (json.substr(i).starts_with("\\u")) text += '\\';
      text.append(json.substr(i, 2));
      ++i;
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      const std::string_view character = first_character(json.substr(i));
      for (const char shown : escape_controls(character)) text.append(shown == '\\' ? 2 : 1, shown);
      i += character.size() - 1;
    } else if (c == '<') {
      text += "\\u003c";
    } else if (c == '>') {
      text += "\\u003e";
    } else {
      text += c;
      if (c == '"') in_string = false;
    }
  }
  return text;
}

std::string html_page(std::string_view title, std::string_view json) {
  const std::string_view page = embedded_file("web/dist/report.html");
  const std::size_t title_at = page.find(title_mark);
  const std::size_t data_at = page.find(data_mark, title_at);
  assert(title_at != page.npos && data_at != page.npos);
  std::string text(page.substr(0, title_at));
  text += html_text(title);
  text += page.substr(title_at + title_mark.size(), data_at - title_at - title_mark.size());
  text += script_json(json);
  text += page.substr(data_at + data_mark.size());
  return text;
}

extern constinit const Report html_report = {"html", "one page for a browser, with all its parts",
                                             write_html};

}  // namespace zoometer
