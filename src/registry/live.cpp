#include "registry/live.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <map>

#include "import/json.hpp"
#include "registry/file_stamp.hpp"
#include "util/json_writer.hpp"
#include "util/subprocess.hpp"
#include "util/text.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

// Raised whenever a verdict holds other fields, or is found in another way.
constexpr std::string_view verdict_format = "2";

std::string number_text(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "no";
}

std::string inputs_key(const std::vector<UserInput>& inputs) {
  std::string text;
  for (const UserInput& input : inputs)
    text.append(to_short_string(input.shape)).append(":").append(name_of(input.dtype)).append(" ");
  return text;
}

void write_inputs(JsonWriter& json, const LiveRequest& request) {
  json.array(request.name, [&] {
    for (const UserInput& input : request.inputs) {
      json.object([&] {
        json.field("shape", std::span<const std::int64_t>(input.shape));
        json.field("dtype", name_of(input.dtype));
      });
    }
  });
}

/// What a process printed, for one line of a message.
std::string printed_text(std::string_view printed) {
  std::size_t lines = 0;
  std::string_view last;
  while (!printed.empty()) {
    const std::size_t end = std::min(printed.find('\n'), printed.size());
    if (end > 0) {
      ++lines;
      last = printed.substr(0, end);
    }
    printed.remove_prefix(std::min(end + 1, printed.size()));
  }
  if (lines == 0) return {};
  constexpr std::size_t most = 200;
  return fmt::format("{} line{} printed, the last: {}", lines, lines == 1 ? "" : "s",
                     escape_controls(last.substr(0, most)));
}

/// Independent of how zoometer reads the graph, so that only PyTorch's own changes are told.
std::string structure_of(const FxRecord& record) {
  std::string states;
  for (const FxRecord::State& state : record.states) {
    states.append(state.name).append(" ").append(state.kind).append(" ");
    states.append(state.dtype).append(" ").append(to_short_string(state.shape)).append("\n");
  }
  return fmt::format("{} parameters, {} nodes\n{:x}", number_text(record.parameters),
                     number_text(record.fx_nodes), std::hash<std::string>{}(states));
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
  if (!record.has_graph) return;
  take_metrics(finding, graph);
  for (const std::string& note : notes.notes)
    finding.note += (finding.note.empty() ? "" : "; ") + note;
}

}  // namespace

/// Has requests traced that the cache does not know, in as many runs of the bridge as it takes.
class LiveSource::Run {
 public:
  using Plan = std::function<std::vector<LiveRequest>(const LiveListing& listing)>;
  using Done = std::function<void(Finding& finding, const FxRecord& record)>;

  /// What is an answer, if the cache has no more.
  enum class Needs : std::uint8_t {
    verdict,  ///< whether it can be traced, and its figures
    graph,    ///< the graph, or why there is none
    record,   ///< all that the bridge told
  };

  struct Setup {
    Plan plan;                       ///< what to trace, once the source's models are known
    Done done;                       ///< called with each answer, in their order
    std::vector<std::string> first;  ///< what to ask for until they are known; empty: everything
    Variant variant = Variant::untrained;
    std::vector<LiveRequest> inputs;  ///< the sizes to give by name
    Needs needs = Needs::verdict;
  };

  Run(LiveSource& source, Setup setup, Graph& graph, ImportNotes& notes)
      : source_(source),
        setup_(std::move(setup)),
        graph_(graph),
        notes_(notes) {}

  void go() {
    source_.choose_interpreter();
    source_.listing_ = recall_listing(source_.blank_listing(), source_.cache_);
    if (source_.listing_) make_plan();
    while (!is_planned_ || !open_.empty()) once();
  }

 private:
  struct Open {
    LiveRequest request;
    std::string key;  ///< empty: not kept
  };

  void make_plan() {
    is_planned_ = true;
    for (LiveRequest& request : setup_.plan(*source_.listing_)) {
      const LiveModel& model = *source_.listing_->find(request.name);
      std::string key;
      if (!model.digest.empty()) {
        key = pack({request.name, model.digest, std::string(name_of(request.variant)),
                    inputs_key(request.inputs)});
      }
      if (!recall(request, key)) open_.push_back({std::move(request), std::move(key)});
    }
  }

  std::string verdict_scope() const {
    return fmt::format("{}\nzoometer {} {}", source_.scope(), ZOOMETER_VERSION, verdict_format);
  }

  /// A verdict that the bridge did not write: there is no record of it.
  static bool is_our_own(const Finding& finding) {
    return finding.reason == "crash" || finding.reason == "time_limit";
  }

