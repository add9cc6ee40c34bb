#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace zoometer::testing {

/// Files of OpenVINO IR, layer by layer: each has the next id, and its inputs come before its
/// outputs. The last layer's first output is the result.
class IrFile {
 public:
  /// Sizes are texts: "1,-1,3".
  void parameter(const std::string& name, const std::string& shape, std::string dims = {}) {
    layer("Parameter", {}, {dims.empty() ? shape : dims},
          "shape=\"" + shape + "\" element_type=\"f32\"", name);
  }
  void constant(const std::string& type, const std::string& shape, int size, int offset = 0) {
    layer("Const", {}, {shape},
          "element_type=\"" + type + "\" shape=\"" + shape + "\" offset=\"" +
              std::to_string(offset) + "\" size=\"" + std::to_string(size) + "\"",
          "", "opset1", type);
  }
  /// Inputs are layers and their outputs, by number.
  void layer(const std::string& type, const std::vector<std::pair<int, int>>& inputs,
             const std::vector<std::string>& outputs, const std::string& attributes = "",
             const std::string& name = "", const std::string& version = "opset1",
             const std::string& element = "FP32") {
    const std::string id = std::to_string(inputs_.size());
    layers_ += "<layer id=\"" + id + "\" name=\"" + (name.empty() ? type + id : name) +
               "\" type=\"" + type + "\" version=\"" + version + "\"><data " + attributes + "/>";
    if (!inputs.empty()) layers_ += "<input>";
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      layers_ += "<port id=\"" + std::to_string(i) + "\"/>";
      edges_.push_back({inputs[i].first, inputs[i].second, static_cast<int>(inputs_.size()),
                        static_cast<int>(i)});
    }
    if (!inputs.empty()) layers_ += "</input>";
    if (!outputs.empty()) layers_ += "<output>";
    for (std::size_t i = 0; i < outputs.size(); ++i)
      layers_ += port(inputs.size() + i, outputs[i], element);
    if (!outputs.empty()) layers_ += "</output>";
    layers_ += "</layer>";
    inputs_.push_back(static_cast<int>(inputs.size()));
  }

  std::string bytes() const {
    const std::string last = std::to_string(inputs_.size());
    std::string edges;
    for (const Edge& edge : edges_) edges += text(edge);
    edges += text({static_cast<int>(inputs_.size()) - 1, 0, static_cast<int>(inputs_.size()), 0});
    return "<?xml version=\"1.0\"?><net name=\"n\" version=\"11\"><layers>" + layers_ +
           "<layer id=\"" + last +
           "\" name=\"r\" type=\"Result\" version=\"opset1\"><input><port id=\"0\"/></input>"
           "</layer></layers><edges>" +
           edges + "</edges></net>";
  }

 private:
  struct Edge {
    int from, output, to, input;
  };

  static std::string port(std::size_t id, const std::string& shape, const std::string& element) {
    std::string text = "<port id=\"" + std::to_string(id) + "\" precision=\"" + element + "\">";
    for (std::size_t at = 0; at < shape.size();) {
      const std::size_t end = std::min(shape.size(), shape.find(',', at));
      text += "<dim>" + shape.substr(at, end - at) + "</dim>";
      at = end + 1;
    }
    return text + "</port>";
  }

  std::string text(const Edge& edge) const {
    const int port = inputs_[static_cast<std::size_t>(edge.from)] + edge.output;
    return "<edge from-layer=\"" + std::to_string(edge.from) + "\" from-port=\"" +
           std::to_string(port) + "\" to-layer=\"" + std::to_string(edge.to) + "\" to-port=\"" +
           std::to_string(edge.input) + "\"/>";
  }

  std::string layers_;
  std::vector<int> inputs_;  // of each layer, how many
  std::vector<Edge> edges_;
};

}  // namespace zoometer::testing
