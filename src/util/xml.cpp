#include "util/xml.hpp"

#include <algorithm>
#include <charconv>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::size_t deepest = 256;
constexpr std::size_t most_attributes = 1024;
constexpr std::string_view spaces = " \t\r\n";
constexpr std::string_view name_ends = " \t\r\n/>=<'\"&";

/// The character of a code point in UTF-8.
void append_character(std::string& text, std::uint32_t code) {
  const auto byte = [&](std::uint32_t bits) { text += static_cast<char>(bits); };
  const auto rest = [&](unsigned shift) { byte(0x80U | (code >> shift & 0x3FU)); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) {
    byte(0xC0U | code >> 6U);
  } else if (code < 0x10000) {
    byte(0xE0U | code >> 12U);
    rest(6);
  } else {
    byte(0xF0U | code >> 18U);
    rest(12);
    rest(6);
  }
  rest(0);
}

bool append_numbered(std::string& text, std::string_view digits) {
  const bool is_hex = digits.starts_with('x');
  if (is_hex) digits.remove_prefix(1);
  std::uint32_t code = 0;
  const auto read =
      std::from_chars(digits.data(), digits.data() + digits.size(), code, is_hex ? 16 : 10);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return false;
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
  append_character(text, code);
  return true;
}

bool append_entity(std::string& text, std::string_view name) {
  constexpr std::pair<std::string_view, char> entities[] = {
      {"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
  if (name.starts_with('#')) return append_numbered(text, name.substr(1));
  for (const auto& [entity, letter] : entities) {
    if (entity != name) continue;
    text += letter;
    return true;
  }
  return false;
}

}  // namespace

void fail_xml(std::string_view what, std::uint64_t at, std::string expected, std::string got) {
  Error error(ErrorCode::malformed, std::string(what), {std::move(expected), std::move(got)});
  error.place.byte_offset = at;
  throw error;
}

std::string xml_text(std::string_view text, std::uint64_t at) {
  std::string result;
  while (true) {
    const std::size_t place = text.find('&');
    result.append(text.substr(0, place));
    if (place == std::string_view::npos) return result;
    text.remove_prefix(place + 1);
    const std::size_t end = text.substr(0, 12).find(';');
    if (end == std::string_view::npos || !append_entity(result, text.substr(0, end))) {
      fail_xml("an entity", at, "one of XML's five, or that of a character",
               escape_controls(to_utf8(text.substr(0, std::min<std::size_t>(end, 12)))));
    }
    text.remove_prefix(end + 1);
  }
}

const std::string_view* XmlElement::find(std::string_view attribute) const noexcept {
  for (const auto& [own, value] : attributes)
    if (own == attribute) return &value;
  return nullptr;
}

std::string_view XmlElement::text(std::string_view attribute) const noexcept {
  const std::string_view* found = find(attribute);
  return found == nullptr ? std::string_view{} : *found;
}

XmlReader::XmlReader(std::string_view text) : text_(text) {
  if (text.starts_with("\xEF\xBB\xBF")) at_ = 3;
}

void XmlReader::pass_spaces() {
  at_ = std::min(text_.size(), text_.find_first_not_of(spaces, at_));
}

void XmlReader::pass_to(std::string_view end, std::string_view what) {
  const std::size_t found = text_.find(end, at_);
  if (found == std::string_view::npos) fail_xml(what, at_, std::string(end), "the end of the file");
  at_ = found + end.size();
}

std::string_view XmlReader::name(std::string_view what) {
  const std::size_t end = std::min(text_.size(), text_.find_first_of(name_ends, at_));
  if (end == at_) {
    fail_xml(what, at_, "a name",
             at_ == text_.size() ? "the end of the file"
                                 : escape_controls(to_utf8(text_.substr(at_, 1))));
  }
  const std::string_view found = text_.substr(at_, end - at_);
  at_ = end;
  return found;
}

/// Goes to the start of the next tag, over text, comments and instructions.
void XmlReader::pass_markup() {
  while (true) {
    at_ = text_.find('<', at_);
    if (at_ == std::string_view::npos) {
      at_ = text_.size();
      fail_xml("the document", at_,
               open_.empty() ? "an element" : "</" + to_utf8(open_.back().substr(0, 60)) + ">",
               "the end of the file");
    }
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("<!--")) {
      pass_to("-->", "a comment");
    } else if (rest.starts_with("<![CDATA[")) {
      pass_to("]]>", "a section of characters");
    } else if (rest.starts_with("<?")) {
      pass_to("?>", "an instruction");
    } else if (rest.starts_with("<!")) {
      fail_xml("the document", at_, "no document type and no declarations",
               escape_controls(to_utf8(rest.substr(0, 20))));
    } else {
      return;
    }
  }
}

