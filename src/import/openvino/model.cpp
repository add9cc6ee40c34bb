#include "import/openvino/model.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "util/text.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::size_t deepest_body = 48;
constexpr std::int64_t first_version = 10;  // the one with opsets

struct TypeName {
  std::string_view element, precision;
  DType dtype;
};

/// Element types as attributes and ports name them. nf4 is a table of 16 numbers: 4 bits each.
constexpr TypeName type_names[] = {
    {"f32", "FP32", DType::float32},
    {"f16", "FP16", DType::float16},
    {"bf16", "BF16", DType::bfloat16},
    {"f64", "FP64", DType::float64},
    {"i64", "I64", DType::int64},
    {"i32", "I32", DType::int32},
    {"i16", "I16", DType::int16},
    {"i8", "I8", DType::int8},
    {"i4", "I4", DType::int4},
    {"u64", "U64", DType::uint64},
    {"u32", "U32", DType::uint32},
    {"u16", "U16", DType::uint16},
    {"u8", "U8", DType::uint8},
    {"u4", "U4", DType::uint4},
    {"u2", "U2", DType::uint2},
    {"nf4", "NF4", DType::uint4},
    {"boolean", "BOOL", DType::boolean},
    {"string", "STRING", DType::string},
    {"f8e4m3", "F8E4M3", DType::float8_e4m3fn},
    {"f8e5m2", "F8E5M2", DType::float8_e5m2},
    {"f8e8m0", "F8E8M0", DType::float8_e8m0fnu},
    {"f4e2m1", "F4E2M1", DType::float4_e2m1fn},
};

std::string shown(std::string_view text) { return escape_controls(to_utf8(text.substr(0, 60))); }

std::string layer_label(const OpenvinoLayer& layer) {
  return "the layer " + std::to_string(layer.id) + " (" + shown(layer.type) + ")";
}

/// An integer of an attribute within bounds. Throws Error{malformed}.
std::int64_t number_of(const XmlElement& element, std::string_view attribute, std::int64_t least,
                       std::int64_t most) {
  const std::optional<std::int64_t> number = openvino_integer(element.text(attribute));
  if (!number || *number < least || *number > most) {
    fail_xml(std::string(attribute) + " of " + shown(element.name), element.at,
             "an integer of " + std::to_string(least) + " to " + std::to_string(most),
             shown(element.text(attribute)));
  }
  return *number;
}

std::int64_t number_or(const XmlElement& element, std::string_view attribute,
                       std::int64_t otherwise) {
  return element.find(attribute) == nullptr ? otherwise
                                            : number_of(element, attribute, INT64_MIN, INT64_MAX);
}

constexpr std::int64_t most_id = std::int64_t{1} << 62;
constexpr std::int64_t most_port = INT32_MAX;

std::uint32_t index_of_port(const std::vector<OpenvinoPort>& ports, std::int64_t id,
                            std::uint64_t at) {
  const auto found =
      std::ranges::lower_bound(ports, static_cast<std::uint32_t>(id), {}, &OpenvinoPort::id);
  if (id < 0 || found == ports.end() || found->id != static_cast<std::uint32_t>(id))
    fail_xml("a port", at, "one of its layer", std::to_string(id));
  return static_cast<std::uint32_t>(found - ports.begin());
}

/// Layers by their ids.
class LayerIndex {
 public:
  explicit LayerIndex(const OpenvinoNet& net) {
    for (std::size_t i = 0; i < net.layers.size(); ++i)
      by_id_.emplace_back(net.layers[i].id, static_cast<std::uint32_t>(i));
    std::ranges::sort(by_id_);
    const auto twice =
        std::ranges::adjacent_find(by_id_, {}, &std::pair<std::uint64_t, std::uint32_t>::first);
    if (twice == by_id_.end()) return;
    fail_xml("the layers", net.layers[std::next(twice)->second].at, "an id for each",
             "the id " + std::to_string(twice->first) + " twice");
  }

