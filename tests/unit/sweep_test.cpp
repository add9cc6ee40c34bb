#include "registry/sweep.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "analysis/profile.hpp"
#include "failure.hpp"
#include "registry/zoo.hpp"
#include "util/ordered_work.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using testing::failure_of;

Totals traced(const Model& model, std::int64_t batch, Graph& graph) {
  TraceOptions options;
  options.batch = batch;
  trace(model, options, graph);
  return totals_of(graph, profile(graph));
}

// The cost of any batch follows from two others: every sum is linear in the batch, with the weights
// as the constant part. A peak is the largest of several lines, and not linear in RetinaNets. For
// one image R-CNNs do not join anything, and transpositions of the batch are contiguous, so that
// reshapes copy less. That is why the sweep traces each batch; its figures must agree with these.
TEST(Sweep, EverySumIsALineInTheBatch) {
  Graph graph;
  for (const ZooEntry& entry : zoo()) {
    const Totals two = traced(*entry.model, 2, graph);
    const Totals three = traced(*entry.model, 3, graph);
    for (const std::int64_t batch : {1, 8, 61}) {
      const Totals many = traced(*entry.model, batch, graph);
      for (const TotalsField& field : totals_fields()) {
        const bool is_line = field.unit == MetricUnit::count || field.unit == MetricUnit::bytes;
        const bool is_traffic = field.name == "bytes_read" || field.name == "bytes_written" ||
                                field.name == "traffic" || field.name == "nodes";
        const bool is_peak = field.name == "peak" || field.name == "memory";
        if (!is_line || is_peak || (batch == 1 && is_traffic)) continue;
        const long double step = field.value(three) - field.value(two);
        EXPECT_EQ(field.value(two) + static_cast<long double>(batch - 2) * step, field.value(many))
            << entry.model->name << ", batch " << batch << ", " << field.name;
      }
    }
  }
}

TEST(Sweep, RowsAreThoseOfAProfile) {
  const ZooEntry resnet = find_in_zoo("resnet18");
  const SweepPlan plan({{"resnet18", resnet.model}}, {{4}, {{96, 128}}, {DType::float16}});
  ASSERT_EQ(plan.jobs(), 1U);
  Graph graph;
  const SweepColumns columns({"macs", "peak"}, "--columns");
  const std::vector<SweepRow> rows = plan.run(0, columns, graph);
  TraceOptions options;
  options.inputs = {{"", Shape{4, 3, 96, 128}}};
  trace(*resnet.model, options, graph);
  graph.count_floating_as(DType::float16);
  const Profile expected = profile(graph);
  EXPECT_EQ(rows, (std::vector<SweepRow>{{"resnet18", "4", "96x128", "float16",
                                          std::to_string(expected.total.macs),
                                          std::to_string(expected.memory.peak_bytes), "0", ""}}));
}

TEST(Sweep, TheOrderDoesNotDependOnTheOptions) {
  const auto model = [](const char* name) { return SweepModel{name, find_in_zoo(name).model}; };
  const SweepPlan plan({model("resnet152"), model("resnet18"), model("resnet18")},
                       {{8, 1, 8}, {{64, 64}, {32, 64}, {32, 32}}, {DType::int8, DType::float32}});
  std::vector<SweepRow> all;
  for (std::size_t job = 0; job < plan.jobs(); ++job) {
    for (SweepRow& row : plan.combinations(job)) all.push_back(std::move(row));
  }
  EXPECT_EQ(all.size(), 2U * 2 * 3 * 2);
  EXPECT_EQ(all.size(), plan.rows());
  for (std::size_t i = 1; i < all.size(); ++i)
    EXPECT_LT(compare_combinations(all[i - 1], all[i]), 0) << combination_text(all[i]);
  EXPECT_EQ(all[0], (SweepRow{"resnet18", "1", "32", "float32"}));
  EXPECT_EQ(all[2], (SweepRow{"resnet18", "1", "32x64", "float32"}));
}

