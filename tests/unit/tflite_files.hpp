#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// TensorFlow Lite files for tests, written field by field as LiteRT's schema numbers them.

namespace zoometer::testing {

/// A table of a flatbuffer under construction.
class FlatNode {
 public:
  template <class Number>
  FlatNode& number(unsigned field, Number value) {
    fields_[field].bytes.assign(reinterpret_cast<const char*>(&value), sizeof(value));
    return *this;
  }
  FlatNode& text(unsigned field, std::string_view text) {
    return vector(field, std::string(text), static_cast<std::uint32_t>(text.size()));
  }
  template <class Number>
  FlatNode& numbers(unsigned field, const std::vector<Number>& values) {
    std::string bytes(values.size() * sizeof(Number), '\0');
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return vector(field, std::move(bytes), static_cast<std::uint32_t>(values.size()));
  }
  FlatNode& ints(unsigned field, const std::vector<std::int32_t>& values) {
    return numbers(field, values);
  }
  FlatNode& table(unsigned field, FlatNode node) {
    fields_[field].tables = {std::move(node)};
    fields_[field].kind = Kind::table;
    return *this;
  }
  FlatNode& tables(unsigned field, std::vector<FlatNode> nodes) {
    fields_[field].tables = std::move(nodes);
    fields_[field].kind = Kind::tables;
    return *this;
  }

  /// The whole file with this table as its root.
  std::string file(std::string_view identifier) const {
    std::string out(4, '\0');
    out += identifier;
    const auto root = static_cast<std::uint32_t>(write(out));
    std::memcpy(out.data(), &root, 4);
    return out;
  }

 private:
  enum class Kind : std::uint8_t { number, vector, table, tables };
  struct Field {
    Kind kind = Kind::number;
    std::string bytes;
    std::uint32_t count = 0;
    std::vector<FlatNode> tables;
  };

  FlatNode& vector(unsigned field, std::string bytes, std::uint32_t count) {
    fields_[field].bytes = std::move(bytes);
    fields_[field].count = count;
    fields_[field].kind = Kind::vector;
    return *this;
  }

  template <class Number>
  static void append(std::string& out, Number value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  static void point(std::string& out, std::size_t from, std::size_t to) {
    const auto offset = static_cast<std::uint32_t>(to - from);
    std::memcpy(out.data() + from, &offset, 4);
  }

  /// Appends the list of fields, the table and all that it refers to; returns the table's place.
  std::size_t write(std::string& out) const {
    const unsigned count = fields_.empty() ? 0 : fields_.rbegin()->first + 1;
    std::vector<std::uint16_t> places(count, 0);
    std::string body(4, '\0');
    std::vector<std::pair<std::size_t, const Field*>> references;
    for (const auto& [number, field] : fields_) {
      places[number] = static_cast<std::uint16_t>(body.size());
      if (field.kind != Kind::number) references.emplace_back(body.size(), &field);
      body += field.kind == Kind::number ? field.bytes : std::string(4, '\0');
    }
    const std::size_t vtable = out.size();
    append(out, static_cast<std::uint16_t>(4 + 2 * count));
    append(out, static_cast<std::uint16_t>(body.size()));
    for (const std::uint16_t place : places) append(out, place);
    const std::size_t table = out.size();
    const auto back = static_cast<std::int32_t>(table - vtable);
    std::memcpy(body.data(), &back, 4);
    out += body;
    for (const auto& [place, field] : references) write_field(out, table + place, *field);
    return table;
  }

  static void write_field(std::string& out, std::size_t from, const Field& field) {
    if (field.kind == Kind::table) {
      const std::size_t to = field.tables[0].write(out);
      return point(out, from, to);
    }
    point(out, from, out.size());
    if (field.kind == Kind::vector) {
      append(out, field.count);
      out += field.bytes;
      return;
    }
    append(out, static_cast<std::uint32_t>(field.tables.size()));
    const std::size_t first = out.size();
    out += std::string(4 * field.tables.size(), '\0');
    for (std::size_t i = 0; i < field.tables.size(); ++i) {
      const std::size_t to = field.tables[i].write(out);
      point(out, first + 4 * i, to);
    }
  }

  std::map<unsigned, Field> fields_;
};

/// A model of one or more subgraphs.
class TfliteFile {
 public:
  static constexpr std::int8_t f32 = 0, i32 = 2, i8 = 9, i4 = 17;

