#include "report/roofline.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "report/roofline_plot.hpp"
#include "report/shape_text.hpp"
#include "report/text_lines.hpp"
#include "util/json_writer.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"

namespace zoometer {
namespace {

constexpr int usual_roofline_depth = 1;
constexpr std::size_t usual_roofline_width = 80;

/// "989.4 TFLOP/s", "3.350 TB/s".
std::string rate_text(double rate, std::string_view unit) {
  const std::string text = format_count(std::llround(rate));
  return text + (text.find(' ') == std::string::npos ? " " : "") + std::string(unit);
}

std::string_view operations_unit(NumberType type) {
  return type == NumberType::int8 || type == NumberType::int4 ? "OP/s" : "FLOP/s";
}

std::string runs_text(double per_second) {
  return per_second < 100 ? fmt::format("{:.3g}", per_second)
                          : format_count(std::llround(per_second));
}

std::string percent(double share) { return fmt::format("{:.1f}%", share * 100); }

std::string_view bound_name(const AttainableSum& sum) {
  if (sum.seconds <= 0) return "none";
  return sum.memory_bound_share() > 0.5 ? "memory" : "compute";
}

/// "memory", or "memory 83%" if the rest of the time is bound by the other.
std::string bound_text(const AttainableSum& sum) {
  if (sum.seconds <= 0) return "-";
  const double memory = sum.memory_bound_share();
  const double larger = std::max(memory, 1 - memory);
  std::string text(bound_name(sum));
  return larger > 0.995 ? text : text + fmt::format(" {:.0f}%", larger * 100);
}

std::string type_text(const Roofline& roofline) {
  std::string text(name_of(roofline.used));
  return roofline.used == roofline.asked ? text
                                         : text + " for " + std::string(name_of(roofline.asked));
}

class TextWriter : TextLines {
 public:
  TextWriter(const RooflineReport& report, const RooflineText& shown, const ReportOptions& options)
      : TextLines(options.colour),
        report_(report),
        shown_(shown),
        options_(options),
        graph_(report.graph) {}

  TextTable devices() const {
    TextTable table;
    table.column("device");
    table.column("computes in", false, 3);
    table.column("peak", true, 5);
    table.column("bandwidth", true, 6);
    table.column("ridge", true, 7);
    table.column("lower bound", true);
    table.column("runs/s", true, 4);
    table.column("bound by", false, 1);
    table.column("compute", true, 2);
    table.column("memory", true, 2);
    table.column("overlapped", true, 8);
    for (const Roofline& each : report_.rooflines) {
      const AttainableSum& total = each.total;
      table.row({escape_controls(each.device->name), type_text(each),
                 rate_text(each.peak, operations_unit(each.used)),
                 rate_text(each.device->bandwidth, "B/s"),
                 fmt::format("{:.1f}", each.peak / each.device->bandwidth),
                 total.seconds > 0 ? format_seconds(total.seconds) : "-",
                 total.seconds > 0 ? runs_text(1 / total.seconds) : "-", bound_text(total),
                 percent(total.compute_utilisation()), percent(total.memory_utilisation()),
                 each.least_seconds > 0 ? format_seconds(each.least_seconds) : "-"});
    }
    return table;
  }

  std::string write() {
    write_head();
    write_devices();
    if (shown_.details && !report_.rooflines.empty()) {
      write_kinds();
      write_modules();
    }
    if (shown_.plot) {
      const auto width =
          options_.width > 0 ? static_cast<std::size_t>(options_.width) : usual_roofline_width;
      for (const Roofline& roofline : report_.rooflines)
        text_ += roofline_plot(roofline, width) + "\n";
    }
    write_notes();
    return wrapped_lines(text_, static_cast<std::size_t>(options_.width));
  }

 private:
  void write_head() {
    std::string source = report_.source;
    if (!report_.variant.empty()) source += ", " + report_.variant;
    line("{}  ({})", escape_controls(report_.model), escape_controls(source));
    line("input   {}", ports_text(graph_, graph_.inputs()));
    text_ += '\n';
  }

  void write_devices() {
    text_ += devices().text(options_.width, options_.colour);
    for (const std::string& each : report_.left_out) line("{}", escape_controls(each));
    text_ += '\n';
  }
  static std::string count_or_dash(std::int64_t value) {
    return value > 0 ? format_count(value) : "-";
  }
  static std::string bytes_or_dash(std::int64_t value) {
    return value > 0 ? format_bytes(value) : "-";
  }

