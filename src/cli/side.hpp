#pragma once

#include <string>

#include "analysis/profile.hpp"
#include "cli/load.hpp"
#include "report/report.hpp"

namespace zoometer {

/// The options of both models of a comparison.
struct SideWords {
  ModelWords model;
  std::string dtype;
  std::string views = "torch";

  void add_to(Arguments& arguments);
};

/// One of two compared models, traced and profiled.
struct LoadedSide {
  /// `word` names a model or a file. Options of that side alone follow, each after an "@":
  /// "resnet50@batch=8@untrained". Throws Error.
  LoadedSide(const SideWords& both, const std::string& word);

  ReportInput report_input() const;

  Graph graph;
  LoadedModel loaded;
  Profile profile;
};

}  // namespace zoometer
