#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoometer {

/// The start of an element. Texts point into the document, with entities as they are written.
struct XmlElement {
  std::string_view name;
  std::vector<std::pair<std::string_view, std::string_view>> attributes;
  std::uint64_t at = 0;  ///< its byte in the document

  /// The value of an attribute, or null.
  const std::string_view* find(std::string_view attribute) const noexcept;
  /// The same, or empty.
  std::string_view text(std::string_view attribute) const noexcept;
};

/// Reads a document of XML from front to back, without a tree and without copies. A document type
/// is refused, so that there are no entities but the five of XML and those of characters. Elements
/// may be nested 256 deep. All functions throw Error{malformed} with the byte that is wrong, and
/// Error{limit}.
class XmlReader {
 public:
  /// The text must outlive the reader.
  explicit XmlReader(std::string_view text);

  /// Goes to the next element within the open one and opens it; false at the end of the open one,
  /// which is then closed. Text between elements is ignored.
  bool next(XmlElement& element);
  /// Ignores what is left of the open element, and closes it.
  void skip();
  /// The text of the open element, which has no elements in it, and closes it.
  std::string_view content();
  /// How many elements are open.
  std::size_t depth() const noexcept { return open_.size(); }
  std::uint64_t at() const noexcept { return at_; }

 private:
  void pass_markup();
  void pass_to(std::string_view end, std::string_view what);
  void pass_spaces();
  std::string_view name(std::string_view what);
  void start(XmlElement& element);
  void end();

  std::string_view text_;
  std::size_t at_ = 0;
  bool is_empty_ = false;  // the open element is <a/>
  std::vector<std::string_view> open_;
};

/// A text of a document with its entities replaced, of which `at` is the byte. Throws
/// Error{malformed} for entities that XML does not define.
std::string xml_text(std::string_view text, std::uint64_t at);

/// Throws Error{malformed} at a byte of a document.
[[noreturn]] void fail_xml(std::string_view what, std::uint64_t at, std::string expected,
                           std::string got);

}  // namespace zoometer
