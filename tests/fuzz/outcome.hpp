#pragma once

#include <utility>

#include "zoometer/util/error.hpp"

namespace zoometer::fuzz {

/// Runs what may refuse its input with Error. A broken rule of our own is a bug whatever the input,
/// and ends the program as any other exception does. Returns whether it was taken.
template <class Read>
bool is_taken(Read&& read) {
  try {
    std::forward<Read>(read)();
    return true;
  } catch (const Error& error) {
    if (error.code == ErrorCode::internal) throw;
    return false;
  }
}

}  // namespace zoometer::fuzz
