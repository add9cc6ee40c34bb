// What ResNet-50 costs at two image sizes, in our own count and in fvcore's.
#include <cstdio>
#include <zoometer/zoometer.hpp>

int main() {
  for (const long size : {224L, 384L}) {
    const auto network = zoometer::trace("resnet50", {.inputs = {{"x", {1, 3, size, size}}}});
    const auto profile = zoometer::profile(network, "fvcore");
    std::printf("%ld: %.3f GMACs, %.3f by fvcore, %.1f MiB at the peak\n", size,
                static_cast<double>(profile.total.macs) / 1e9,
                static_cast<double>(profile.total.cost) / 1e9,
                static_cast<double>(profile.peak_activation_bytes) / 0x100000);
  }
}
