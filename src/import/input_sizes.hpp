#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/importer.hpp"

namespace zoometer {

/// An input as a file declares it.
struct DeclaredInput {
  std::string_view name;
  Shape shape;               ///< 1 where a size is not known
  UnknownSizes unknown = 0;  ///< a bit for each size that the file does not know
  bool has_rank = true;      ///< false: nothing says how many sizes there are
  /// What the file writes for each size: "b", "2*b + 1" or a number. Empty: nothing.
  std::span<const std::string> expressions = {};
};

/// The sizes of the inputs of files that leave some of them open. Those without a name of the file
/// are `batch` for the first axis and `INPUT_dim_AXIS` for others. `--dim` and `--input-shape` set
/// them, else they are 1, with a note; an expression has the value that its symbols give it.
class InputSizes {
 public:
  InputSizes(const TraceOptions& options, ImportNotes& notes);

  /// The shape of the next input. Throws Error{usage} where `--input-shape` has another rank.
  Shape next(const DeclaredInput& input);
  /// After the last one. Throws Error{unknown_name} for names of options that the file does not
  /// have.
  void finish(const Graph& graph) const;

  /// The names of sizes that are taken as 1.
  std::span<const std::string> assumed() const noexcept { return assumed_; }
  /// Whether an input has another shape than the file declares.
  bool is_changed() const noexcept { return is_changed_; }
  /// A note for each of them.
  std::vector<std::string> notes() const;

 private:
  std::int64_t size_of(const std::string& name);
  std::int64_t computed_size(const std::string& expression);
  void declare(const std::string& name, std::int64_t size);

  const TraceOptions& options_;
  ImportNotes& notes_;
  std::map<std::string, std::int64_t, std::less<>> sizes_;
  std::vector<std::string> assumed_;
  std::size_t count_ = 0;
  bool is_changed_ = false;
};

}  // namespace zoometer