  bool is_enough(const Finding& finding) const {
    switch (setup_.needs) {
    case Needs::verdict: return true;
    case Needs::graph: return finding.status == Status::failed;
    case Needs::record: return is_our_own(finding);
    }
    return false;
  }

  bool recall(const LiveRequest& request, const std::string& key) {
    if (key.empty()) return false;
    Finding finding = source_.blank_finding(*source_.listing_->find(request.name));
    const auto verdict = source_.cache_.get("verdict", verdict_scope(), key);
    const bool is_known = verdict && unpack_finding(*verdict, finding);
    const bool may_take_longer =
        finding.reason == "time_limit" && finding.seconds < source_.options_.time_limit;
    if (may_take_longer) return false;
    if (is_known && is_enough(finding)) {
      setup_.done(finding, {});
      return true;
    }
    const auto kept = source_.cache_.get("graph", source_.scope(), key);
    const auto line = kept ? inflate_text(*kept) : std::nullopt;
    if (!line) return false;
    const FxRecord record = read(finding, *line, is_known);
    if (!is_known) keep(finding, key);
    setup_.done(finding, record);
    return true;
  }

  /// Reads what the bridge wrote, and the verdict from it unless that is known.
  FxRecord read(Finding& finding, std::string_view line, bool is_known) {
    FxRecord record;
    try {
      record = read_fx_record(line, buffer_, graph_, notes_);
      if (!is_known) take_record(finding, record, graph_, notes_);
    } catch (const Error& error) {
      take_error(finding, error);
    }
    return record;
  }

  /// Takes and keeps a new answer.
  void answer(Finding& finding, std::string_view line, const std::string& key) {
    const FxRecord record = read(finding, line, false);
    if (finding.note.empty()) finding.note = printed_text(printed_);
    if (!key.empty()) source_.cache_.put("graph", source_.scope(), key, deflate_text(line));
    keep(finding, key);
    setup_.done(finding, record);
  }

  void keep(const Finding& finding, const std::string& key) {
    if (!key.empty()) source_.cache_.put("verdict", verdict_scope(), key, pack_finding(finding));
  }

  // -- one run of the bridge ------------------------------------------------------------------

  std::string inputs_json() const {
    JsonWriter json;
    json.object([&] {
      for (const LiveRequest& request : setup_.inputs) {
        if (!request.inputs.empty()) write_inputs(json, request);
      }
    });
    return json.text();
  }

  void once() {
    const MemoryFile script("zoometer_bridge.py", bridge_script());
    const MemoryFile inputs("inputs.json", inputs_json());
    ProcessRequest request;
    request.words = {source_.interpreter_.path,
                     script.path(),
                     "trace",
                     "--output",
                     std::string(ProcessRequest::results_path),
                     "--marks",
                     "--variant",
                     std::string(name_of(setup_.variant)),
                     "--inputs",
                     inputs.path()};
    if (!source_.options_.module.empty()) {
      request.words.emplace_back("--module");
      request.words.push_back(source_.options_.module);
    }
    if (is_planned_) {
      for (const Open& open : open_) request.words.push_back(open.request.name);
    } else {
      request.words.insert(request.words.end(), setup_.first.begin(), setup_.first.end());
    }
    request.mark = "\x1e\n";
    request.on_line = [&](std::string_view line) { return take_line(line); };
    request.on_print = [&](std::string_view text) { take_print(text); };
    constexpr double import_limit = 120;
    request.limit = source_.options_.time_limit;
    request.first_limit = import_limit;
    has_begun_ = has_ended_ = must_restart_ = false;
    failure_.clear();
    current_.clear();
    printed_.clear();
    const std::size_t open_before = open_.size();
    const bool planned_before = is_planned_;
    const Ending ending = run_process(request);
    if (ending.kind == Ending::Kind::interrupted) {
      source_.tell_("interrupted: what was found is kept, and the next run goes on from there");
      std::raise(ending.status);
    }
    if (has_ended_ || must_restart_) {
      if (has_ended_ && !is_planned_) throw Error(ErrorCode::internal, "the bridge told no models");
      // What the bridge was asked for and did not answer would be asked for without an end.
      if (has_ended_) open_.clear();
      return;
    }
    if (!failure_.empty()) return source_.pass_over(failure_);
    if (!has_begun_) return source_.pass_over(silence_text(ending));
    if (!current_.empty()) return blame(ending);
    const bool moved = open_.size() < open_before || planned_before != is_planned_;
    if (!moved) throw_died(ending);
  }

  std::string silence_text(const Ending& ending) const {
    const std::string printed = printed_text(printed_);
    return "does not run the bridge: " + ending.text() + (printed.empty() ? "" : "; " + printed);
  }

