// What a training run of ResNet-50 needs, by batch: memory, and the least time of a forward pass on
// three devices in bfloat16.
#include <cstdio>
#include <zoometer/analysis.hpp>

int main() {
  const auto devices = zoometer::builtin_devices();
  for (const long batch : {1L, 8L, 64L}) {
    const auto network = zoometer::trace("resnet50", {.batch = batch});
    const auto step = zoometer::training(network, zoometer::Optimizer::adamw);
    std::printf("batch %2ld: %6.2f GiB", batch, static_cast<double>(step.total_bytes) / 0x40000000);
    for (const char* name : {"H100", "A100", "TPUv4"}) {
      const auto time = zoometer::roofline(network, zoometer::find_device(devices, name),
                                           {.type = zoometer::NumberType::bfloat16, .fuse = true});
      std::printf(", %s %.3f ms", name, time.total.seconds * 1e3);
    }
    std::printf("\n");
  }
}
