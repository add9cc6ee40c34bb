#include "report/diff.hpp"

#include <fmt/core.h>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/gates.hpp"
#include "cli/side.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"

namespace zoometer {
namespace {

/// The figures of `--fail-on`, for the end of the help text.
std::string metrics_help(const ChangeFields& fields) {
  std::string text =
      "Figures, for --fail-on; 'macs > +1%' and 'macs > +10M' check the change, before.macs is\n"
      "the figure before:\n";
  for (const GateField& each : fields.fields()) {
    if (each.field.name.find('.') != std::string_view::npos) continue;
    text.append("  ")
        .append(pad_right(each.field.name, 16))
        .append(each.field.summary)
        .append("\n");
  }
  return text;
}

struct BothTotals {
  const Totals& before;
  const Totals& after;
};

/// The figures of both models and their change; `exact` writes all digits.
TextTable change_table(const DiffInput& input, const BothTotals& totals, bool exact) {
  TextTable table;
  table.column("figure");
  table.column(escape_controls(input.before.model), true);
  table.column(escape_controls(input.after.model), true);
  table.column("change", true);
  table.column("relative", true);
  const auto shown = [&](const TotalsField& field, long double value) {
    return exact ? exact_figure(field.unit, value) : format_figure(field.unit, value);
  };
  for (const TotalsField& field : totals_fields()) {
    const long double before = field.value(totals.before);
    const long double after = field.value(totals.after);
    const long double change = after - before;
    const double relative = static_cast<double>(change / before);
    table.row({std::string(field.name), shown(field, before), shown(field, after),
               (change > 0 ? "+" : "") + shown(field, change),
               before > 0 ? fmt::format("{:+.1f}%", relative * 100) : ""});
  }
  return table;
}

int run_diff(const CommandLine& words) {
  Arguments arguments("diff", "Show what differs between two models, module by module.");
  std::string before_word;
  std::string after_word;
  arguments.positional("before", before_word, "A model's name or a file");
  arguments.positional("after", after_word, "The model or file to compare it with");
  SideWords both;
  both.add_to(arguments);
  FormatWords out(table_formats({"text", "json", "html"}));
  ReportOptions options;
  bool show_all = false;
  std::vector<std::string> conditions;
  out.add_to(arguments);
  arguments.option("--depth,-d", options.depth,
                   "Levels of the module tree: 2 for text, all for JSON and HTML and for -1", "N");
  arguments.flag("--all,-a", show_all, "In text, also show what is the same");
  arguments.option("--fail-on", conditions,
                   "Exit with 1 if this holds: 'macs > +1%', 'removed > 0'; repeatable", "EXPR");
  const ChangeFields unknown({}, {}, {});
  arguments.footer("Options of one side follow its name:\n"
                   "  zoometer diff fcos_resnet50_fpn fcos_resnet50_fpn@untrained\n"
                   "  zoometer diff vit_b_16 vit_b_16@input-shape=1x3x384x384@batch=8\n"
                   "  zoometer diff before.onnx after.onnx --fail-on 'macs > +1%'\n\n" +
                   metrics_help(unknown));
  if (!arguments.parse(join_shape_words(words))) return exit_done;
  out.settle();

  const Gates gates(conditions, unknown.fields(), Gates::Kind::must_not_hold, "--fail-on");
  const LoadedSide before(both, before_word);
  const LoadedSide after(both, after_word);
  const Diff difference = diff({before.graph, before.profile}, {after.graph, after.profile});
  const ReportInput report_before = before.report_input();
  const ReportInput report_after = after.report_input();
  const DiffInput input{report_before, report_after, difference, show_all};
  options.width = out.width();
  options.colour = out.colour();
  const Totals totals_before = totals_of(before.graph, before.profile);
  const Totals totals_after = totals_of(after.graph, after.profile);
  const auto table =
      change_table(input, {totals_before, totals_after}, out.is("csv")).written_as(out.format());
  const auto write = out.is("json") ? diff_json : (out.is("html") ? diff_html : diff_text);
  out.write(table ? *table : write(input, options));
  const ChangeFields fields(totals_before, totals_after, difference.counts);
  return gates.pass(fields.fields()) ? exit_done : exit_check_failed;
}

}  // namespace

extern constinit const Command diff_command = {
    "diff", "show what differs between two models, module by module", run_diff, 5};

}  // namespace zoometer
