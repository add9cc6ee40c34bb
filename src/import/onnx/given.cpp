#include "import/onnx/given.hpp"

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::size_t most_names = 1000;  // that are remembered
constexpr std::size_t most_listed = 8;

using Names = std::set<std::string, std::less<>>;

[[noreturn]] void refuse(const std::string& text, const std::string& name, const Names& names) {
  Error error(ErrorCode::unknown_name, text + " '" + escape_controls(name) + "'");
  std::size_t listed = 0;
  for (const std::string& other : names) {
    if (++listed > most_listed) break;
    error.detail.expected += (listed == 1 ? "" : ", ") + escape_controls(other);
  }
  if (names.size() > most_listed) error.detail.expected += ", ...";
  const std::vector<std::string_view> all(names.begin(), names.end());
  error.hint = did_you_mean(name, all);
  throw error;
}

}  // namespace

std::optional<std::int64_t> OnnxGiven::trips(std::string_view loop) {
  if (loops_.size() < most_names) loops_.emplace(loop);
  for (const NamedSize& given : options_.trips) {
    if (given.name != loop) continue;
    loops_.emplace(loop);
    return given.size;
  }
  return std::nullopt;
}

const NamedValue* OnnxGiven::value(std::string_view tensor) {
  for (const NamedValue& given : options_.values) {
    if (given.name != tensor) continue;
    used_.emplace(tensor);
    return &given;
  }
  return nullptr;
}

void OnnxGiven::add_candidate(std::string_view tensor) {
  if (candidates_.size() < most_names) candidates_.emplace(tensor);
}

void OnnxGiven::check() const {
  for (const NamedSize& given : options_.trips) {
    if (!loops_.contains(given.name)) refuse("--trips: the file has no loop", given.name, loops_);
  }
  for (const NamedValue& given : options_.values) {
    if (!used_.contains(given.name))
      refuse("--value: the file has no input or tensor of few elements", given.name, candidates_);
  }
}

}  // namespace zoometer
