#include "report/serving.hpp"

#include <fmt/core.h>

#include <iterator>

#include "util/json_writer.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

bool is_split(const DeviceSplit& split) { return split.devices > 1; }

/// "tp 8, pp 2" of 16 devices.
std::string split_text(const DeviceSplit& split) {
  std::string text = fmt::format("{} devices", split.devices);
  const auto add = [&](std::string_view name, std::int64_t number) {
    if (number > 1) fmt::format_to(std::back_inserter(text), ", {} {}", name, number);
  };
  add("tensor parallel", split.tensor);
  add("pipeline stages", split.pipeline);
  add("expert parallel", split.expert);
  add("copies", split.replicas());
  return text;
}

std::string plural(std::int64_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

// -- text ---------------------------------------------------------------------------------------

class ServingText {
 public:
  explicit ServingText(const ServingReport& report) : report_(report), base_(report.base) {}

  std::string take(int width, bool colour) {
    add_memory();
    if (report_.varied.empty()) {
      for (const ServedDevice& served : base_.devices) add_device(served);
    } else {
      text_ += '\n' + points_table(width, colour);
    }
    for (const std::string& note : report_.notes) line("note: {}", escape_controls(note));
    return std::move(text_);
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  void bytes_line(std::string_view what, std::int64_t bytes) {
    line("{:<24}{:>20}  {}", what, bytes, format_bytes(bytes));
  }

  void add_memory() {
    const ServingOptions& options = base_.options;
    line("{}: {} of {} tokens, {}", escape_controls(report_.model),
         plural(options.batch, "sequence"), options.context(), report_.engine);
    bytes_line("weights, " + base_.scheme, base_.weights.bytes);
    bytes_line("cache", base_.cache.bytes);
    for (const auto& [kind, bytes] : base_.cache.by_kind)
      bytes_line(fmt::format("  {} layers", kind), bytes);
    bytes_line("cache of a token", base_.cache.bytes_per_token);
    bytes_line("weights and cache", base_.bytes());
    const DeviceMemory& memory = base_.whole.memory;
    if (is_split(options.split)) {
      line("on each of {}:", split_text(options.split));
      bytes_line("  weights", memory.weights);
      bytes_line("  cache", memory.cache);
    }
    bytes_line("activations", memory.activations);
    add_step("prompt", base_.whole.prefill);
    add_step("decode step", base_.whole.decode);
    if (const auto& experts = base_.whole.experts) {
      line("{:<24}{:>20.1f}  of {} in each of {} layers, at least {}, at most {}", "experts read",
           experts->expected, experts->experts, experts->layers, experts->least, experts->most);
    }
    for (const Collective& each : base_.whole.decode.collectives) {
      line("{:<24}{:>20}  {} of {} bytes", fmt::format("{} of {}", each.name, each.of),
           checked_mul(each.count, each.bytes), plural(each.count, "message"), each.bytes);
    }
  }

  void add_step(std::string_view what, const StepMetrics& step) {
    line("{:<24}{:>20}  products, {} moved", what, step.macs, format_bytes(step.bytes()));
  }

  void add_device(const ServedDevice& served) {
    const ServingMetrics& metrics = served.metrics;
    const std::int64_t left = metrics.left();
    line("on {}: {} of {}", escape_controls(served.device->name),
         left >= 0 ? "fits, " + format_bytes(left) + " left"
                   : "does not fit, " + format_bytes(-left) + " too many",
         format_bytes(metrics.budget));
    line("  longest context       {}",
         metrics.longest_context ? plural(*metrics.longest_context, "token") : "any");
    line("  largest batch         {}",
         metrics.largest_batch ? plural(*metrics.largest_batch, "sequence") : "any");
    add_time("first tokens", metrics.prefill);
    add_time("each further token", metrics.decode);
    line("  tokens per second     {}{:.1f}", sign("<= "), metrics.tokens_per_second(base_.options));
  }
  void add_time(std::string_view what, const StepMetrics& step) {
    line("  {:<22}{}{}, bound by {}", what, sign(">= "), format_seconds(step.seconds), step.bound);
  }
  /// Without efficiencies, times are lower bounds.
  std::string_view sign(std::string_view bound) const {
    return base_.options.efficiency.is_given ? std::string_view() : bound;
  }

  std::string points_table(int width, bool colour) const {
    TextTable table;
    table.column(report_.varied, report_.varied != "quant");
    if (!base_.devices.empty()) table.column("device");
    table.column("weights", true, 3);
    table.column("cache", true, 3);
    if (base_.devices.empty()) table.column("activations", true, 4);
    if (!base_.devices.empty()) {
      table.column("left", true);
      table.column("first tokens", true, 2);
      table.column("a token", true, 1);
      table.column("bound by", false, 4);
      table.column("tokens/s", true, 1);
    }
    for (const ServedPoint& point : report_.points) add_rows(point, table);
    return table.text(width, colour);
  }

  static void add_rows(const ServedPoint& point, TextTable& table) {
    if (point.devices.empty()) {
      const DeviceMemory& memory = point.whole.memory;
      table.row({point.value, format_bytes(memory.weights), format_bytes(memory.cache),
                 format_bytes(memory.activations)});
    }
    for (const ServedDevice& served : point.devices) {
      const ServingMetrics& metrics = served.metrics;
      const std::int64_t left = metrics.left();
      table.row({point.value, escape_controls(served.device->name),
                 format_bytes(metrics.memory.weights), format_bytes(metrics.memory.cache),
                 left >= 0 ? format_bytes(left) : "-" + format_bytes(-left),
                 format_seconds(metrics.prefill.seconds), format_seconds(metrics.decode.seconds),
                 std::string(metrics.decode.bound),
                 fmt::format("{:.1f}", metrics.tokens_per_second(point.options))});
    }
  }

  const ServingReport& report_;
  const ServedPoint& base_;
  std::string text_;
};

// -- JSON ---------------------------------------------------------------------------------------

void write_step(JsonWriter& json, std::string_view name, const StepMetrics& step, bool has_times) {
  json.object(name, [&] {
    json.field("tokens", step.tokens);
    json.field("macs", step.macs);
    json.field("macs_masked", step.macs_masked);
    json.field("flops", step.flops);
    json.object("bytes", [&] {
      json.field("weights", step.weight_bytes);
      json.field("cache", step.cache_bytes);
      json.field("activations", step.activation_bytes);
      json.field("total", step.bytes());
    });
    json.array("collectives", [&] {
      for (const Collective& each : step.collectives) {
        json.object([&] {
          json.field("name", each.name);
          json.field("of", each.of);
          json.field("count", each.count);
          json.field("bytes", each.bytes);
          if (has_times) json.field("seconds", each.seconds);
        });
      }
    });
    if (!has_times) return;
    json.object("seconds", [&] {
      json.field("compute", step.compute);
      json.field("memory", step.memory);
      json.field("links", step.links);
      json.field("total", step.seconds);
    });
    json.field("bound", step.bound);
  });
}

void write_memory(JsonWriter& json, const DeviceMemory& memory) {
  json.field("weights", memory.weights);
  json.field("cache", memory.cache);
  json.field("activations", memory.activations);
  json.field("bytes", memory.total());
}

void write_served(JsonWriter& json, const ServingOptions& options, const ServedDevice& served) {
  const ServingMetrics& metrics = served.metrics;
  json.field("device", served.device->name);
  json.field("capacity", served.device->capacity);
  json.field("budget", metrics.budget);
  write_memory(json, metrics.memory);
  json.field("fits", metrics.left() >= 0);
  json.field("left", metrics.left());
  json.key("longest_context");
  metrics.longest_context ? json.value(*metrics.longest_context) : json.null();
  json.key("largest_batch");
  metrics.largest_batch ? json.value(*metrics.largest_batch) : json.null();
  write_step(json, "prefill", metrics.prefill, true);
  write_step(json, "decode", metrics.decode, true);
  json.field("tokens_per_second", metrics.tokens_per_second(options));
  json.field("is_lower_bound", !options.efficiency.is_given);
}

void write_served_devices(JsonWriter& json, const ServedPoint& point) {
  json.array("devices", [&] {
    for (const ServedDevice& served : point.devices)
      json.object([&] { write_served(json, point.options, served); });
  });
}

void write_split(JsonWriter& json, const DeviceSplit& split) {
  json.object("split", [&] {
    json.field("devices", split.devices);
    json.field("tensor", split.tensor);
    json.field("pipeline", split.pipeline);
    json.field("expert", split.expert);
    json.field("replicas", split.replicas());
    json.field("microbatches", split.microbatches);
  });
}

void write_point(JsonWriter& json, const ServingReport& report, const ServedPoint& point) {
  const ServingOptions& options = point.options;
  json.object("weights", [&] {
    json.field("scheme", point.scheme);
    json.field("bytes", point.weights.bytes);
    json.field("bits_per_weight", point.weights.bits_per_weight());
  });
  json.object("cache", [&] {
    json.field("engine", report.engine);
    json.field("key_dtype", name_of(*options.cache.key_type));
    json.field("value_dtype", name_of(*options.cache.value_type));
    json.field("context", options.context());
    json.field("sequences", options.batch);
    json.field("bytes_per_token", point.cache.bytes_per_token);
    json.field("bytes", point.cache.bytes);
    json.object("by_kind", [&] {
      for (const auto& [kind, bytes] : point.cache.by_kind) json.field(kind, bytes);
    });
  });
  json.field("bytes", point.bytes());
  json.object("each_device", [&] { write_memory(json, point.whole.memory); });
  write_step(json, "prefill", point.whole.prefill, false);
  write_step(json, "decode", point.whole.decode, false);
  if (const auto& experts = point.whole.experts) {
    json.object("experts", [&] {
      json.field("layers", experts->layers);
      json.field("experts", experts->experts);
      json.field("chosen", experts->chosen);
      json.field("least", experts->least);
      json.field("expected", experts->expected);
      json.field("most", experts->most);
    });
  }
  write_served_devices(json, point);
}

}  // namespace

std::int64_t ServedPoint::bytes() const { return checked_add(weights.bytes, cache.bytes); }

std::string serving_text(const ServingReport& report, int width, bool colour) {
  return ServingText(report).take(width, colour);
}

std::string serving_json(const ServingReport& report) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.serve/1");
    json.field("model", report.model);
    json.field("source", report.source);
    json.array("notes", [&] {
      for (const std::string& note : report.notes) json.value(note);
    });
    json.field("prompt", report.base.options.prompt);
    json.field("output", report.base.options.output);
    write_split(json, report.base.options.split);
    write_point(json, report, report.base);
    if (report.varied.empty()) return;
    json.field("vary", report.varied);
    json.array("points", [&] {
      for (const ServedPoint& point : report.points) {
        json.object([&] {
          json.field("value", point.value);
          write_point(json, report, point);
        });
      }
    });
  });
  return json.text();
}

