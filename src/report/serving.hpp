#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/serving.hpp"

namespace zoometer {

/// A model served on one kind of device.
struct ServedDevice {
  const Device* device = nullptr;
  ServingMetrics metrics;
};

/// One way of serving a model.
struct ServedPoint {
  std::string value;  ///< of what varies: "16"
  ServingOptions options;
  std::string scheme;    ///< of the weights
  StoredSize weights;    ///< of the whole model
  CacheSize cache;       ///< of the whole model and all sequences
  ServingMetrics whole;  ///< without a device
  std::vector<ServedDevice> devices = {};

  std::int64_t bytes() const;  ///< weights and cache
};

/// What `serve` shows.
struct ServingReport {
  std::string model;
  std::string source;
  std::string engine;
  std::vector<std::string> notes;
  ServedPoint base;
  std::string varied = {};  ///< "batch"; empty: nothing
  std::vector<ServedPoint> points = {};
};

/// What the page of `serve` shows beside the text.
struct ServingCharts {
  std::vector<ServedPoint> by_context;             ///< in powers of two
  std::vector<ServedPoint> by_batch;               ///< in powers of two
  std::map<std::string_view, std::int64_t> roles;  ///< parameters by what they are for
};

std::string serving_text(const ServingReport& report, int width, bool colour);
/// "zoometer.serve/1", docs/schema/serve.schema.json.
std::string serving_json(const ServingReport& report);
/// A line for each point and device.
std::string serving_csv(const ServingReport& report);
/// A page without scripts.
std::string serving_html(const ServingReport& report, const ServingCharts& charts);

}  // namespace zoometer
