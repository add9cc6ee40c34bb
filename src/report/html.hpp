#pragma once

#include <string>
#include <string_view>

namespace zoometer {

/// A JSON document for a script element: no space between its tokens, and
/// nothing that ends the element or opens a comment, whatever names a model file contains. What
/// controls, reorders or hides text is shown as its number.
std::string script_json(std::string_view json);

/// The page of web/ with that title and data, as one text.
std::string html_page(std::string_view title, std::string_view json);

}  // namespace zoometer
