#include "report/roofline_plot.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <vector>

#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr std::size_t rows = 14;
constexpr std::size_t axis_label_width = 10;
constexpr std::size_t fewest_columns = 20;
constexpr std::size_t most_columns = 90;
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz";

struct Point {
  const AttainableKind* kind;
  double intensity;  // FLOPs per byte
  double rate;       // FLOP/s
};

std::vector<Point> points_of(const Roofline& roofline) {
  std::vector<Point> points;
  for (const AttainableKind& kind : roofline.kinds) {
    const AttainableSum& sum = kind.sum;
    if (sum.flops == 0 || sum.moved == 0 || points.size() == letters.size()) continue;
    points.push_back({&kind, static_cast<double>(sum.flops) / static_cast<double>(sum.moved),
                      static_cast<double>(sum.flops) / sum.seconds});
  }
  return points;
}

/// Powers of ten onto cells.
class LogScale {
 public:
  LogScale(double low, double high, std::size_t cells)
      : low_(std::floor(std::log10(low))),
        step_(static_cast<double>(cells - 1) / (std::ceil(std::log10(high)) - low_)),
        cells_(cells) {}

  double position(double value) const { return (std::log10(value) - low_) * step_; }
  std::size_t cell(double value) const {
    return static_cast<std::size_t>(
        std::clamp(std::lround(position(value)), 0L, static_cast<long>(cells_) - 1));
  }
  double value(std::size_t cell) const {
    return std::pow(10.0, low_ + static_cast<double>(cell) / step_);
  }

 private:
  double low_;
  double step_;
  std::size_t cells_;
};

/// "10 G", "0.1": a power of ten.
std::string power_text(double value) {
  static constexpr std::array<std::string_view, 7> prefixes = {"",   " k", " M", " G",
                                                               " T", " P", " E"};
  const auto exponent = static_cast<int>(std::lround(std::log10(value)));
  if (exponent < 0 || exponent >= static_cast<int>(prefixes.size()) * 3)
    return fmt::format("{:g}", value);
  return fmt::format("{:g}{}", std::pow(10.0, exponent % 3),
                     prefixes[static_cast<std::size_t>(exponent / 3)]);
}

class Canvas {
 public:
  explicit Canvas(std::size_t columns) : cells_(rows, std::vector<std::string>(columns, " ")) {}
  void set(std::size_t column, std::size_t row, std::string_view mark) {
    cells_[row][column] = mark;
  }
  std::string line(std::size_t row) const {
    std::string text;
    for (const std::string& cell : cells_[row]) text += cell;
    drop_spaces_at_end(text);
    return text;
  }

 private:
  std::vector<std::vector<std::string>> cells_;
};

}  // namespace

std::string roofline_plot(const Roofline& roofline, std::size_t width) {
  const std::vector<Point> points = points_of(roofline);
  const double bandwidth = roofline.device->bandwidth;
  const double ridge = roofline.peak / bandwidth;
  double low_x = ridge / 10;
  double high_x = ridge * 10;
  for (const Point& point : points) {
    low_x = std::min(low_x, point.intensity);
    high_x = std::max(high_x, point.intensity);
  }
  double low_y = std::min(roofline.peak, low_x * bandwidth);
  double high_y = roofline.peak;
  for (const Point& point : points) {
    low_y = std::min(low_y, point.rate);
    high_y = std::max(high_y, point.rate);
  }
  const std::size_t room = width > axis_label_width + 2 ? width - axis_label_width - 2 : 0;
  const std::size_t columns = std::clamp(room, fewest_columns, most_columns);
  const LogScale x(low_x, high_x, columns);
  const LogScale y(low_y, high_y * 1.001, rows);

  Canvas canvas(columns);
  std::size_t before = y.cell(std::min(roofline.peak, x.value(0) * bandwidth));
  for (std::size_t column = 0; column < columns; ++column) {
    const double attainable = x.value(column) * bandwidth;
    const std::size_t row = y.cell(std::min(roofline.peak, attainable));
    if (y.position(attainable) < 0) continue;
    const bool is_flat = attainable >= roofline.peak;
    for (std::size_t i = std::min(row, before + 1); i <= row; ++i)
      canvas.set(column, i, is_flat ? "─" : "╱");
    before = row;
  }
  for (std::size_t i = points.size(); i-- > 0;)  // the operators with the most time on top
    canvas.set(x.cell(points[i].intensity), y.cell(points[i].rate), letters.substr(i, 1));

  std::string text = fmt::format("{}: FLOP/s attained over FLOPs per byte, ridge at {:.1f}\n",
                                 escape_controls(roofline.device->name), ridge);
  auto out = std::back_inserter(text);
  std::string last_label;
  for (std::size_t row = rows; row-- > 0;) {
    // A label if a power of ten is in this row.
    std::string label;
    const double power = std::pow(10.0, std::round(std::log10(y.value(row))));
    if (y.cell(power) == row) label = power_text(power);
    if (label == last_label) label.clear();
    if (!label.empty()) last_label = label;
    fmt::format_to(out, "{} ┤{}\n", pad_left(label, axis_label_width), canvas.line(row));
  }
  std::string axis;
  for (std::size_t i = 0; i < columns; ++i) axis += "─";
  fmt::format_to(out, "{} └{}\n", pad_left("", axis_label_width), axis);
  std::string ticks(columns, ' ');
  for (double power = std::pow(10.0, std::floor(std::log10(low_x))); power <= high_x * 10;
       power *= 10) {
    const std::string label = power_text(power);
    const std::size_t at = std::min(x.cell(power), columns - label.size());
    if (at > 0 && ticks[at - 1] != ' ') continue;
    ticks.replace(at, label.size(), label);
  }
  drop_spaces_at_end(ticks);
  fmt::format_to(out, "{}{}\n", pad_left("", axis_label_width + 2), ticks);
  for (std::size_t i = 0; i < points.size(); ++i) {
    fmt::format_to(out, "  {} {}: {:.4g} FLOPs per byte, {}FLOP/s\n", letters[i],
                   escape_controls(points[i].kind->name), points[i].intensity,
                   format_count(std::llround(points[i].rate)) + (points[i].rate < 1000 ? " " : ""));
  }
  return text;
}

}  // namespace zoometer