TEST(Sweep, ShardsPartThePlan) {
  std::multiset<std::string> whole;
  std::multiset<std::string> parts;
  const auto take = [](std::int64_t index, std::int64_t count, std::multiset<std::string>& to) {
    std::vector<SweepModel> models;
    for (const char* name : {"resnet18", "alexnet", "vgg11"})
      models.push_back({name, find_in_zoo(name).model});
    SweepSetup setup;
    setup.shard = {index, count};
    const SweepPlan plan(models, {{1, 2, 3}, {}, {}}, std::move(setup));
    for (std::size_t job = 0; job < plan.jobs(); ++job)
      to.insert(combination_text(plan.combinations(job)[0]));
  };
  take(1, 1, whole);
  for (std::int64_t i = 1; i <= 4; ++i) take(i, 4, parts);
  EXPECT_EQ(whole, parts);
  EXPECT_EQ(whole.size(), 9U);
}

// A machine reads the models of its own shard only: with a million models, all machines would
// otherwise read all of them.
TEST(Sweep, AShardReadsOnlyItsModels) {
  const auto read = [](std::int64_t part) {
    std::vector<SweepModel> models;
    for (const char* name : {"a.onnx", "b.onnx", "c.onnx"}) models.push_back({name});
    SweepSetup setup;
    setup.shard = {part, 3};
    const SweepPlan plan(models, {}, std::move(setup));
    EXPECT_EQ(plan.jobs(), 1U);
    Graph graph;
    return plan.results(0, graph)[0].model;
  };
  EXPECT_EQ(read(1), "a.onnx");
  EXPECT_EQ(read(3), "c.onnx");
}

TEST(Sweep, TooManyRowsAreRefused) {
  SweepAxes axes;
  for (std::int64_t i = 1; i <= 20'000; ++i) {
    axes.batches.push_back(i);
    axes.resolutions.push_back({i, i});
  }
  EXPECT_THROW(SweepPlan({{"resnet18", find_in_zoo("resnet18").model}}, axes), Error);
}

TEST(OrderedWork, ResultsComeInOrderFromAnyNumberOfThreads) {
  for (const std::size_t workers : {1U, 2U, 7U}) {
    std::vector<std::size_t> taken;
    do_in_order<std::size_t>(
        10'000, workers,
        [](std::size_t index) {
          if (index % 97 == 0) std::this_thread::yield();
          return index * index;
        },
        [&](std::size_t index, std::size_t result) {
          EXPECT_EQ(result, index * index);
          taken.push_back(index);
        });
    ASSERT_EQ(taken.size(), 10'000U);
    EXPECT_TRUE(std::is_sorted(taken.begin(), taken.end()));
  }
  do_in_order<int>(
      0, 3, [](std::size_t) { return 1; },
      [](std::size_t, int) { FAIL() << "there is nothing to take"; });
}

TEST(OrderedWork, AnExceptionEndsIt) {
  const auto throws_at = [](std::size_t work_index, std::size_t take_index) {
    do_in_order<std::size_t>(
        50'000, 3,
        [&](std::size_t index) {
          if (index == work_index) throw Error(ErrorCode::io, "work");
          return index;
        },
        [&](std::size_t index, std::size_t) {
          if (index == take_index) throw Error(ErrorCode::io, "take");
        });
  };
  EXPECT_THROW(throws_at(20'000, SIZE_MAX), Error);
  EXPECT_THROW(throws_at(SIZE_MAX, 20'000), Error);
  EXPECT_THROW(throws_at(0, 0), Error);
}

TEST(OrderedWork, TheFirstExceptionIsThrownAfterTheResultsBeforeIt) {
  for (int round = 0; round < 50; ++round) {
    std::size_t taken = 0;
    const std::string message = failure_of([&] {
      do_in_order<std::size_t>(
          10'000, 4,
          [](std::size_t index) {
            if (index % 3 == 0) std::this_thread::yield();
            if (index >= 100) throw Error(ErrorCode::io, std::to_string(index));
            return index;
          },
          [&](std::size_t, std::size_t) { ++taken; });
    });
    EXPECT_EQ(message, "io: 100");
    EXPECT_EQ(taken, 100U);
  }
}

}  // namespace
}  // namespace zoometer