void XmlReader::start(XmlElement& element) {
  if (open_.size() >= deepest) {
    Error error(ErrorCode::limit, "elements are nested too deeply",
                {"at most " + std::to_string(deepest) + " deep", "more"});
    error.place.byte_offset = at_;
    throw error;
  }
  element.at = at_++;
  element.attributes.clear();
  element.name = name("an element");
  open_.push_back(element.name);
  while (true) {
    pass_spaces();
    const std::string_view rest = text_.substr(at_);
    is_empty_ = rest.starts_with("/>");
    if (is_empty_ || rest.starts_with('>')) {
      at_ += is_empty_ ? 2 : 1;
      return;
    }
    const std::string_view attribute = name("an attribute");
    pass_spaces();
    const auto need = [&](bool holds, const char* expected) {
      if (!holds) {
        fail_xml("the attribute " + escape_controls(to_utf8(attribute.substr(0, 60))), at_,
                 expected,
                 at_ >= text_.size() ? "the end of the file"
                                     : escape_controls(to_utf8(text_.substr(at_, 1))));
      }
    };
    need(text_.substr(at_).starts_with('='), "=");
    ++at_;
    pass_spaces();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    need(quote == '"' || quote == '\'', "a value in quotes");
    const std::size_t end = text_.find(quote, ++at_);
    need(end != std::string_view::npos, "the end of its value");
    const std::string_view value = text_.substr(at_, end - at_);
    need(value.find('<') == std::string_view::npos, "a value without <");
    need(element.attributes.size() < most_attributes, "at most 1024 attributes");
    element.attributes.emplace_back(attribute, value);
    at_ = end + 1;
  }
}

/// At `</`.
void XmlReader::end() {
  const std::size_t tag = at_;
  at_ += 2;
  const std::string_view found = name("the end of an element");
  pass_spaces();
  if (open_.empty() || found != open_.back() || !text_.substr(at_).starts_with('>')) {
    fail_xml("the end of an element", tag,
             open_.empty() ? "none" : "</" + to_utf8(open_.back().substr(0, 60)) + ">",
             "</" + escape_controls(to_utf8(found.substr(0, 60))));
  }
  ++at_;
  open_.pop_back();
}

bool XmlReader::next(XmlElement& element) {
  if (is_empty_) {
    is_empty_ = false;
    open_.pop_back();
    return false;
  }
  pass_markup();
  if (text_.substr(at_).starts_with("</")) {
    end();
    return false;
  }
  start(element);
  return true;
}

void XmlReader::skip() {
  XmlElement element;
  for (const std::size_t outer = open_.size() - 1; open_.size() > outer;) next(element);
}

std::string_view XmlReader::content() {
  if (is_empty_) {
    is_empty_ = false;
    open_.pop_back();
    return {};
  }
  const std::size_t begin = at_;
  pass_markup();
  const std::string_view text = text_.substr(begin, at_ - begin);
  if (!text_.substr(at_).starts_with("</")) {
    fail_xml("the element " + escape_controls(to_utf8(open_.back().substr(0, 60))), at_,
             "a text without elements", "an element");
  }
  end();
  return text;
}

}  // namespace zoometer
