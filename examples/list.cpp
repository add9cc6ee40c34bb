// Lists the classifiers of fewer than three million parameters.
#include <cstdio>
#include <zoometer/zoometer.hpp>

int main() {
  for (const zoometer::ModelInfo& model : zoometer::models()) {
    if (model.task != "classification" || model.parameters > 3'000'000) continue;
    std::printf("%-18s %-12s %7lld\n", model.name.c_str(), model.family.c_str(),
                static_cast<long long>(*model.parameters));
  }
}
