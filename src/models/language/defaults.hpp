#pragma once

#include <string_view>

namespace zoometer {

/// The sizes of the class that transformers has for a `model_type`, which its files leave out where
/// they are the same: "vocab_size=32000 hidden_size=4096". Empty for a type without such a class.
std::string_view class_defaults(std::string_view model_type) noexcept;

}  // namespace zoometer
