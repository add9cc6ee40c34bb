#pragma once

#include <string>
#include <vector>

#include "import/json.hpp"
#include "import/torch/exported_program.hpp"

// What python/zoometer/_capture writes of one run of a model.

namespace zoometer {

/// The JSON of an exported program with the calls of a captured run, so that one reader does for
/// both. Values, scopes and types are numbers in the record; here they get names.
class CapturedProgram {
 public:
  /// `captured`: the record's member of that name; `modules`: its module_list, or null. Both must
  /// outlive the program. Throws Error{malformed} for a number without an entry and for a value of
  /// an unexpected kind.
  CapturedProgram(const Json& captured, const Json* modules);

  const Json& root() const noexcept { return tree_; }
  /// The module calls with the shapes that they returned.
  std::vector<RecordedCall> module_calls() const;
  /// What was assumed, and what could not be done as usual.
  std::vector<std::string> notes() const;

 private:
  const Json& captured_;
  const Json* modules_;
  JsonTree tree_;
};

}  // namespace zoometer
