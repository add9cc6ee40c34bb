#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "import/onnx/model.hpp"
#include "zoometer/ir/graph.hpp"
#include "zoometer/util/hash_index.hpp"

namespace zoometer {

struct OnnxOperator;
struct OnnxSkipped;

/// A tensor whose elements are known while the graph is built: a constant, a shape, or something
/// computed from them. Elements of integer types and booleans are integers, others are reals.
struct KnownTensor {
  DType dtype = DType::int64;
  Shape shape = {};
  bool uniform = false;  ///< one stored element stands for all
  bool bounded = false;  ///< an element is an upper bound: it depends on data
  bool assumed = false;  ///< an element is a guess: it depends on a size that is not known
  std::span<const std::int64_t> integers = {};
  std::span<const double> reals = {};
  const KnownTensor* other = nullptr;  ///< if inexact: with bounds at their least, other guesses
  mutable ValueId id = no_id;          ///< its value in the graph, once a node needs it there
  mutable const OnnxSkipped* skipped = nullptr;  ///< the node that computes it from weights

  bool is_real() const noexcept { return is_floating(dtype); }
  std::size_t count() const { return static_cast<std::size_t>(numel(shape)); }
  std::int64_t integer(std::size_t index) const;
  double real(std::size_t index) const;
  std::vector<std::int64_t> all_integers() const;
};

/// A tensor that the file stores: an initializer, or the constant of a node. Or an input that takes
/// the place of one: a weight of a file that has none.
struct StoredTensor {
  std::string_view name;
  std::string_view message;  ///< TensorProto; empty where the file has no dense elements of it
  const SharedShape* type = nullptr;
  DType dtype = DType::unknown;
  bool is_constant = false;  ///< of a Constant node
  bool was_read = false;     ///< its elements decided a shape
  ValueId id = no_id;        ///< its parameter in the graph, once a node needs it
  const KnownTensor* known = nullptr;
  StoredTensor* shared_with = nullptr;  ///< the weight whose storage it shares
  StoredTensor* unpacked = nullptr;     ///< the same elements in their own shape and type
};

/// A typical name of a parameter outside of any layer: "class_token".
bool has_own_weight_name(std::string_view name) noexcept;
/// A dotted path as of "layer1.conv.weight".
bool has_weight_name(std::string_view name) noexcept;

/// What a name of the file stands for.
struct OnnxValue {
  enum class Kind : std::uint8_t {
    absent,    ///< nothing: an optional value that is empty
    tensor,    ///< computed, stored or known
    sequence,  ///< a list of values
  };
  Kind kind = Kind::absent;
  bool shapeless = false;              ///< its shape is neither inferred nor declared
  ValueId id = no_id;                  ///< of a computed tensor
  const KnownTensor* known = nullptr;  ///< its elements; of a computed tensor: their range
  StoredTensor* stored = nullptr;
  const std::vector<OnnxValue>* sequence = nullptr;

  static OnnxValue of(StoredTensor* stored) noexcept {
    return {.kind = Kind::tensor, .stored = stored};
  }
  bool is_tensor() const noexcept { return kind == Kind::tensor; }
};

/// A node that was not appended, because its outputs were computed while the graph is built, from
/// constants that may be weights. Shape arithmetic so leaves no nodes. If another node needs an
/// output as a tensor, the node is appended then, and what it reads are the parameters.
struct OnnxSkipped {
  std::string_view message;  ///< NodeProto
  const OnnxOperator* row = nullptr;
  std::span<const std::pair<std::string_view, std::int64_t>> opsets;
  std::int64_t default_opset = 1;
  std::span<const OnnxValue> inputs;
  std::span<const OnnxValue> outputs;
};

/// The names of one graph, subgraph or function call, and their values.
class OnnxScope {
 public:
  explicit OnnxScope(OnnxScope* outer, std::size_t expected = 0) : outer_(outer) {
    entries_.reserve(expected);
    hashes_.reserve(expected);
    index_.reserve(expected);
  }

  /// The value of a name, here or in an outer scope; null if it is undefined. The pointer is valid
  /// until the next `define` in its scope.
  const OnnxValue* find(std::string_view name);
  /// Defines a name. `duplicate_name` reports a second definition.
  void define(std::string_view name, const OnnxValue& value);
  /// Calls `take(name, value)` for the names of this scope, in the order of their definition.
  template <class Take>
  void for_each(Take take) const {
    for (const Entry& entry : entries_) take(entry.name, entry.value);
  }
  /// The first name that was defined twice.
  std::optional<std::string_view> duplicate_name();

 private:
  struct Entry {
    std::string_view name;
    OnnxValue value;
  };

  bool is_at(std::size_t position, std::string_view name) const noexcept {
    return position < entries_.size() && entries_[position].name == name;
  }

  std::uint32_t position_of(std::string_view name, std::uint32_t hash);
  void update_index();

  OnnxScope* outer_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> hashes_;           // of the entries' names
  std::array<std::uint32_t, 256> recent_ = {};  // positions of entries, by their hash
  // Inserting one name after another waits for memory each time, which takes half of the time of a
  // file of 500,000 nodes. So names are inserted together, once a search needs them.
  HashIndex index_;
  std::uint32_t indexed_ = 0;  // the number of entries in the index
  std::optional<std::string_view> duplicate_;
  std::size_t next_weight_ = 0;  // the position after the last weight that was found
};

}  // namespace zoometer