  void add_device_columns(TextTable& table) const {
    for (const Roofline& each : report_.rooflines) {
      table.column(escape_controls(each.device->name), true);
      table.column("share", true, 2);
      table.column("bound by", false, 1);
    }
  }
  static void add_device_cells(std::vector<std::string>& cells, const AttainableSum& sum,
                               const Roofline& roofline) {
    cells.push_back(sum.seconds > 0 ? format_seconds(sum.seconds) : "-");
    cells.push_back(format_share(sum.seconds, roofline.total.seconds));
    cells.push_back(bound_text(sum));
  }
  static std::string intensity(const AttainableSum& sum) {
    if (sum.flops == 0 || sum.bytes == 0) return "-";
    return fmt::format("{:.2f}", static_cast<double>(sum.flops) / static_cast<double>(sum.bytes));
  }

  void write_kinds() {
    TextTable table;
    table.column(report_.fused ? "fused operators" : "operator");
    table.column("count", true);
    table.column("FLOPs", true, 4);
    table.column("traffic", true, 5);
    table.column("FLOPs/B", true, 3);
    add_device_columns(table);
    for (const AttainableKind& kind : report_.rooflines.front().kinds) {
      if (kind.sum.flops == 0 && kind.sum.bytes == 0) continue;
      std::vector<std::string> cells = {escape_controls(kind.name), format_count(kind.sum.count),
                                        count_or_dash(kind.sum.flops),
                                        bytes_or_dash(kind.sum.bytes), intensity(kind.sum)};
      for (const Roofline& each : report_.rooflines) {
        const auto own =
            std::find_if(each.kinds.begin(), each.kinds.end(),
                         [&](const AttainableKind& other) { return other.name == kind.name; });
        add_device_cells(cells, own->sum, each);
      }
      table.row(std::move(cells));
    }
    text_ += table.text(options_.width, options_.colour) + "\n";
  }

  void write_modules() {
    TextTable table;
    table.column("module");
    table.column("type", false, 6);
    table.column("FLOPs", true, 4);
    table.column("traffic", true, 5);
    table.column("FLOPs/B", true, 3);
    add_device_columns(table);
    const int deepest = depth_limit(options_, usual_roofline_depth);
    for (const ModuleId id : graph_.modules_in_order()) {
      const int depth = depth_of(graph_, id);
      const AttainableSum& first = report_.rooflines.front().modules[id];
      if (depth > deepest || first.count == 0) continue;
      const ModuleInfo& module = graph_.modules()[id];
      std::vector<std::string> cells = {std::string(static_cast<std::size_t>(depth) * 2, ' ') +
                                            escape_controls(id == 0 ? module.kind : module.name),
                                        escape_controls(module.kind), count_or_dash(first.flops),
                                        bytes_or_dash(first.bytes), intensity(first)};
      for (const Roofline& each : report_.rooflines)
        add_device_cells(cells, each.modules[id], each);
      table.row(std::move(cells));
    }
    text_ += table.text(options_.width, options_.colour) + "\n";
  }

  void write_notes() {
    // On a terminal the lines break where it ends.
    const std::string_view next = options_.width > 0 ? " " : "\n             ";
    line("lower bound  each {} alone, at the full peak or bandwidth, whichever takes longer;{}"
         "inputs are read from memory and results written to it; no launch time",
         report_.fused ? "group of operators" : "operator", next);
    line("overlapped   the same if arithmetic and memory overlap completely, and weights, inputs{}"
         "and outputs move once and nothing else does",
         next);
    for (const Roofline& each : report_.rooflines) write_device_notes(each);
    const bool bounded = std::any_of(report_.workload.works.begin(), report_.workload.works.end(),
                                     [](const Work& work) { return work.bounded; });
    if (bounded) line("note         sizes that depend on data are taken at their upper bound");
    for (const std::string& note : report_.notes) line("note         {}", escape_controls(note));
  }

  void write_device_notes(const Roofline& roofline) {
    const std::string name = escape_controls(roofline.device->name);
    if (roofline.weights_stay || roofline.activations_stay) {
      line("note         {} keeps {} on the chip", name,
           roofline.weights_stay && roofline.activations_stay ? "weights and activations"
           : roofline.weights_stay                            ? "weights"
                                                              : "activations");
    }
    const std::int64_t needed = report_.workload.weights + report_.workload.peak_activations;
    if (roofline.device->capacity > 0 && needed > roofline.device->capacity) {
      line("note         {} has {} of memory, and the model needs {}", name,
           format_bytes(roofline.device->capacity), format_bytes(needed));
    }
  }

