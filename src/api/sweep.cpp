#include "registry/sweep.hpp"

#include "api/catalogue.hpp"
#include "util/ordered_work.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"
#include "zoometer/analysis.hpp"

namespace zoometer {
namespace {

void add_matches(const Catalogue::State& catalogue, const std::string& word,
                 std::vector<SweepModel>& models) {
  const std::size_t before = models.size();
  for (const CatalogueEntry& entry : catalogue.entries) {
    if (matches_wildcard(word, entry.model->name))
      models.push_back({std::string(entry.model->name), entry.model});
  }
  if (models.size() == before) catalogue.refuse(word);
}

std::vector<SweepModel> chosen_models(const Catalogue::State& catalogue,
                                      const std::vector<std::string>& words) {
  std::vector<SweepModel> models;
  if (words.empty()) add_matches(catalogue, "*", models);
  for (const std::string& word : words) {
    if (catalogue.find(word) == nullptr && is_file(word)) {
      models.push_back({word, nullptr});
    } else {
      add_matches(catalogue, word, models);
    }
  }
  return models;
}

}  // namespace

void sweep_each(const std::vector<std::string>& models, const SweepOptions& options,
                const std::function<void(const SweepResult&)>& take, const Catalogue& catalogue) {
  if (options.part < 1 || options.part > options.parts) {
    throw Error(ErrorCode::usage, "part",
                {"1 to " + std::to_string(options.parts), std::to_string(options.part)});
  }
  SweepSetup setup;
  setup.shard = {options.part, options.parts};
  const SweepPlan plan(chosen_models(catalogue.state(), models), options.axes, std::move(setup));
  do_in_order<std::vector<SweepResult>>(
      plan.jobs(), options.threads == 0 ? core_count() : options.threads,
      [&](std::size_t job) {
        thread_local Graph graph;  // keeps its memory between the traces of a thread
        return plan.results(job, graph);
      },
      [&](std::size_t, const std::vector<SweepResult>& results) {
        for (const SweepResult& result : results) take(result);
      });
}

std::vector<SweepResult> sweep(const std::vector<std::string>& models, const SweepOptions& options,
                               const Catalogue& catalogue) {
  std::vector<SweepResult> results;
  sweep_each(
      models, options, [&](const SweepResult& result) { results.push_back(result); }, catalogue);
  return results;
}

}  // namespace zoometer
