#pragma once

#include <array>
#include <map>
#include <optional>

#include "import/stablehlo/assembly_text.hpp"
#include "import/stablehlo/program.hpp"
#include "util/seeded_hash.hpp"
#include "zoometer/util/error.hpp"

// The reader of assembly.hpp: assembly.cpp has operations, assembly_types.cpp types and aliases,
// assembly_attributes.cpp attributes.

namespace zoometer {

struct NamedValue {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

/// The names of the values that a function sees, and how many it has made.
struct ValueScope {
  NameMap<NamedValue> names;
  std::vector<std::string_view> order;  ///< of the names
  std::uint32_t made = 0;
};

/// One level of attributes within attributes.
class Nesting {
 public:
  static constexpr std::size_t deepest = 64;

  explicit Nesting(std::size_t& depth) : depth_(depth) {
    if (++depth_ > deepest) {
      throw Error(ErrorCode::limit, "the program's attributes are too deep",
                  {std::to_string(deepest), "more"});
    }
  }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
  ~Nesting() { --depth_; }

 private:
  std::size_t& depth_;
};

class AssemblyReader {
 public:
  explicit AssemblyReader(std::string_view bytes) : bytes_(bytes), text_(bytes) {}
  HloProgram read();

 private:
  struct Alias {
    std::size_t at = 0;  ///< of its value
    std::optional<std::uint32_t> index = {};
    bool is_open = false;
  };

  /// What an alias that is next stands for, or nothing: then the text stays where it is.
  template <class Read>
  std::optional<std::uint32_t> aliased(const Read& read);

  // types
  std::uint32_t type();
  HloType tensor_type();
  HloType element_type();
  std::vector<std::uint32_t> type_list(bool may_be_bare = true);
  std::vector<std::uint32_t> result_types(std::size_t count);
  std::uint32_t add_type(const HloType& type);
  std::uint32_t element_of(std::uint32_t tensor);

  // attributes
  void find_aliases();
  std::uint32_t add(HloAttribute attribute);
  HloAttribute attribute(bool may_have_type);
  HloAttribute hash_attribute();
  HloAttribute list();
  bool list_items(std::vector<std::int64_t>& numbers);
  HloAttribute integers(const std::vector<std::int64_t>& numbers);
  HloAttribute array();
  HloAttribute dense();
  void read_elements(HloAttribute& tensor, std::string_view elements);
  HloAttribute location();
  std::uint32_t location_index();
  std::uint32_t trailing_location();
  void dictionary(HloOperation& operation);
  void set(HloOperation& operation, std::string_view name, HloAttribute value);
  bool expand(HloOperation& operation, std::string_view key);
  void dimension_numbers(HloOperation& operation);
  void one_side(HloOperation& operation, std::array<std::string_view, 3> names,
                std::string_view first, std::string_view second);

  // values
  std::uint32_t define(std::string_view name, std::uint32_t count);
  std::uint32_t use();
  void uses(HloOperation& operation);
  void leave(std::size_t mark);

  // operations
  void operations(HloBlock& block);
  HloOperation operation();
  void generic_form(HloOperation& operation, std::size_t results);
  void own_form(HloOperation& operation, std::size_t results);
  void any_form(HloOperation& operation, std::size_t results);
  void named_attribute(HloOperation& operation, std::string_view word);
  void module_form(HloOperation& operation);
  void function_form(HloOperation& operation);
  void return_form(HloOperation& operation);
  void constant_form(HloOperation& operation);
  void while_form(HloOperation& operation);
  void reduce_form(HloOperation& operation, std::size_t results);
  void slice_form(HloOperation& operation);
  void other_form(HloOperation& operation, std::size_t results);
  bool is_argument_next();
  HloRegion applied_region(std::string_view name, std::uint32_t element, std::uint64_t at);

  // regions
  struct Argument {
    std::string_view name;
    std::uint32_t type = hlo_none;
    std::uint32_t location = hlo_none;
  };
  Argument argument();
  std::vector<Argument> arguments();
  void add_arguments(HloBlock& block, const std::vector<Argument>& arguments);
  HloRegion region(const std::vector<Argument>& arguments, bool is_isolated = false);

  std::string_view bytes_;
  AssemblyText text_;
  HloProgram program_;
  NameMap<Alias> aliases_;
  NameMap<std::uint32_t> types_;  ///< by their text
  std::map<std::size_t, std::uint32_t> list_types_;
  ValueScope scope_;
  std::size_t regions_deep_ = 0;
  std::size_t attributes_deep_ = 0;
};

template <class Read>
std::optional<std::uint32_t> AssemblyReader::aliased(const Read& read) {
  const AssemblyText before = text_;
  const std::uint64_t begin = text_.at();
  if (!text_.accept("#") && !text_.accept("!")) return std::nullopt;
  text_.name();
  const auto found = aliases_.find(bytes_.substr(begin, text_.end() - begin));
  if (found == aliases_.end() || text_.peek() == '<') {
    text_ = before;
    return std::nullopt;
  }
  Alias& alias = found->second;
  if (!alias.index) {
    if (alias.is_open) text_.fail("an alias", "one that does not contain itself");
    alias.is_open = true;
    const AssemblyText after = text_;
    text_ = AssemblyText(bytes_.substr(alias.at), alias.at);
    alias.index = read();
    text_ = after;
  }
  return alias.index;
}

/// The place of a word in its enumeration: a comparison's direction or the kind of a Fourier
/// transform. Nothing for another word.
std::optional<std::int64_t> place_of_word(std::string_view word);

}  // namespace zoometer