  const RooflineReport& report_;
  const RooflineText& shown_;
  const ReportOptions& options_;
  const Graph& graph_;
};

class JsonDocument {
 public:
  JsonDocument(const RooflineReport& report, const ReportOptions& options)
      : report_(report),
        graph_(report.graph),
        depth_(depth_limit(options)) {}

  std::string write() {
    json_.object([&] {
      json_.field("schema", "zoometer.roofline/1");
      json_.field("model", report_.model);
      json_.field("source", report_.source);
      if (!report_.variant.empty()) json_.field("variant", report_.variant);
      if (!report_.notes.empty()) {
        json_.array("notes", [&] {
          for (const std::string& note : report_.notes) json_.value(note);
        });
      }
      json_.array("inputs", [&] {
        for (const Port& input : graph_.inputs()) write_port(input);
      });
      json_.field("fused", report_.fused);
      json_.object("compulsory", [&] { write_traffic(report_.workload.compulsory); });
      json_.array("groups", [&] {
        for (const Work& work : report_.workload.works) write_group(work);
      });
      json_.array("devices", [&] {
        for (const Roofline& roofline : report_.rooflines) write_device(roofline);
      });
      if (!report_.left_out.empty()) {
        json_.array("left_out", [&] {
          for (const std::string& each : report_.left_out) json_.value(each);
        });
      }
    });
    return json_.text();
  }

 private:
  void write_port(const Port& port) {
    json_.object([&] {
      json_.field("name", port.name);
      json_.key("shape");
      write_shape(json_, graph_, port.value);
      json_.field("dtype", name_of(graph_.dtype(port.value)));
    });
  }

  void write_traffic(const Traffic& traffic) {
    json_.field("weights", traffic.weights);
    json_.field("boundary", traffic.boundary);
    json_.field("between", traffic.between);
  }

  void write_group(const Work& work) {
    json_.object([&] {
      json_.field("op", work.group.name);
      json_.field("module", graph_.module_path(work.module));
      json_.array("nodes", [&] {
        for (const NodeId node : work.group.nodes) json_.value(node);
      });
      if (work.type) json_.field("type", name_of(*work.type));
      json_.field("macs", work.macs);
      json_.field("flops", work.flops);
      json_.object("bytes", [&] { write_traffic(work.bytes); });
      if (work.bounded) json_.field("bound", true);
    });
  }

  void write_sum(const AttainableSum& sum) {
    json_.field("count", sum.count);
    json_.field("macs", sum.macs);
    json_.field("flops", sum.flops);
    json_.field("bytes", sum.bytes);
    json_.field("moved_bytes", sum.moved);
    json_.field("seconds", sum.seconds);
    json_.field("compute_seconds", sum.compute);
    json_.field("memory_seconds", sum.memory);
    json_.field("memory_bound_seconds", sum.memory_bound_seconds);
    json_.field("bound_by", bound_name(sum));
    json_.field("compute_utilisation", sum.compute_utilisation());
    json_.field("memory_utilisation", sum.memory_utilisation());
  }

  void write_device(const Roofline& roofline) {
    json_.object([&] {
      json_.field("name", roofline.device->name);
      json_.field("title", roofline.device->title);
      json_.field("type", name_of(roofline.asked));
      json_.field("computes_in", name_of(roofline.used));
      json_.field("peak", roofline.peak);
      json_.field("bandwidth", roofline.device->bandwidth);
      json_.field("ridge", roofline.peak / roofline.device->bandwidth);
      json_.field("weights_stay", roofline.weights_stay);
      json_.field("activations_stay", roofline.activations_stay);
      json_.field("lower_bound_seconds", roofline.total.seconds);
      json_.field("overlapped_seconds", roofline.least_seconds);
      json_.object("totals", [&] { write_sum(roofline.total); });
      json_.array("operators", [&] {
        for (const AttainableKind& kind : roofline.kinds) {
          json_.object([&] {
            json_.field("op", kind.name);
            write_sum(kind.sum);
          });
        }
      });
      json_.array("modules", [&] { write_modules(roofline); });
    });
  }

  void write_modules(const Roofline& roofline) {
    for (const ModuleId id : graph_.modules_in_order()) {
      if (depth_ < all_levels && depth_of(graph_, id) > depth_) continue;
      json_.object([&] {
        json_.field("path", graph_.module_path(id));
        json_.field("type", graph_.modules()[id].kind);
        write_sum(roofline.modules[id]);
      });
    }
  }