  std::uint32_t find(std::int64_t id, std::uint64_t at) const {
    const auto wanted = static_cast<std::uint64_t>(id);
    const auto found = std::ranges::lower_bound(by_id_, wanted, {},
                                                &std::pair<std::uint64_t, std::uint32_t>::first);
    if (found == by_id_.end() || found->first != wanted)
      fail_xml("an edge", at, "layers of its net", "the id " + std::to_string(id));
    return found->second;
  }

 private:
  std::vector<std::pair<std::uint64_t, std::uint32_t>> by_id_;
};

void read_edges(XmlReader& xml, OpenvinoNet& net, const LayerIndex& layers) {
  for (XmlElement edge; xml.next(edge); xml.skip()) {
    if (edge.name != "edge") continue;
    const std::uint32_t from = layers.find(number_of(edge, "from-layer", 0, most_id), edge.at);
    const std::uint32_t to = layers.find(number_of(edge, "to-layer", 0, most_id), edge.at);
    const std::uint32_t output = index_of_port(net.layers[from].outputs,
                                               number_of(edge, "from-port", 0, most_port), edge.at);
    const std::uint32_t input =
        index_of_port(net.layers[to].inputs, number_of(edge, "to-port", 0, most_port), edge.at);
    OpenvinoSource& source = net.layers[to].sources[input];
    if (source.layer != no_id)
      fail_xml("an edge", edge.at, "one edge to each input", "a second one");
    source = {from, output};
  }
}

/// Files have their layers in an order in which they can run; one that has another is sorted.
void sort_layers(OpenvinoNet& net) {
  const std::size_t count = net.layers.size();
  std::vector<std::uint32_t> waiting(count, 0);
  net.is_read.assign(net.value_count, false);
  bool is_sorted = true;
  for (std::size_t i = 0; i < count; ++i) {
    const OpenvinoLayer& layer = net.layers[i];
    for (std::size_t input = 0; input < layer.sources.size(); ++input) {
      if (layer.sources[input].layer == no_id) {
        fail_xml(layer_label(layer), layer.at, "an edge to each of its inputs",
                 "none to the port " + std::to_string(layer.inputs[input].id));
      }
      const OpenvinoSource& source = layer.sources[input];
      is_sorted = is_sorted && source.layer < i;
      net.is_read[net.layers[source.layer].first_value + source.port] = true;
      ++waiting[i];
    }
  }
  net.was_sorted = !is_sorted;
  if (is_sorted) {
    for (std::size_t i = 0; i < count; ++i) net.order.push_back(static_cast<std::uint32_t>(i));
    return;
  }
  std::vector<std::vector<std::uint32_t>> readers(count);
  for (std::size_t i = 0; i < count; ++i)
    for (const OpenvinoSource& source : net.layers[i].sources)
      readers[source.layer].push_back(static_cast<std::uint32_t>(i));
  for (std::size_t i = 0; i < count; ++i)
    if (waiting[i] == 0) net.order.push_back(static_cast<std::uint32_t>(i));
  for (std::size_t next = 0; next < net.order.size(); ++next)
    for (const std::uint32_t reader : readers[net.order[next]])
      if (--waiting[reader] == 0) net.order.push_back(reader);
  if (net.order.size() == count) return;
  const auto stuck = std::ranges::find_if(waiting, [](std::uint32_t left) { return left > 0; });
  fail_xml("the edges", net.layers[static_cast<std::size_t>(stuck - waiting.begin())].at,
           "an order in which the layers can run", "a cycle");
}

OpenvinoPort read_port(XmlReader& xml, const XmlElement& start) {
  OpenvinoPort port;
  port.id = static_cast<std::uint32_t>(number_of(start, "id", 0, most_port));
  port.dtype = openvino_type(start.text("precision"));
  port.names = start.text("names");
  for (XmlElement dim; xml.next(dim);) {
    if (dim.name != "dim") {
      xml.skip();
      continue;
    }
    const std::string_view text = xml.content();
    const std::optional<std::int64_t> size = openvino_integer(text);
    if (!size || *size < -1) fail_xml("a size", dim.at, "an integer of at least -1", shown(text));
    if (port.shape.size() == most_dimensions) {
      fail_xml("a port", start.at, "at most " + std::to_string(most_dimensions) + " sizes", "more");
    }
    if (*size < 0) port.unknown |= UnknownSizes{1} << port.shape.size();
    port.shape.push_back(*size < 0 ? 1 : *size);
  }
  try {
    numel(port.shape);  // refuses what is too large
  } catch (Error& error) {
    error.place.byte_offset = start.at;
    throw;
  }
  return port;
}

