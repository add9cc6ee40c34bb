// Walks the top of a module tree: each module with its share of the multiply-accumulates.
#include <cstdio>
#include <zoometer/zoometer.hpp>

int main() {
  const auto network = zoometer::trace("mobilenet_v3_small");
  const auto profile = zoometer::profile(network);
  const auto modules = network.modules();
  for (std::size_t i = 0; i < modules.size(); ++i) {
    if (modules[i].depth > 1) continue;
    std::printf("%*s%-10s %-18s %2zu children %5.1f%%\n", static_cast<int>(2 * modules[i].depth),
                "", modules[i].path.c_str(), modules[i].type.c_str(), modules[i].children.size(),
                100.0 * static_cast<double>(profile.modules[i].macs) /
                    static_cast<double>(profile.total.macs));
  }
}
