// Reads a model's file and prints its inputs, its outputs and what each kind of operator costs.
#include <cstdio>
#include <zoometer/zoometer.hpp>

int main(int argc, char** argv) try {
  if (argc != 2) return std::fprintf(stderr, "usage: read_file FILE\n"), 2;
  const auto network = zoometer::read_model(argv[1]);
  std::printf("%s\n", network.source().c_str());
  for (const auto& tensor : network.inputs())
    std::printf("in   %s %s %s\n", tensor.name.c_str(), to_string(tensor.shape).c_str(),
                tensor.dtype.c_str());
  for (const auto& tensor : network.outputs())
    std::printf("out  %s %s %s\n", tensor.name.c_str(), to_string(tensor.shape).c_str(),
                tensor.dtype.c_str());
  for (const auto& entry : zoometer::profile(network).operators)
    std::printf("%2lld x %s: %lld FLOPs\n", static_cast<long long>(entry.count), entry.name.c_str(),
                static_cast<long long>(entry.flops));
} catch (const zoometer::Error& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
