#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "zoometer/ir/graph.hpp"

// A StableHLO program as it was read: operations in blocks in regions, with their types and
// attributes. Texts are parts of the file's bytes, or of `made`.

namespace zoometer {

inline constexpr std::uint32_t hlo_none = 0xFFFFFFFF;

/// A type. Only tensors have sizes.
struct HloType {
  Shape shape;  ///< 1 where a size is not known
  DType dtype = DType::unknown;
  UnknownSizes unknown = 0;  ///< a bit for each size that is not known
  bool is_tensor = false;    ///< false: a token, a tuple, a function
};

/// An attribute.
struct HloAttribute {
  enum class Kind : std::uint8_t {
    other,
    number,    ///< an integer, a boolean or the place of a word in its enumeration
    text,      ///< a string or the name of a symbol
    list,      ///< `items` are attributes
    tensor,    ///< `type` and the elements in `text`
    type,      ///< `type`
    location,  ///< `text` is the name, `items` are other locations
  };
  Kind kind = Kind::other;
  std::int64_t number = 0;
  std::string_view text = {};
  std::vector<std::uint32_t> items = {};
  std::uint32_t type = hlo_none;
  bool is_left_out = false;  ///< of a tensor: it has several elements, which were not read
};

struct HloRegion;

/// An operation. Values are numbered within their function, or
/// within the region that sees no others.
struct HloOperation {
  std::string_view name;                ///< "dot_general", without dialect and version
  std::string_view full_name;           ///< "vhlo.dot_general_v2"
  std::uint64_t at = 0;                 ///< its place in the file
  std::uint32_t location = hlo_none;    ///< an attribute
  std::vector<std::uint32_t> operands;  ///< values
  std::uint32_t first_result = 0;       ///< a value; the other results follow
  std::vector<std::uint32_t> types;     ///< of the results
  std::vector<std::pair<std::string_view, std::uint32_t>> attributes;  ///< by name
  std::vector<HloRegion> regions;
};

/// Operations that run one after the other.
struct HloBlock {
  std::uint32_t first_argument = 0;  ///< a value; the others follow
  std::vector<std::uint32_t> argument_types;
  std::vector<std::uint32_t> argument_locations;
  std::vector<HloOperation> operations;
};

/// What an operation runs. StableHLO's regions have one block.
struct HloRegion {
  std::vector<HloBlock> blocks;
  bool is_isolated =
      false;  ///< it sees no values around it and numbers its own, as a function does
  std::uint32_t own_values = 0;  ///< of one that is isolated
};

/// One function.
struct HloFunction {
  std::string_view name;
  const HloOperation* operation = nullptr;
  const HloBlock* body = nullptr;
};

/// A whole file.
class HloProgram {
 public:
  HloProgram() = default;
  HloProgram(HloProgram&&) = default;
  HloProgram& operator=(HloProgram&&) = default;

  std::string_view producer;  ///< "StableHLO_v1.15.0"
  HloBlock top;               ///< the module
  std::vector<HloType> types;
  std::vector<HloAttribute> attributes;
  std::size_t operation_count = 0;
  std::deque<std::string> made;  ///< texts that are no part of the file

  /// Its functions in their order. Throws Error{malformed} for one without a name.
  std::vector<HloFunction> functions() const;
  const HloType& type(std::uint32_t index) const { return types[index]; }

  /// The attribute of that name, or null.
  const HloAttribute* find(const HloOperation& operation, std::string_view name) const;
  /// Its integers: a tensor, a list or a number. `most` bounds what is expanded.
  std::vector<std::int64_t> integers(const HloAttribute& attribute, std::size_t most) const;
  /// The number that a tensor of real numbers repeats, or nothing: all its bytes are one element.
  std::optional<double> repeated(const HloAttribute& attribute) const;
  /// The name of the innermost location that has one: "jit(f)/encoder/dot_general".
  std::string_view location_name(std::uint32_t location) const;
};

/// Throws Error{malformed} with the place in the file.
[[noreturn]] void fail_hlo(std::string_view what, std::uint64_t at, std::string expected,
                           std::string got);

}  // namespace zoometer
