#include <cstdio>
#include <zoometer/version.hpp>
#include <zoometer/zoometer.hpp>

int main() {
  const auto profile = zoometer::profile(zoometer::trace("resnet50"));
  if (zoometer::models().empty()) return 1;
  std::printf("%s resnet50 %lld parameters %lld MACs\n", ZOOMETER_VERSION,
              static_cast<long long>(profile.total.parameters),
              static_cast<long long>(profile.total.macs));
  try {
    zoometer::trace("resnet5O");
  } catch (const zoometer::Error& error) {
    std::printf("%s\n", error.what());
  }
  return zoometer::version() == ZOOMETER_VERSION ? 0 : 1;
}