  struct Subgraph {
    std::vector<FlatNode> tensors;
    std::vector<std::int32_t> inputs, outputs;
    std::vector<FlatNode> nodes;

    /// Adds a tensor and returns its index.
    std::int32_t tensor(const std::vector<std::int32_t>& shape, std::int8_t type = f32,
                        std::uint32_t buffer = 0) {
      FlatNode node;
      node.ints(0, shape).number(1, type).number(2, buffer);
      node.text(3, "t" + std::to_string(tensors.size()));
      tensors.push_back(std::move(node));
      return static_cast<std::int32_t>(tensors.size() - 1);
    }
    std::int32_t input(const std::vector<std::int32_t>& shape, std::int8_t type = f32) {
      inputs.push_back(tensor(shape, type));
      return inputs.back();
    }
    /// An operator by the index of its code, with options of a type that readers do not look at.
    void node(std::uint32_t code, const std::vector<std::int32_t>& operands,
              const std::vector<std::int32_t>& results, FlatNode options = {}) {
      FlatNode made;
      made.number(0, code).ints(1, operands).ints(2, results);
      made.number(3, std::uint8_t{1}).table(4, std::move(options));
      nodes.push_back(std::move(made));
    }
    /// The options of the operator that was added last, which is a custom one.
    void custom_options(const std::vector<std::int32_t>& numbers) {
      std::string bytes(numbers.size() * 4, '\0');
      std::memcpy(bytes.data(), numbers.data(), bytes.size());
      nodes.back().text(5, bytes);
    }
  };

  /// Data of so many bytes; returns the buffer's index.
  std::uint32_t buffer(std::string bytes) {
    FlatNode node;
    node.text(0, bytes);
    buffers_.push_back(std::move(node));
    return static_cast<std::uint32_t>(buffers_.size() - 1);
  }
  std::uint32_t buffer(const std::vector<std::int32_t>& numbers) {
    std::string bytes(numbers.size() * 4, '\0');
    if (!numbers.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
    return buffer(std::move(bytes));
  }
  /// The index of a builtin operator's code.
  std::uint32_t code(std::int32_t number) {
    FlatNode node;
    node.number(0, static_cast<std::int8_t>(number > 127 ? 127 : number)).number(3, number);
    codes_.push_back(std::move(node));
    return static_cast<std::uint32_t>(codes_.size() - 1);
  }
  /// The same of a custom operator.
  std::uint32_t custom(const std::string& name) {
    FlatNode node;
    node.number(0, std::int8_t{32}).text(1, name).number(3, std::int32_t{32});
    codes_.push_back(std::move(node));
    return static_cast<std::uint32_t>(codes_.size() - 1);
  }

  std::vector<Subgraph> subgraphs = std::vector<Subgraph>(1);

  std::string bytes() const {
    std::vector<FlatNode> graphs;
    for (const Subgraph& each : subgraphs) {
      FlatNode node;
      node.tables(0, each.tensors).ints(1, each.inputs).ints(2, each.outputs).tables(3, each.nodes);
      graphs.push_back(std::move(node));
    }
    FlatNode root;
    root.number(0, std::uint32_t{3}).tables(1, codes_).tables(2, graphs).tables(4, buffers_);
    return root.file("TFL3");
  }

 private:
  std::vector<FlatNode> codes_;
  std::vector<FlatNode> buffers_ = std::vector<FlatNode>(1);
};

}  // namespace zoometer::testing