void read_ports(XmlReader& xml, std::vector<OpenvinoPort>& ports) {
  for (XmlElement start; xml.next(start);) {
    if (start.name != "port") {
      xml.skip();
      continue;
    }
    OpenvinoPort port = read_port(xml, start);
    if (!ports.empty() && port.id <= ports.back().id) {
      fail_xml("the ports of a layer", start.at, "ids that rise",
               std::to_string(port.id) + " after " + std::to_string(ports.back().id));
    }
    ports.push_back(port);
  }
}

/// Whether a runtime converts the constant once, when it loads the model.
bool read_decompression(XmlReader& xml) {
  bool found = false;
  for (XmlElement entry; xml.next(entry); xml.skip())
    found = found || entry.text("name") == "decompression";
  return found;
}

/// A port of a body before the layers of the body are known.
struct PendingPort {
  XmlElement element;
  std::string_view body;
};

struct PendingEdge {
  std::uint64_t at;
  std::int64_t from, to;
};

template <class Number>
std::vector<double> numbers_in(std::string_view data) {
  std::vector<double> result(data.size() / sizeof(Number));
  for (std::size_t i = 0; i < result.size(); ++i) {
    Number number;
    std::memcpy(&number, data.data() + i * sizeof number, sizeof number);
    result[i] = static_cast<double>(number);
  }
  return result;
}

}  // namespace

bool looks_like_openvino(std::string_view bytes) noexcept {
  std::string_view start = bytes.substr(0, 4096);
  if (start.starts_with("\xEF\xBB\xBF")) start.remove_prefix(3);
  start.remove_prefix(std::min(start.size(), start.find_first_not_of(" \t\r\n")));
  if (!start.starts_with('<')) return false;
  const std::size_t net = start.find("<net ");
  return net != std::string_view::npos && start.find("<layers", net) != std::string_view::npos;
}

DType openvino_type(std::string_view name) noexcept {
  for (const TypeName& type : type_names)
    if (type.element == name || type.precision == name) return type.dtype;
  return DType::unknown;
}

bool is_packed_type(DType dtype) noexcept {
  return !is_floating(dtype) && dtype != DType::boolean && bits_of(dtype) > 0 &&
         bits_of(dtype) <= 8;
}