  const RooflineReport& report_;
  const Graph& graph_;
  int depth_;
  JsonWriter json_;
};

std::string peak_text(const Device& device, NumberType type) {
  return device.peak(type) > 0 ? format_count(std::llround(device.peak(type))) : "-";
}

}  // namespace

std::string roofline_text(const RooflineReport& report, const RooflineText& shown,
                          const ReportOptions& options) {
  return TextWriter(report, shown, options).write();
}

TextTable roofline_table(const RooflineReport& report) {
  return TextWriter(report, {}, {}).devices();
}

std::string roofline_json(const RooflineReport& report, const ReportOptions& options) {
  return JsonDocument(report, options).write();
}

std::string roofline_csv(const RooflineReport& report) {
  std::string text = "device,group,operator,module,type,macs,flops,bytes,moved_bytes,compute_"
                     "seconds,memory_seconds,seconds,bound_by\n";
  for (const Roofline& roofline : report.rooflines) {
    for (std::size_t i = 0; i < roofline.works.size(); ++i) {
      const Work& work = report.workload.works[i];
      const Attainable& time = roofline.works[i];
      const std::string_view bound = time.seconds() <= 0      ? "none"
                                     : time.is_memory_bound() ? "memory"
                                                              : "compute";
      fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
                     csv_field(roofline.device->name), i, csv_field(work.group.name),
                     csv_field(report.graph.module_path(work.module)),
                     work.type ? name_of(*work.type) : "", work.macs, work.flops,
                     work.bytes.total(), roofline.moved[i], time.compute, time.memory,
                     time.seconds(), bound);
    }
  }
  return text;
}

TextTable devices_table(const std::vector<Device>& devices) {
  using enum NumberType;
  TextTable table;
  table.column("name");
  table.column("device", false, 1);
  for (const std::string_view type : {"float32", "tf32", "float16", "bfloat16", "float8", "int8"})
    table.column(type, true, type == "tf32" || type == "float8" ? 3 : 2);
  table.column("bandwidth", true);
  table.column("memory", true, 4);
  table.column("largest cache", true, 5);
  table.column("TDP", true, 6);
  for (const Device& device : devices) {
    std::vector<std::string> cells = {escape_controls(device.name), escape_controls(device.title)};
    for (const NumberType type : {float32, tf32, float16, bfloat16, float8, int8})
      cells.push_back(peak_text(device, type));
    cells.push_back(rate_text(device.bandwidth, "B/s"));
    cells.push_back(device.capacity > 0 ? format_bytes(device.capacity) : "-");
    const std::int64_t cache = std::max(device.largest_cache(), device.on_chip);
    cells.push_back(cache > 0 ? format_bytes(cache) : "-");
    cells.push_back(device.tdp > 0 ? fmt::format("{:g} W", device.tdp) : "-");
    table.row(std::move(cells));
  }
  return table;
}

std::string devices_text(const std::vector<Device>& devices, const ReportOptions& options) {
  return devices_table(devices).text(options.width, options.colour) +
         "\nPeaks in operations per second, dense; a multiply-accumulate is two.\n";
}

void write_links(JsonWriter& json, const DeviceLinks& links) {
  if (links.node <= 0 && links.network <= 0) return;
  json.object("links", [&] {
    if (links.node > 0) json.field("node", links.node);
    if (links.network > 0) json.field("network", links.network);
    if (links.latency > 0) json.field("latency", links.latency);
    if (links.devices > 0) json.field("devices", links.devices);
  });
}

std::string devices_json(const std::vector<Device>& devices) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.devices/1");
    json.array("devices", [&] {
      for (const Device& device : devices) {
        json.object([&] {
          json.field("name", device.name);
          json.field("title", device.title);
          json.field("kind", device.kind);
          json.array("aliases", [&] {
            for (const std::string& alias : device.aliases) json.value(alias);
          });
          json.object("peak", [&] {
            for (std::size_t i = 0; i < number_type_count; ++i) {
              if (device.peaks[i] > 0)
                json.field(name_of(static_cast<NumberType>(i)), device.peaks[i]);
            }
          });
          json.field("bandwidth", device.bandwidth);
          if (device.capacity > 0) json.field("capacity", device.capacity);
          if (device.on_chip > 0) json.field("on_chip", device.on_chip);
          json.object("cache", [&] {
            for (const auto& [level, size] : device.caches) json.field(level, size);
          });
          write_links(json, device.links);
          if (device.tdp > 0) json.field("tdp", device.tdp);
          json.object("source", [&] {
            for (const auto& [figure, source] : device.sources) json.field(figure, source);
          });
        });
      }
    });
  });
  return json.text();
}

}  // namespace zoometer
