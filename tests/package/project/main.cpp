#include <cstdio>
#include <zoometer/analysis.hpp>
#include <zoometer/version.hpp>
#include <zoometer/zoometer.hpp>

int main() {
  const auto network = zoometer::trace("resnet50");
  const auto profile = zoometer::profile(network);
  if (zoometer::models().empty()) return 1;
  std::printf("%s resnet50 %lld parameters %lld MACs\n", ZOOMETER_VERSION,
              static_cast<long long>(profile.total.parameters),
              static_cast<long long>(profile.total.macs));
  std::printf("%lld bytes for inference\n",
              static_cast<long long>(zoometer::memory(network).together.bytes));
  try {
    zoometer::trace("resnet5O");
  } catch (const zoometer::Error& error) {
    std::printf("%s\n", error.what());
  }
  return zoometer::version() == ZOOMETER_VERSION ? 0 : 1;
}
