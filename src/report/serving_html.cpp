// The page of `serve`: what memory holds by context, the time of a token by batch, and where the
// parameters are. Charts are SVG without scripts.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "report/serving.hpp"
#include "util/text.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

constexpr double chart_width = 640, chart_height = 280, left_edge = 90, top_edge = 16;
constexpr double plot_width = chart_width - left_edge - 130, plot_height = chart_height - 60;
constexpr std::string_view colours[] = {"#4e79a7", "#f28e2b", "#59a14f", "#e15759",
                                        "#76b7b2", "#edc948", "#b07aa1", "#9c755f"};

std::string_view chart_colour(std::size_t index) { return colours[index % std::size(colours)]; }

std::string in_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
    case '&': escaped += "&amp;"; break;
    case '<': escaped += "&lt;"; break;
    case '>': escaped += "&gt;"; break;
    case '"': escaped += "&quot;"; break;
    default: escaped += c;
    }
  }
  return escaped;
}
/// The same for a name from a file.
std::string page_text(std::string_view text) { return in_html(escape_controls(text)); }

constexpr std::string_view page_start = R"(<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body { font: 15px sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em }
svg { width: 100% } svg text { font-size: 12px } pre { overflow: auto }
polyline { fill: none; stroke-width: 2 } .grid { stroke: #ddd }
.limit { stroke: #000; stroke-dasharray: 4 } .bar { width: 20em; height: .8em }
.number { text-align: right; padding: 0 1em }
</style>
)";

/// A chart over powers of two, from left to right at equal distances.
class Chart {
 public:
  Chart(std::string_view title, const std::vector<ServedPoint>& points) : points_(points) {
    append("<h2>{}</h2>\n<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", title,
           chart_width, chart_height, title);
    for (std::size_t i = 0; i < points.size(); ++i) {
      append("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", x_of(i),
             top_edge + plot_height + 18, points[i].value);
    }
  }

  template <class... Args>
  void append(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
  }

  double x_of(std::size_t index) const {
    const double last = static_cast<double>(std::max<std::size_t>(points_.size(), 2) - 1);
    return left_edge + plot_width * static_cast<double>(index) / last;
  }
  static double y_of(double share) { return top_edge + plot_height * (1 - share); }

  void tick(double share, const std::string& label) {
    append("<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n"
           "<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
           left_edge, left_edge + plot_width, y_of(share), y_of(share), left_edge - 6,
           y_of(share) + 4, label);
  }
  /// A name to the right of the plot.
  void legend(std::size_t index, std::string_view name) {
    append("<text x=\"{}\" y=\"{}\" fill=\"{}\">{}</text>\n", left_edge + plot_width + 8,
           top_edge + 14 + 16 * static_cast<double>(index), chart_colour(index), page_text(name));
  }
  std::string take() { return std::move(text_) + "</svg>\n"; }

 private:
  const std::vector<ServedPoint>& points_;
  std::string text_;
};

std::string memory_chart(const std::vector<ServedPoint>& points) {
  std::int64_t most = 1;
  for (const ServedPoint& point : points) most = std::max(most, point.whole.memory.total());
  for (const ServedDevice& served : points.front().devices)
    most = std::max(most, served.device->capacity);
  const auto share = [&](std::int64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(most);
  };
  Chart chart("Memory of a device by context", points);
  for (const int quarter : {1, 2, 3, 4})
    chart.tick(quarter / 4.0, format_bytes(most / 4 * quarter));
  constexpr std::pair<std::string_view, std::int64_t DeviceMemory::*> parts[] = {
      {"weights", &DeviceMemory::weights},
      {"cache", &DeviceMemory::cache},
      {"activations", &DeviceMemory::activations}};
  std::vector<std::int64_t> below(points.size());
  for (std::size_t part = 0; part < std::size(parts); ++part) {
    std::string edge, back;
    for (std::size_t i = 0; i < points.size(); ++i) {
      back.insert(0, fmt::format("{:.1f},{:.1f} ", chart.x_of(i), Chart::y_of(share(below[i]))));
      below[i] += points[i].whole.memory.*parts[part].second;
      edge += fmt::format("{:.1f},{:.1f} ", chart.x_of(i), Chart::y_of(share(below[i])));
    }
    chart.append("<polygon fill=\"{}\" points=\"{}{}\"/>\n", chart_colour(part), edge, back);
    chart.legend(part, parts[part].first);
  }
  for (const ServedDevice& served : points.front().devices) {
    const double y = Chart::y_of(share(served.device->capacity));
    chart.append("<line class=\"limit\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n"
                 "<text x=\"{}\" y=\"{:.1f}\">{}</text>\n",
                 left_edge, left_edge + plot_width, y, y, left_edge + plot_width + 8, y + 4,
                 page_text(served.device->name));
  }
  return chart.take();
}

std::string time_chart(const std::vector<ServedPoint>& points) {
  double least = INFINITY, most = 0;
  for (const ServedPoint& point : points) {
    for (const ServedDevice& served : point.devices) {
      least = std::min(least, served.metrics.decode.seconds);
      most = std::max(most, served.metrics.decode.seconds);
    }
  }
  if (!(most > 0) || !(least > 0)) return {};
  const double low = std::log10(least) - 0.1, high = std::log10(most) + 0.1;
  Chart chart("Time of a token by batch", points);
  for (const int quarter : {0, 1, 2, 3, 4})
    chart.tick(quarter / 4.0, format_seconds(std::pow(10, low + (high - low) * quarter / 4)));
  for (std::size_t device = 0; device < points.front().devices.size(); ++device) {
    std::string line;
    for (std::size_t i = 0; i < points.size(); ++i) {
      const double seconds = points[i].devices[device].metrics.decode.seconds;
      line += fmt::format("{:.1f},{:.1f} ", chart.x_of(i),
                          Chart::y_of((std::log10(seconds) - low) / (high - low)));
    }
    chart.append("<polyline stroke=\"{}\" points=\"{}\"/>\n", chart_colour(device), line);
    chart.legend(device, points.front().devices[device].device->name);
  }
  return chart.take();
}

std::string role_chart(const std::map<std::string_view, std::int64_t>& roles) {
  std::int64_t all = 1;
  for (const auto& [role, count] : roles) all += count;
  std::string text = "<h2>Where the parameters are</h2>\n<table>\n";
  std::size_t index = 0;
  for (const auto& [role, count] : roles) {
    const double share = static_cast<double>(count) / static_cast<double>(all);
    fmt::format_to(
        std::back_inserter(text),
        "<tr><td>{}</td><td class=\"number\">{}</td><td><svg class=\"bar\" viewBox=\"0 0 "
        "100 10\" preserveAspectRatio=\"none\"><rect fill=\"{}\" width=\"{:.2f}\" "
        "height=\"10\"/></svg></td></tr>\n",
        page_text(role), format_count(count), chart_colour(index++), 100 * share);
  }
  return text + "</table>\n";
}

}  // namespace

std::string serving_html(const ServingReport& report, const ServingCharts& charts) {
  const std::string title = page_text(report.model);
  std::string text(page_start);
  text.append("<title>").append(title).append("</title>\n<h1>").append(title).append("</h1>\n");
  text.append("<pre>").append(in_html(serving_text(report, 0, false))).append("</pre>\n");
  if (!charts.by_context.empty()) text += memory_chart(charts.by_context);
  if (!charts.by_batch.empty()) text += time_chart(charts.by_batch);
  text += role_chart(charts.roles);
  return text + fmt::format("<p>zoometer {}</p>\n</html>\n", ZOOMETER_VERSION);
}

}  // namespace zoometer
