#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/roofline.hpp"
#include "report/report.hpp"
#include "util/text_table.hpp"

namespace zoometer {

/// The input of a roofline report.
struct RooflineReport {
  const Graph& graph;
  const Workload& workload;
  std::string model;
  std::string source;
  std::string variant;             ///< or empty
  std::vector<std::string> notes;  ///< assumptions of the figures
  bool fused = false;
  std::vector<Roofline> rooflines;      ///< one for each device
  std::vector<std::string> left_out{};  ///< "EdgeTPU: conv2d in conv1 is float32"
};

/// What the text shows besides the table of devices.
struct RooflineText {
  bool details = false;  ///< operator kinds and modules
  bool plot = false;
};

/// What a report notes if every floating-point tensor is stored and computed in a type.
inline std::string taken_as_note(NumberType type) {
  return "every floating-point tensor is taken as " + std::string(name_of(type));
}

std::string roofline_text(const RooflineReport& report, const RooflineText& shown,
                          const ReportOptions& options);
/// The table of devices alone, for other formats.
TextTable roofline_table(const RooflineReport& report);
/// A JSON document, schema zoometer.roofline/1.
std::string roofline_json(const RooflineReport& report, const ReportOptions& options);
/// A line for each device and operator (or fused group), RFC 4180.
std::string roofline_csv(const RooflineReport& report);

/// The devices themselves, as a table or as a document, schema zoometer.devices/1.
TextTable devices_table(const std::vector<Device>& devices);
std::string devices_text(const std::vector<Device>& devices, const ReportOptions& options);
std::string devices_json(const std::vector<Device>& devices);

}  // namespace zoometer
