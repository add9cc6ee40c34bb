#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zoometer/models/model.hpp"

namespace zoometer {

/// A parameter of a family.
struct FamilyParameter {
  enum class Kind : std::uint8_t { integer, integers, word };

  std::string_view name;
  Kind kind = Kind::integer;
  std::string_view standard;  ///< the default as text: "64", "[3, 4, 6, 3]", "\"basic\""
  std::string_view meaning;
  std::int64_t most = 65'536;                    ///< of each integer; the least is 1
  std::size_t count = 0;                         ///< how many integers there are
  std::span<const std::string_view> words = {};  ///< which words there are
};

struct Parametrised;

/// The values of a family's parameters, each checked.
class FamilyValues {
 public:
  /// Reads the text between the parentheses: "layers = [2, 2, 2, 2], block = \"basic\"". Other
  /// parameters have their defaults. Throws Error{usage}.
  FamilyValues(const Parametrised& family, std::string_view text);

  std::int64_t integer(std::string_view name) const noexcept;
  const std::vector<std::int64_t>& integers(std::string_view name) const noexcept;
  std::string_view word(std::string_view name) const noexcept;

  /// The integers as an array, for configurations of a fixed length.
  template <class Integer, std::size_t count>
  std::array<Integer, count> array(std::string_view name) const noexcept {
    std::array<Integer, count> result{};
    const std::vector<std::int64_t>& given = integers(name);
    for (std::size_t i = 0; i < count; ++i) result[i] = static_cast<Integer>(given[i]);
    return result;
  }

 private:
  struct Value {
    std::string_view name;
    std::vector<std::int64_t> integers;
    std::string word;
  };
  void take(const Parametrised& family, std::string_view text);
  const Value& find(std::string_view name) const noexcept;

  std::vector<Value> values_;
};

/// A family whose parameters the user may choose.
struct Parametrised {
  std::string_view name;  ///< the name in a call: "resnet"
  InputSpecs inputs;
  std::span<const FamilyParameter> parameters;
  void (*build)(Trace& trace, const FamilyValues& values);
};

/// Every such family, by object name.
std::span<const Parametrised* const> parametrised_families() noexcept;

/// Whether a word is the call of a family: "resnet(layers=[2, 2, 2, 2])".
bool is_family_call(std::string_view word) noexcept;

/// Traces "resnet(layers=[2, 2, 2, 2])" into `graph` (emptied first). Throws Error.
void trace_family(std::string_view call, const TraceOptions& options, Graph& graph);
/// The default inputs of the family that is called. Throws Error for another word.
const InputSpecs& inputs_of_family(std::string_view call);

}  // namespace zoometer
