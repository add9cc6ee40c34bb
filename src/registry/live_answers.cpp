#include "registry/live_answers.hpp"

#include <fmt/core.h>

#include <functional>
#include <utility>

#include "registry/cache_value.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

// Raised whenever a verdict has other fields, or is computed in another way.
constexpr std::string_view verdict_format = "4";

std::string number_or_no(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "no";
}

/// The structure of a model as PyTorch reports it. It does not depend on how zoometer reads graphs,
/// so it changes only when PyTorch or the model changes.
std::string structure_of(const FxRecord& record) {
  std::string states;
  for (const FxRecord::State& state : record.states) {
    states.append(state.name).append(" ").append(state.kind).append(" ");
    states.append(state.dtype).append(" ").append(to_short_string(state.shape)).append("\n");
  }
  return fmt::format("{} parameters, {} nodes\n{:x}", number_or_no(record.parameters),
                     number_or_no(record.fx_nodes), std::hash<std::string>{}(states));
}

void take_record(Finding& finding, const FxRecord& record, const Graph& graph,
                 const ImportNotes& notes) {
  finding.seconds = record.seconds.value_or(0);
  finding.parameters = record.parameters;
  finding.structure = structure_of(record);
  if (record.status != name_of(Status::traceable)) {
    finding.status = Status::failed;
    finding.reason = record.reason_code;
    finding.message = record.message;
    finding.module_path = record.module;
    finding.op = record.operator_name;
    return;
  }
  finding.status = Status::traceable;
  finding.nodes = record.fx_nodes;
  if (!record.has_graph) return;
  take_metrics(finding, graph);
  for (const std::string& note : notes.all())
    finding.note += (finding.note.empty() ? "" : "; ") + note;
}

/// Whether zoometer made the verdict itself, so that there is no line of the bridge.
bool has_no_line(const Finding& finding) {
  return finding.reason == "crash" || finding.reason == "time_limit";
}

bool is_enough(Needs needs, const Finding& finding) {
  switch (needs) {
  case Needs::verdict: return true;
  case Needs::graph: return finding.status == Status::failed;
  case Needs::record: return has_no_line(finding);
  }
  return false;
}

}  // namespace

LiveAnswers::LiveAnswers(Cache& cache, std::string scope, double time_limit, Graph& graph,
                         ImportNotes& notes)
    : cache_(cache),
      check_(cache),
      scope_(std::move(scope)),
      verdict_scope_(fmt::format("{}\nzoometer {} {}", scope_, ZOOMETER_VERSION, verdict_format)),
      time_limit_(time_limit),
      graph_(graph),
      notes_(notes) {}

std::optional<LiveAnswers::Kept> LiveAnswers::get(std::string_view kind, std::string_view scope,
                                                  const std::string& key) {
  const auto entry = cache_.get(kind, scope, key);
  const auto parts = entry ? unpack(*entry) : std::nullopt;
  if (!parts || parts->size() != 2 || !check_.is_current((*parts)[0])) return std::nullopt;
  return Kept{(*parts)[0], (*parts)[1]};
}

std::optional<FxRecord> LiveAnswers::recall(const std::string& key, Needs needs, Finding& finding) {
  const auto verdict = get("verdict", verdict_scope_, key);
  const bool is_known = verdict && unpack_finding(verdict->value, finding);
  const bool may_take_longer = finding.reason == "time_limit" && finding.seconds < time_limit_;
  if (may_take_longer) return std::nullopt;
  if (is_known && is_enough(needs, finding)) return FxRecord();
  const auto kept = get("graph", scope_, key);
  const auto line = kept ? inflate_text(kept->value) : std::nullopt;
  if (!line) return std::nullopt;
  FxRecord record = read(*line, is_known, finding);
  if (!is_known) keep(key, kept->link, finding);
  return record;
}

FxRecord LiveAnswers::add(const std::string& key, const Link& link, const BridgeAnswer& answer,
                          Finding& finding) {
  FxRecord record = read(answer.line, false, finding);
  if (finding.note.empty()) finding.note = summary_of_print(answer.printed);
  if (link) cache_.put("graph", scope_, key, pack({*link, deflate_text(answer.line)}));
  keep(key, link, finding);
  return record;
}

void LiveAnswers::keep(const std::string& key, const Link& link, const Finding& finding) {
  if (link) cache_.put("verdict", verdict_scope_, key, pack({*link, pack_finding(finding)}));
}

/// Reads a line of the bridge, and the verdict from it unless that is known.
FxRecord LiveAnswers::read(std::string_view line, bool is_known, Finding& finding) {
  FxRecord record;
  try {
    record = read_fx_record(line, buffer_, graph_, notes_);
    if (!is_known) take_record(finding, record, graph_, notes_);
  } catch (const Error& error) {
    take_error(finding, error);
  }
  return record;
}

}  // namespace zoometer
