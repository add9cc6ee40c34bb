#include "zoometer/util/error.hpp"

namespace zoometer {

std::string_view name_of(ErrorCode code) noexcept {
  switch (code) {
  case ErrorCode::usage: return "usage";
  case ErrorCode::unknown_name: return "unknown_name";
  case ErrorCode::shape: return "shape";
  case ErrorCode::overflow: return "overflow";
  case ErrorCode::malformed: return "malformed";
  case ErrorCode::unsupported: return "unsupported";
  case ErrorCode::limit: return "limit";
  case ErrorCode::io: return "io";
  case ErrorCode::check: return "check";
  case ErrorCode::internal: return "internal";
  }
  return "internal";
}

namespace {

void add_place(std::string& text, std::string_view label, std::string_view value) {
  if (value.empty()) return;
  if (!text.empty()) text += ", ";
  text += label;
  text += value;
}

/// A file's names may be megabytes long: the start says where it is, the end what is wrong.
void cut_middle(std::string& text) {
  constexpr std::size_t longest = 4000;
  constexpr std::size_t kept = longest / 2;
  if (text.size() <= longest) return;
  const auto is_inside = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  std::size_t begin = kept;
  std::size_t end = text.size() - kept;
  while (begin > 0 && is_inside(begin)) --begin;
  while (end < text.size() && is_inside(end)) ++end;
  text.replace(begin, end - begin, "...");
}

}  // namespace

const char* Error::what() const noexcept {
  try {
    std::string where;
    add_place(where, "", place.model);
    add_place(where, "module ", place.module_path);
    add_place(where, "", place.node);
    if (place.byte_offset) add_place(where, "byte ", std::to_string(*place.byte_offset));

    text_ = where.empty() ? message : where + ": " + message;
    if (!detail.expected.empty()) text_ += ": expected " + detail.expected;
    if (!detail.got.empty()) text_ += (detail.expected.empty() ? ": got " : ", got ") + detail.got;
    if (!hint.empty()) text_ += " (" + hint + ")";
    cut_middle(text_);
    return text_.c_str();
  } catch (...) {
    return message.c_str();
  }
}

}  // namespace zoometer