  [[noreturn]] void throw_died(const Ending& ending) const {
    throw Error(ErrorCode::unsupported, source_.interpreter_.path + " " + silence_text(ending));
  }

  void take_print(std::string_view text) {
    constexpr std::size_t most = 1 << 16;
    if (printed_.size() < most) printed_ += text.substr(0, most - printed_.size());
  }

  /// Whether to go on.
  bool take_line(std::string_view line) {
    constexpr std::string_view model_event = R"({"event":"model")";
    if (line.starts_with(model_event)) {
      take_model(line);
      return true;
    }
    std::string text(line);
    const JsonDocument document(text);
    const Json& json = document.root();
    const std::string_view event = find_text(json, "event");
    if (event == "begin") return take_begin(json);
    if (event == "start") {
      current_ = find_text(json, "model");
      printed_.clear();
    }
    if (event == "error") {
      failure_ = fmt::format("{}: {}", find_text(json, "reason_code"), find_text(json, "message"));
    }
    if (event == "end") has_ended_ = true;
    return true;
  }

  bool take_begin(const Json& json) {
    has_begun_ = true;
    if (is_planned_ || find_member(json, "models") == nullptr) return true;
    LiveListing listing = source_.blank_listing();
    listing.asked = std::time(nullptr);
    listing.python = find_text(json, "python");
    listing.torch = find_text(json, "torch");
    listing.version = find_text(json, "source_version");
    for (const Json& model : get_array(json, "models").GetArray()) {
      listing.models.push_back(
          {std::string(get_text(model, "name")), std::string(find_text(model, "family")),
           std::string(find_text(model, "task")), std::string(find_text(model, "digest"))});
    }
    std::vector<std::string> files;
    for (const Json& file : get_array(json, "files").GetArray()) files.emplace_back(view_of(file));
    listing.stamps = stamps_of(files);
    source_.listing_ = std::move(listing);
    keep_listing(*source_.listing_, source_.cache_);
    const std::size_t asked =
        setup_.first.empty() ? source_.listing_->models.size() : setup_.first.size();
    make_plan();
    must_restart_ = open_.size() != asked;
    return !must_restart_;
  }

  void take_model(std::string_view line) {
    const auto open = std::find_if(open_.begin(), open_.end(),
                                   [&](const Open& each) { return each.request.name == current_; });
    current_.clear();
    if (open == open_.end()) return;
    Finding finding = source_.blank_finding(*source_.listing_->find(open->request.name));
    const std::string key = open->key;
    open_.erase(open);
    answer(finding, line, key);
  }

  /// The model that was under way when the interpreter died or was silent is the culprit.
  void blame(const Ending& ending) {
    const std::string name = std::exchange(current_, {});
    const auto open = std::find_if(open_.begin(), open_.end(),
                                   [&](const Open& each) { return each.request.name == name; });
    if (open == open_.end()) throw_died(ending);
    Finding finding = source_.blank_finding(*source_.listing_->find(name));
    finding.status = Status::failed;
    const bool is_silent = ending.kind == Ending::Kind::silent;
    finding.reason = is_silent ? "time_limit" : "crash";
    if (is_silent) finding.seconds = source_.options_.time_limit;
    finding.message = is_silent
                          ? fmt::format("no answer within {:g} s", source_.options_.time_limit)
                          : "the interpreter died: " + ending.text();
    const std::string printed = printed_text(printed_);
    if (!printed.empty()) finding.message += "; " + printed;
    const std::string key = open->key;
    open_.erase(open);
    keep(finding, key);
    setup_.done(finding, {});
  }

  LiveSource& source_;
  Setup setup_;
  Graph& graph_;
  ImportNotes& notes_;
  std::vector<Open> open_;
  bool is_planned_ = false;
  bool has_begun_ = false, has_ended_ = false, must_restart_ = false;
  std::string current_, printed_, failure_, buffer_;
};

// -- the interpreter and what it has ------------------------------------------------------------

LiveSource::LiveSource(LiveOptions options, const Registry& registry, Cache& cache, Tell tell)
    : options_(std::move(options)),
      registry_(registry),
      cache_(cache),
      tell_(std::move(tell)) {
  std::string given = options_.python;
  const char* variable = std::getenv("ZOOMETER_PYTHON");
  if (given.empty() && variable != nullptr) given = variable;
  if (given.empty()) given = registry.python();
  candidates_ = interpreter_candidates(given);
}

std::string LiveSource::name() const {
  return options_.module.empty() ? "torchvision" : "python:" + options_.module;
}

