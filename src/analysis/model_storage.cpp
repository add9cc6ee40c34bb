#include "analysis/model_storage.hpp"

#include <cmath>
#include <utility>

#include "import/language/checkpoint.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

/// A GGUF file has tables of frequencies that do not follow from its keys.
void add_rotary_tables_of(const StoredWeights& weights, WeightContext& context) {
  if (!context.rotary_tables.empty()) return;
  for (const std::string_view name :
       {"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"}) {
    if (const StoredTensor* table = weights.find(name))
      context.rotary_tables.emplace_back(name, table->elements);
  }
}

}  // namespace

std::string ModelStorage::name() const {
  if (files) return "as stored";
  return scheme ? scheme->name : "not quantised";
}

StoredSize ModelStorage::configured_size(std::span<const ModelWeight> weights,
                                         std::vector<std::int64_t>* each) const {
  return scheme ? size_after(*scheme, weights, context, each) : size_of_weights(weights, each);
}

StoredSize ModelStorage::size(std::span<const ModelWeight> weights,
                              std::vector<std::int64_t>* each) const {
  if (!files) return configured_size(weights, each);
  StoredSize size;
  size.bytes = files->bytes;
  size.parameters = files->learned;
  size.stored = files->stored;
  for (const auto& [type, elements] : files->by_dtype)
    size.elements_by_type[std::string(type)] = elements;
  if (each == nullptr) return size;
  const std::int64_t configured = configured_size(weights, each).bytes;
  if (configured == size.bytes || configured == 0) return size;
  const double factor = static_cast<double>(size.bytes) / static_cast<double>(configured);
  for (std::int64_t& bytes : *each) bytes = std::llround(static_cast<double>(bytes) * factor);
  return size;
}

ModelStorage model_storage(const ModelFile* file, const Setting* settings) {
  ModelStorage storage;
  if (file != nullptr && file->weights != nullptr && !file->weights->has_unknown()) {
    StoredCounts counts = count_stored(*file->weights);
    if (counts.stored > 0) storage.files = std::move(counts);
  }
  if (settings == nullptr) return storage;
  storage.scheme = scheme_of_configuration(*settings, storage.unknown);
  storage.context = weight_context(*settings);
  if (file != nullptr && file->weights != nullptr)
    add_rotary_tables_of(*file->weights, storage.context);
  return storage;
}

ForeseenCheckpoint foreseen_checkpoint(const Setting& settings, const Graph& graph) {
  std::vector<ModelWeight> weights = model_weights(graph);
  const std::size_t main = weights.size();
  Graph further;
  declare_prediction(settings, further);
  for (ModelWeight& weight : model_weights(further)) weights.push_back(std::move(weight));
  ForeseenCheckpoint checkpoint;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    checkpoint.learned = checked_add(checkpoint.learned, weights[i].elements);
    if (i >= main) checkpoint.prediction += weights[i].elements;
  }
  checkpoint.size = model_storage(nullptr, &settings).configured_size(weights);
  return checkpoint;
}

}  // namespace zoometer
