// GoogLeNet (Szegedy et al. 2014), with batch normalisation: inception modules look at the same
// features through windows of several sizes.
#include "models/vision/googlenet.hpp"

#include "zoometer/models/model.hpp"

namespace zoometer {
namespace googlenet {
namespace {

void build(Trace& trace) {
  const bool published = trace.published();
  trace.run<googlenet::GoogLeNet<>>(
      InceptionOptions{.standardises_input = published, .auxiliary = !published});
}

constexpr Model googlenets[] = {
    {"googlenet", image(224), 6'624'904, 1'498'376'192, build},
};

}  // namespace
}  // namespace googlenet

extern constinit const Family googlenet_family = {
    "GoogLeNet", "Szegedy et al., Going Deeper with Convolutions, 2014", Task::classification,
    googlenet::googlenets};

}  // namespace zoometer