void LiveSource::choose_interpreter() {
  if (!interpreter_.path.empty()) return;
  for (; candidate_ < candidates_.size(); ++candidate_) {
    Interpreter found =
        examine_interpreter(candidates_[candidate_], options_.module.empty(), cache_);
    if (found.problem.empty()) {
      interpreter_ = std::move(found);
      return;
    }
    passed_over_.push_back(found.path + " " + found.problem);
  }
  Error error(ErrorCode::unsupported,
              candidates_.empty()
                  ? "there is no Python on the PATH"
                  : "no Python can be taken: " + fmt::format("{}", fmt::join(passed_over_, "; ")));
  error.place.model = name();
  error.hint = options_.module.empty()
                   ? "install torch and torchvision, or name the interpreter that has them with "
                     "--python PATH"
                   : "install torch, or name the interpreter that has it with --python PATH";
  throw error;
}

void LiveSource::pass_over(const std::string& problem) {
  passed_over_.push_back(interpreter_.path + " " + problem);
  interpreter_ = {};
  listing_.reset();
  ++candidate_;
  choose_interpreter();
}

std::string LiveSource::scope() const {
  return fmt::format("torch {}\npython {}\nbridge {}", listing_->torch, listing_->python,
                     bridge_version());
}

std::string LiveSource::taken_text() const {
  std::string text =
      fmt::format("{}: Python {}, torch {}", listing_->path, listing_->python, listing_->torch);
  if (options_.module.empty()) text += ", torchvision " + listing_->version;
  if (!passed_over_.empty()) text += fmt::format(" ({})", fmt::join(passed_over_, "; "));
  return text;
}

LiveListing LiveSource::blank_listing() const {
  LiveListing listing;
  listing.source = name();
  std::error_code none;
  if (!options_.module.empty()) listing.folder = std::filesystem::current_path(none).string();
  listing.path = interpreter_.path;
  listing.identity = interpreter_.identity;
  return listing;
}

// -- discovery ----------------------------------------------------------------------------------

LiveRequest LiveSource::standard_request(const std::string& model) const {
  LiveRequest request;
  request.name = model;
  const RegistryModel* known = options_.module.empty() ? registry_.find(model) : nullptr;
  if (known == nullptr || known->builtin == nullptr) return request;
  for (const InputSpec& input : default_inputs(*known->builtin, request.variant).list())
    request.inputs.push_back({std::string(input.name), input.shape, input.dtype});
  return request;
}

Finding LiveSource::blank_finding(const LiveModel& model) const {
  Finding finding;
  finding.name = model.name;
  finding.family = model.family;
  finding.task = model.task;
  const RegistryModel* known = options_.module.empty() ? registry_.find(model.name) : nullptr;
  if (known != nullptr && known->builtin != nullptr) {
    finding.family = known->family;
    finding.task = name_of(known->task);
  }
  return finding;
}

void LiveSource::ask(const DiscoveryOptions& options, bool is_whole, const Visit& visit) {
  std::size_t wanted = 0;
  Graph graph;
  ImportNotes notes;
  Run::Setup setup;
  setup.needs = is_whole ? Run::Needs::record : Run::Needs::verdict;
  const auto is_pattern = [](const std::string& word) {
    return word.find_first_of("*?") != std::string::npos;
  };
  if (std::none_of(options.patterns.begin(), options.patterns.end(), is_pattern))
    setup.first = options.patterns;
  for (const RegistryModel& model : registry_.models()) {
    if (model.builtin != nullptr) setup.inputs.push_back(standard_request(std::string(model.name)));
  }
  setup.plan = [&](const LiveListing& listing) {
    std::vector<LiveRequest> requests;
    std::vector<Finding> skipped;
    for (const LiveModel& model : listing.models) {
      if (!options.wants(model.name)) continue;
      ++wanted;
      const std::string* pattern = skip_pattern_of(model.name, options.skip_patterns);
      if (pattern == nullptr) {
        requests.push_back(standard_request(model.name));
        continue;
      }
      skipped.push_back(blank_finding(model));
      skipped.back().status = Status::skipped;
      skipped.back().reason = "skip_pattern";
      skipped.back().message = *pattern;
    }
    for (const Finding& finding : skipped) visit({finding, {}, graph, wanted});
    return requests;
  };
  setup.done = [&](Finding& finding, const FxRecord& record) {
    visit({finding, record, graph, wanted});
  };
  Run(*this, std::move(setup), graph, notes).go();
  if (wanted == 0 && !options.patterns.empty()) throw_unknown(options.patterns.front());
}