std::string serving_csv(const ServingReport& report) {
  std::string text;
  const std::string first = report.varied.empty() ? std::string() : report.varied + ",";
  text = first +
         "device,scheme,weights,cache,activations,budget,left,longest_context,largest_batch,"
         "prefill_macs,decode_macs,prefill_seconds,decode_seconds,bound,tokens_per_second\n";
  const auto add = [&](const ServedPoint& point, const ServedDevice& served) {
    const ServingMetrics& metrics = served.metrics;
    const DeviceMemory& memory = metrics.memory;
    if (!report.varied.empty()) text += csv_field(point.value) + ",";
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{}",
                   served.device == nullptr ? std::string() : csv_field(served.device->name),
                   csv_field(point.scheme), memory.weights, memory.cache, memory.activations);
    if (served.device == nullptr) {
      fmt::format_to(std::back_inserter(text), ",,,,,{},{},,,,\n", metrics.prefill.macs,
                     metrics.decode.macs);
      return;
    }
    const auto number = [](const std::optional<std::int64_t>& limit) {
      return limit ? std::to_string(*limit) : std::string();
    };
    fmt::format_to(std::back_inserter(text), ",{},{},{},{},{},{},{},{},{},{}\n", metrics.budget,
                   metrics.left(), number(metrics.longest_context), number(metrics.largest_batch),
                   metrics.prefill.macs, metrics.decode.macs, metrics.prefill.seconds,
                   metrics.decode.seconds, metrics.decode.bound,
                   metrics.tokens_per_second(point.options));
  };
  const auto add_point = [&](const ServedPoint& point) {
    if (point.devices.empty()) add(point, {nullptr, point.whole});
    for (const ServedDevice& served : point.devices) add(point, served);
  };
  if (report.varied.empty()) add_point(report.base);
  for (const ServedPoint& point : report.points) add_point(point);
  return text;
}

}  // namespace zoometer
