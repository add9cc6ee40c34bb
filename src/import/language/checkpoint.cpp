#include "import/language/checkpoint.hpp"

#include "import/language/config.hpp"
#include "models/language/architecture.hpp"
#include "models/language/stack.hpp"

namespace zoometer {
namespace {

/// A module that has the layers of a prediction.
struct Prediction : Module<Prediction> {
  static constexpr auto kind = "Prediction";
  using Module::Module;
};

}  // namespace

void declare_prediction(const Setting& settings, Graph& graph) {
  std::vector<std::string> notes;
  const ModelPlan plan = plan_of(Configuration(settings), {notes, notes});
  if (plan.prediction.steps.empty()) return;
  const Prediction model(root_slot(graph));
  const Stack stack(model, plan.prediction, {});
  store_weights_as_configured(settings, graph);
}

}  // namespace zoometer