Discovery LiveSource::discover(const DiscoveryOptions& options, const Progress& progress) {
  Discovery discovery;
  discovery.source = name();
  ask(options, false, [&](const Answer& answer) {
    if (progress) progress(answer.finding, answer.total);
    discovery.findings.push_back(answer.finding);
  });
  std::sort(discovery.findings.begin(), discovery.findings.end(),
            [](const Finding& a, const Finding& b) { return natural_less(a.name, b.name); });
  discovery.source_version = listing_->version;
  discovery.notes.push_back(taken_text());
  if (options.patterns.empty() && options.skip_patterns.empty()) tell_changes(discovery);
  return discovery;
}

void LiveSource::visit(const DiscoveryOptions& options, const Visit& visit) {
  ask(options, true, visit);
}

std::vector<LiveModel> LiveSource::models() const {
  return listing_ ? listing_->models : std::vector<LiveModel>();
}

void LiveSource::throw_unknown(const std::string& model) const {
  std::vector<std::string_view> names;
  for (const LiveModel& each : listing_->models) names.push_back(each.name);
  Error error(ErrorCode::unknown_name, fmt::format("{} {} has no model {}", name(),
                                                   listing_->version, escape_controls(model)));
  error.hint = did_you_mean(model, names);
  throw error;
}

namespace {

using Structures = std::map<std::string, std::string>;  ///< by model

/// What is kept of a source for the next time: versions, then models with their structures.
constexpr std::size_t snapshot_heads = 2;

Structures structures_of(const std::vector<std::string>& snapshot) {
  Structures result;
  for (std::size_t i = snapshot_heads; i + 1 < snapshot.size(); i += 2)
    result[snapshot[i]] = snapshot[i + 1];
  return result;
}

std::string change_text(const std::string& before, const std::string& now) {
  const std::string metrics = now.substr(0, now.find('\n'));
  const std::string old_metrics = before.substr(0, before.find('\n'));
  if (metrics == old_metrics) return "names or shapes in its state dict";
  return metrics + ", before " + old_metrics;
}

std::vector<std::string> changes(const Structures& before, const Structures& now) {
  std::vector<std::string> notes;
  for (const auto& [model, structure] : now) {
    const auto old = before.find(model);
    if (old == before.end()) {
      notes.push_back(model + " appeared");
    } else if (old->second != structure) {
      notes.push_back(model + " changed: " + change_text(old->second, structure));
    }
  }
  for (const auto& [model, structure] : before) {
    if (!now.contains(model)) notes.push_back(model + " vanished");
  }
  return notes;
}

}  // namespace

void LiveSource::tell_changes(Discovery& discovery) {
  const std::string scope = pack({name(), listing_->folder, "2"});
  std::vector<std::string> now = {listing_->version, listing_->torch};
  for (const Finding& finding : discovery.findings) {
    now.push_back(finding.name);
    now.push_back(finding.structure);
  }
  const auto value = cache_.get("snapshot", scope, interpreter_.path);
  const auto before = value ? unpack(*value) : std::nullopt;
  if (before && *before == now) return;
  cache_.put("snapshot", scope, interpreter_.path, pack(now));
  if (!before || before->size() < snapshot_heads) return;
  discovery.notes.push_back(fmt::format("{} {} with torch {} was {} with torch {} the last time",
                                        name(), now[0], now[1], (*before)[0], (*before)[1]));
  for (std::string& note : changes(structures_of(*before), structures_of(now)))
    discovery.notes.push_back(std::move(note));
}

FxRecord LiveSource::load(const LiveRequest& request, Graph& graph, ImportNotes& notes) {
  FxRecord record;
  Finding result;
  bool is_answered = false;
  Run::Setup setup;
  setup.first = {request.name};
  setup.variant = request.variant;
  setup.inputs = {request};
  setup.needs = Run::Needs::graph;
  setup.plan = [&](const LiveListing& listing) {
    return listing.find(request.name) == nullptr ? std::vector<LiveRequest>()
                                                 : std::vector{request};
  };
  setup.done = [&](Finding& finding, const FxRecord& answer) {
    result = finding;
    record = answer;
    is_answered = true;
  };
  Run(*this, std::move(setup), graph, notes).go();
  if (!is_answered) throw_unknown(request.name);
  if (result.status != Status::traceable) {
    Error error(ErrorCode::unsupported, result.reason + ": " + result.message);
    error.place = {name() + ":" + request.name, result.module_path, result.op, std::nullopt};
    error.hint = advice_for(result.reason);
    throw error;
  }
  notes.producer = "torch " + listing_->torch + " in " + listing_->path;
  return record;
}

}  // namespace zoometer
