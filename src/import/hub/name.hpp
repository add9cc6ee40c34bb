#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace zoometer {

/// A model of Hugging Face's hub: "ORG/NAME", "ORG/NAME@REVISION", "ORG/NAME@REVISION:WHICH".
struct HubName {
  std::string repository;
  std::string revision = "main";  ///< a branch, a tag, or the start of a commit
  std::string which;              ///< of several: "Q4_K_M" or a file's name; empty: not said

  std::string text() const;  ///< "hf:ORG/NAME@v2:Q4_K_M"
};

/// Throws Error{usage}.
HubName parse_hub_name(std::string_view text);

/// What follows "hf:" of the model whose page is at that address of the hub:
/// "https://huggingface.co/ORG/NAME/tree/v2" is "ORG/NAME@v2". Nothing for other words. Throws
/// Error{usage} for an address of the hub that is not a model's.
std::optional<std::string> hub_word_of_address(std::string_view word);

/// Whether a word could be a model's name there: "ORG/NAME".
bool is_hub_name(std::string_view word) noexcept;

/// Letters, digits and - _ . between single slashes, and no part that begins with a point: no part
/// is a way out of a folder.
bool is_plain_name(std::string_view name, std::size_t most_parts) noexcept;

/// Whether a path of a file in a repository stays in it, and can be a path here.
bool is_inner_path(std::string_view path) noexcept;

}  // namespace zoometer
