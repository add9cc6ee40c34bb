// The headers that nearly every file of the library includes, compiled once (precompiled.cmake).
// Each file still includes what it uses: the presets sanitize and coverage and scripts/tidy compile
// without this header, so a missing include fails there.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "zoometer/ir/graph.hpp"
