#include "zoometer/util/checked.hpp"

#include <string>

#include "zoometer/util/error.hpp"

namespace zoometer {

void throw_overflow(char operation, std::int64_t a, std::int64_t b) {
  throw Error(
      ErrorCode::overflow, "a size does not fit into 64 bits",
      {"a product below 2^63", std::to_string(a) + " " + operation + " " + std::to_string(b)});
}

}  // namespace zoometer
