#pragma once

#include <string>

#include "analysis/training.hpp"
#include "report/report.hpp"
#include "util/json_writer.hpp"

namespace zoometer {

/// The text of `profile --training`: what a step needs in memory, and backward by operator kind.
std::string training_text(const Graph& graph, const TrainingProfile& training,
                          const ReportOptions& options);

/// The members of the JSON object "training".
void write_training(JsonWriter& json, const Graph& graph, const TrainingProfile& training);

}  // namespace zoometer