std::optional<std::int64_t> openvino_integer(std::string_view text) noexcept {
  while (!text.empty() && std::strchr(" \t\r\n", text.front()) != nullptr) text.remove_prefix(1);
  while (!text.empty() && std::strchr(" \t\r\n", text.back()) != nullptr) text.remove_suffix(1);
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

const std::string_view* OpenvinoLayer::find(std::string_view attribute) const noexcept {
  for (const auto& [own, value] : attributes)
    if (own == attribute) return &value;
  return nullptr;
}

OpenvinoModel::OpenvinoModel(const MappedFile& file) {
  open_data(file.path());
  XmlReader xml(file.text());
  XmlElement root;
  xml.next(root);
  if (root.name != "net") fail_xml("the document", root.at, "<net>", "<" + shown(root.name) + ">");
  version_ = number_of(root, "version", 0, INT32_MAX);
  if (version_ < first_version) {
    Error error(ErrorCode::unsupported,
                "the file is OpenVINO IR of version " + std::to_string(version_) +
                    ", from before its operators had opsets",
                {"version 10 or 11", std::to_string(version_)});
    error.place.byte_offset = root.at;
    error.hint = "convert the model again with OpenVINO 2020.1 or later";
    throw error;
  }
  net_.kind = "net";
  net_.at = root.at;
  net_.name = xml_text(root.text("name"), root.at);
  read_net(xml, net_);
}

void OpenvinoModel::open_data(const std::string& path) {
  if (!path.ends_with(".xml")) return;
  data_path_ = path.substr(0, path.size() - 4) + ".bin";
  std::error_code problem;
  if (std::filesystem::is_regular_file(data_path_, problem)) data_.emplace(data_path_);
}

void OpenvinoModel::check() const {
  if (data_) data_->check();
}

/// In an open <net> or body.
void OpenvinoModel::read_net(XmlReader& xml, OpenvinoNet& net) {
  bool has_layers = false;
  for (XmlElement part; xml.next(part);) {
    if (part.name == "layers" && !has_layers) {
      has_layers = true;
      read_layers(xml, net);
    } else if (part.name == "edges") {
      read_edges(xml, net, LayerIndex(net));
    } else if (part.name == "rt_info" && depth_ == 0) {
      read_producer(xml);
    } else {
      xml.skip();
    }
  }
  sort_layers(net);
}

/// <rt_info><Runtime_version value="..."/></rt_info>, or of a converter.
void OpenvinoModel::read_producer(XmlReader& xml) {
  for (XmlElement entry; xml.next(entry); xml.skip()) {
    const bool is_writer = entry.name == "Runtime_version" || entry.name == "MO_version";
    if (is_writer && producer_.empty())
      producer_ = "OpenVINO " + xml_text(entry.text("value").substr(0, 80), entry.at);
  }
}

void OpenvinoModel::read_layers(XmlReader& xml, OpenvinoNet& net) {
  for (XmlElement start; xml.next(start);) {
    if (start.name != "layer") {
      xml.skip();
      continue;
    }
    OpenvinoLayer layer = read_layer(xml, start);
    layer.first_value = net.value_count;
    net.value_count += static_cast<std::uint32_t>(layer.outputs.size());
    net.layers.push_back(std::move(layer));
    ++layer_count_;
  }
}

OpenvinoLayer OpenvinoModel::read_layer(XmlReader& xml, const XmlElement& start) {
  OpenvinoLayer layer;
  layer.at = start.at;
  layer.id = static_cast<std::uint64_t>(number_of(start, "id", 0, most_id));
  layer.name = xml_text(start.text("name"), start.at);
  layer.type = start.text("type");
  layer.version = start.text("version");
  std::vector<PendingPort> ports;
  std::vector<PendingEdge> back_edges;
  XmlElement part;
  while (xml.next(part)) {
    if (part.name == "data") {
      layer.attributes = part.attributes;
      xml.skip();
    } else if (part.name == "input") {
      read_ports(xml, layer.inputs);
    } else if (part.name == "output") {
      read_ports(xml, layer.outputs);
    } else if (part.name == "rt_info") {
      layer.decompresses = read_decompression(xml);
    } else if (part.name.ends_with("body")) {
      read_body(xml, part, layer);
    } else if (part.name.ends_with("port_map")) {
      const std::string_view body = part.name == "port_map"        ? "body"
                                    : part.name == "then_port_map" ? "then_body"
                                                                   : "else_body";
      for (XmlElement port; xml.next(port); xml.skip()) ports.push_back({port, body});
    } else if (part.name == "back_edges") {
      for (XmlElement edge; xml.next(edge); xml.skip()) {
        back_edges.push_back({edge.at, number_of(edge, "from-layer", 0, most_id),
                              number_of(edge, "to-layer", 0, most_id)});
      }
    } else {
      xml.skip();
    }
  }
  layer.sources.resize(layer.inputs.size());
  if (layer.type == "Const") check_constant(layer);
  for (OpenvinoNet& body : layer.bodies) {
    const LayerIndex layers(body);
    for (const PendingPort& pending : ports) {
      if (pending.body != body.kind) continue;
      const XmlElement& element = pending.element;
      OpenvinoBodyPort port;
      port.is_output = element.name == "output";
      port.internal = layers.find(number_of(element, "internal_layer_id", 0, most_id), element.at);
      const std::int64_t external = number_of(element, "external_port_id", -1, most_port);
      const std::string_view wanted = port.is_output ? "Result" : "Parameter";
      if (body.layers[port.internal].type != wanted)
        fail_xml("a port of a body", element.at, "a " + std::string(wanted),
                 shown(body.layers[port.internal].type));
      if (external >= 0) {
        port.external =
            index_of_port(port.is_output ? layer.outputs : layer.inputs, external, element.at);
      }
      if (element.find("axis") != nullptr) port.axis = number_or(element, "axis", 0);
      port.start = number_or(element, "start", 0);
      port.end = number_or(element, "end", -1);
      port.stride = number_or(element, "stride", 1);
      port.part_size = number_or(element, "part_size", 1);
      port.purpose = element.text("purpose");
      body.ports.push_back(port);
    }
    if (body.kind != "body") continue;
    for (const PendingEdge& edge : back_edges)
      body.back_edges.emplace_back(layers.find(edge.from, edge.at), layers.find(edge.to, edge.at));
  }
  return layer;
}

void OpenvinoModel::read_body(XmlReader& xml, const XmlElement& start, OpenvinoLayer& layer) {
  if (depth_ == deepest_body) {
    Error error(ErrorCode::limit, "bodies of layers are nested too deeply",
                {"at most " + std::to_string(deepest_body) + " deep", "more"});
    error.place.byte_offset = start.at;
    throw error;
  }
  for (const OpenvinoNet& other : layer.bodies)
    if (other.kind == start.name) fail_xml(layer_label(layer), start.at, "one such body", "two");
  OpenvinoNet body;
  body.kind = start.name;
  body.at = start.at;
  ++depth_;
  read_net(xml, body);
  --depth_;
  layer.bodies.push_back(std::move(body));
}

/// Whether the data is as long as its sizes say, and within its file.
void OpenvinoModel::check_constant(const OpenvinoLayer& layer) const {
  if (layer.outputs.size() != 1)
    fail_xml(layer_label(layer), layer.at, "one output", std::to_string(layer.outputs.size()));
  const OpenvinoPort& port = layer.outputs[0];
  if (port.unknown != 0) fail_xml(layer_label(layer), layer.at, "sizes of at least 0", "-1");
  const auto number = [&](std::string_view attribute) {
    const std::string_view* text = layer.find(attribute);
    const auto value = text == nullptr ? std::nullopt : openvino_integer(*text);
    if (!value || *value < 0) {
      fail_xml(layer_label(layer), layer.at, std::string(attribute) + ", an integer of at least 0",
               text == nullptr ? "none" : shown(*text));
    }
    return *value;
  };
  const std::int64_t offset = number("offset");
  const std::int64_t size = number("size");
  const std::int64_t wanted = bytes_of(numel(port.shape), port.dtype);
  if (size < wanted) {
    fail_xml("the data of " + layer_label(layer), layer.at, std::to_string(wanted) + " bytes",
             std::to_string(size));
  }
  const auto end = static_cast<std::uint64_t>(checked_add(offset, size));
  if (data_ && end > data_->size()) {
    fail_xml("the data of " + layer_label(layer), layer.at,
             "an end within the " + std::to_string(data_->size()) + " bytes of " +
                 escape_controls(to_utf8(data_path_)),
             std::to_string(end));
  }
}

std::optional<std::vector<double>> OpenvinoModel::numbers(const OpenvinoLayer& constant,
                                                          std::int64_t most) const {
  const OpenvinoPort& port = constant.outputs[0];
  const std::int64_t count = numel(port.shape);
  if (!data_ || count > most) return std::nullopt;
  const auto offset = static_cast<std::size_t>(*openvino_integer(*constant.find("offset")));
  const std::string_view data =
      data_->text().substr(offset, static_cast<std::size_t>(bytes_of(count, port.dtype)));
  switch (port.dtype) {
  case DType::int64: return numbers_in<std::int64_t>(data);
  case DType::int32: return numbers_in<std::int32_t>(data);
  case DType::int16: return numbers_in<std::int16_t>(data);
  case DType::int8: return numbers_in<std::int8_t>(data);
  case DType::uint64: return numbers_in<std::uint64_t>(data);
  case DType::uint32: return numbers_in<std::uint32_t>(data);
  case DType::uint16: return numbers_in<std::uint16_t>(data);
  case DType::uint8:
  case DType::boolean: return numbers_in<std::uint8_t>(data);
  case DType::float32: return numbers_in<float>(data);
  case DType::float64: return numbers_in<double>(data);
  default: return std::nullopt;
  }
}

}  // namespace zoometer
