// Walks the top of a module tree: each module with its share of the multiply-accumulates.
#include <cstdio>
#include <zoometer/zoometer.hpp>

int main() {
  const auto profile = zoometer::profile(zoometer::trace("mobilenet_v3_small"));
  for (const auto& module : profile.modules) {
    if (module.depth > 1) continue;
    std::printf("%*s%-10s %-18s %2zu children %5.1f%%\n", static_cast<int>(2 * module.depth), "",
                module.path.c_str(), module.type.c_str(), module.children.size(),
                100.0 * static_cast<double>(module.macs) / static_cast<double>(profile.total.macs));
  }
}
