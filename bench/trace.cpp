// The time to trace, verify and cost the whole zoo, in total and per node. Results are
// checked, so that a fast run is also correct.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>

#include "analysis/profile.hpp"
#include "zoometer/models/model.hpp"

namespace {

using namespace zoometer;

void require(bool holds, const Model& model, const char* rule) {
  if (holds) return;
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(model.name.size()), model.name.data(), rule);
  std::exit(1);
}

/// Adds the number of nodes and the time for each of them.
void report(benchmark::State& state, std::int64_t nodes) {
  using benchmark::Counter;
  const auto count = static_cast<double>(nodes);
  state.counters["nodes"] = count;
  state.counters["per_node"] =
      Counter(count, Counter::kIsIterationInvariantRate | Counter::kInvert);
}

template <class Visit>
std::int64_t trace_all(Graph& graph, const Visit& visit) {
  std::int64_t nodes = 0;
  for (const Family* family : families()) {
    for (const Model& model : family->models) {
      trace(model, {}, graph);
      require(!graph.nodes().empty(), model, "no nodes");
      nodes += static_cast<std::int64_t>(graph.nodes().size());
      visit(model, graph);
    }
  }
  return nodes;
}

void check_totals(const Model& model, const Metrics& total) {
  require(total.parameters == model.parameters, model, "parameters are not those of its row");
  require(total.macs == model.macs, model, "MACs are not those of its row");
}

/// Every model, traced and verified.
void trace_zoo(benchmark::State& state) {
  Graph graph;
  std::int64_t nodes = 0;
  for (auto _ : state) {
    nodes = trace_all(graph, [](const Model&, const Graph& traced) {
      benchmark::DoNotOptimize(traced.nodes().data());
    });
  }
  report(state, nodes);
}
BENCHMARK(trace_zoo)->Unit(benchmark::kMillisecond);

/// Every model, traced, verified and costed: parameters, MACs, memory, live tensors.
void profile_zoo(benchmark::State& state) {
  Graph graph;
  std::int64_t nodes = 0;
  for (auto _ : state) {
    nodes = trace_all(graph, [](const Model& model, const Graph& traced) {
      check_totals(model, profile(traced).total);
    });
  }
  report(state, nodes);
}
BENCHMARK(profile_zoo)->Unit(benchmark::kMillisecond);

/// One model into a fresh graph, as in a process that profiles it once.
void profile_one(benchmark::State& state, std::string_view name) {
  const Model* model = nullptr;
  for (const Family* family : families()) {
    for (const Model& candidate : family->models) {
      if (candidate.name == name) model = &candidate;
    }
  }
  if (model == nullptr) return state.SkipWithError("no such model");
  std::int64_t nodes = 0;
  for (auto _ : state) {
    Graph graph;
    trace(*model, {}, graph);
    check_totals(*model, profile(graph).total);
    nodes = static_cast<std::int64_t>(graph.nodes().size());
  }
  report(state, nodes);
}
BENCHMARK_CAPTURE(profile_one, resnet50, "resnet50")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(profile_one, swin_b, "swin_b")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(profile_one, raft_large, "raft_large")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(profile_one, maskrcnn_resnet50_fpn, "maskrcnn_resnet50_fpn")
    ->Unit(benchmark::kMicrosecond);

}  // namespace
