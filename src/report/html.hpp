#pragma once

#include <string>
#include <string_view>

namespace zoometer {

/// A document of JSON as it may stand in a script element: no space between its tokens, and
/// nothing in it that ends the element or opens a comment, whatever names a model file holds.
std::string script_json(std::string_view json);

/// The page of web/ with that title and that data, in one piece.
std::string html_page(std::string_view title, std::string_view json);

}  // namespace zoometer
