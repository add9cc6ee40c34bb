#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/mapped_file.hpp"
#include "util/xml.hpp"
#include "zoometer/ir/graph.hpp"

// What a file of OpenVINO IR contains, version 10 or 11 (docs.openvino.ai, "Intermediate
// Representation"). Of the data beside it only small constants are read, where they are asked for.

namespace zoometer {

/// An input or output of a layer.
struct OpenvinoPort {
  std::uint32_t id = 0;
  Shape shape;               ///< 1 where a size is not known
  UnknownSizes unknown = 0;  ///< the sizes that the file does not know
  DType dtype = DType::unknown;
  std::string_view names;  ///< of the tensor, with commas between them
};

/// The output of a layer that an input reads, both by their index.
struct OpenvinoSource {
  std::uint32_t layer = no_id;
  std::uint32_t port = 0;
};

/// What a body has of the layer that runs it.
struct OpenvinoBodyPort {
  bool is_output = false;
  std::optional<std::uint32_t> external;  ///< the index of the layer's input or output
  std::uint32_t internal = 0;             ///< the index of a Parameter or Result of the body
  std::optional<std::int64_t> axis;       ///< along which an iteration has its part
  std::int64_t start = 0, end = -1, stride = 1, part_size = 1;
  std::string_view purpose;  ///< "current_iteration", "execution_condition", or empty
};

struct OpenvinoNet;

struct OpenvinoLayer {
  std::uint64_t id = 0;
  std::string name;
  std::string_view type;
  std::string_view version;                                               ///< "opset1"
  std::uint64_t at = 0;                                                   ///< its byte in the file
  std::vector<std::pair<std::string_view, std::string_view>> attributes;  ///< of <data>
  std::vector<OpenvinoPort> inputs;
  std::vector<OpenvinoPort> outputs;
  std::vector<OpenvinoSource> sources;  ///< of each input
  std::vector<OpenvinoNet> bodies;
  std::uint32_t first_value = 0;  ///< of its net, of the first output
  bool decompresses = false;      ///< a Convert that a runtime does once, at load

  /// The text of an attribute, or null.
  const std::string_view* find(std::string_view attribute) const noexcept;
};

/// A graph of layers: the model, or the body of a layer.
struct OpenvinoNet {
  std::string_view kind;  ///< "net", "body", "then_body", "else_body"
  std::string name;
  std::uint64_t at = 0;
  std::vector<OpenvinoLayer> layers;
  std::vector<std::uint32_t> order;  ///< the layers in an order in which they can run
  std::uint32_t value_count = 0;     ///< outputs of all layers
  std::vector<bool> is_read;         ///< by output: whether a layer reads it
  bool was_sorted = false;
  std::vector<OpenvinoBodyPort> ports;
  /// Results and the Parameters that have their values in the next iteration.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> back_edges;
};

/// Whether the bytes begin as such a file does.
bool looks_like_openvino(std::string_view bytes) noexcept;

/// The element type of a name, "f32" or "FP32".
DType openvino_type(std::string_view name) noexcept;

/// Whether elements of the type are integers that stand for real numbers where a file has many.
bool is_packed_type(DType dtype) noexcept;

/// An integer; nothing if it is none.
std::optional<std::int64_t> openvino_integer(std::string_view text) noexcept;

/// One file, and the data of its constants if they are beside it.
class OpenvinoModel {
 public:
  /// Throws Error{malformed}, Error{limit}, and Error{unsupported} for versions before 10.
  explicit OpenvinoModel(const MappedFile& file);

  const OpenvinoNet& net() const noexcept { return net_; }
  std::int64_t version() const noexcept { return version_; }
  /// What wrote the file, or empty.
  const std::string& producer() const noexcept { return producer_; }
  /// Layers of all nets.
  std::size_t layer_count() const noexcept { return layer_count_; }
  /// The name of the file of constants.
  const std::string& data_path() const noexcept { return data_path_; }
  bool has_data() const noexcept { return data_.has_value(); }

  /// The numbers of a Const of at most so many, or nothing. Integers beyond 2^53 are rounded.
  std::optional<std::vector<double>> numbers(const OpenvinoLayer& constant,
                                             std::int64_t most) const;
  /// Throws Error{io} if the file of constants could not be read.
  void check() const;

 private:
  void open_data(const std::string& path);
  void read_net(XmlReader& xml, OpenvinoNet& net);
  void read_layers(XmlReader& xml, OpenvinoNet& net);
  OpenvinoLayer read_layer(XmlReader& xml, const XmlElement& start);
  void read_body(XmlReader& xml, const XmlElement& start, OpenvinoLayer& layer);
  void read_producer(XmlReader& xml);
  void check_constant(const OpenvinoLayer& layer) const;

  std::string data_path_;
  std::optional<MappedFile> data_;
  OpenvinoNet net_;
  std::int64_t version_ = 0;
  std::string producer_;
  std::size_t layer_count_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace zoometer
