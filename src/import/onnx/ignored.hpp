#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "import/onnx/context.hpp"
#include "util/seeded_hash.hpp"

namespace zoometer {

/// What the file's nodes have and their handlers did not read: attributes and inputs that the
/// figures do not take into account.
class OnnxIgnored {
 public:
  /// Adds what a node has that its handler did not read, unless its row says that no figure depends
  /// on it.
  void add(OnnxContext& context, const OnnxOperator& row);
  /// "Resize antialias=1 was not taken into account (2 nodes)", in the order of the file.
  std::vector<std::string> notes() const;

  /// How many nodes there were of each kind, so that a branch can be taken back.
  std::vector<std::int64_t> counts() const;
  void restore(const std::vector<std::int64_t>& counts);

 private:
  /// An operator with an attribute and its value, or with an input.
  struct Key {
    const OnnxOperator* row = nullptr;
    std::string_view attribute;  ///< the file's bytes; empty for an input
    std::size_t input = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      const std::size_t row = std::hash<const void*>{}(key.row);
      return (row * 31 + seeded_hash(key.attribute)) * 31 + key.input;
    }
  };
  struct Entry {
    std::string text;  ///< "Resize antialias=1"; empty where no figure depends on it
    std::int64_t nodes = 0;
  };

  void add_attribute(OnnxContext& context, const OnnxOperator& row, const OnnxAttribute& attribute);
  void add_input(OnnxContext& context, const OnnxOperator& row, std::size_t index);
  /// Counts a node. `describe` is asked once for each key: the entry's text.
  template <class Describe>
  void count(const Key& key, Describe describe);

  std::unordered_map<Key, std::size_t, KeyHash> places_;
  std::vector<Entry> entries_;
  bool has_others_ = false;  // keys for which there was no room
};

}  // namespace zoometer
