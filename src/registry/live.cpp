#include "registry/live.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iterator>

#include "registry/bridge_process.hpp"
#include "registry/cache_value.hpp"
#include "registry/file_stamp.hpp"
#include "registry/live_changes.hpp"
#include "util/json_writer.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

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

}  // namespace

/// Traces what the cache does not have, in as many runs of the bridge as it takes.
class LiveSource::Run {
 public:
  struct Setup {
    /// What to trace, once the models of the source are known.
    std::function<std::vector<LiveRequest>(const LiveListing& listing)> plan;
    /// Called with each answer.
    std::function<void(Finding& finding, const FxRecord& record)> done;
    std::vector<std::string> first;  ///< models to ask for until then; empty: all
    Variant variant = Variant::untrained;
    std::vector<LiveRequest> inputs;  ///< input sizes by model
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
    while (!answers_ || !open_.empty()) once();
  }

 private:
  /// A request without an answer yet.
  struct Open {
    LiveRequest request;
    std::string key;  ///< in the cache; empty: not kept
  };

  void make_plan() {
    answers_.emplace(source_.cache_, source_.scope(), source_.options_.time_limit, graph_, notes_);
    for (LiveRequest& request : setup_.plan(*source_.listing_)) {
      const LiveModel& model = *source_.listing_->find(request.name);
      std::string key;
      if (!model.digest.empty()) {
        key = pack({request.name, model.digest, std::string(name_of(request.variant)),
                    inputs_key(request.inputs)});
      }
      Finding finding = source_.blank_finding(model);
      if (const auto record = answers_->recall(key, setup_.needs, finding)) {
        setup_.done(finding, *record);
      } else {
        open_.push_back({std::move(request), std::move(key)});
      }
    }
  }

  std::string inputs_json() const {
    JsonWriter json;
    json.object([&] {
      for (const LiveRequest& request : setup_.inputs) {
        if (!request.inputs.empty()) write_inputs(json, request);
      }
    });
    return json.text();
  }

  std::vector<std::string> models_to_ask() const {
    if (!answers_) return setup_.first;
    std::vector<std::string> models;
    for (const Open& open : open_) models.push_back(open.request.name);
    return models;
  }

  /// Runs the bridge once, and decides what to do after it.
  void once() {
    const std::size_t open_before = open_.size();
    const bool was_planned = answers_.has_value();
    const BridgeRun run =
        run_bridge({source_.interpreter_.path, source_.options_.module, models_to_ask(),
                    setup_.variant, inputs_json(), source_.options_.time_limit},
                   {[&](const Json& json) { return take_begin(json); },
                    [&](const BridgeAnswer& answer) { take_answer(answer); }});
    if (run.ending.kind == Ending::Kind::interrupted) {
      source_.notify_(
          "interrupted: the results so far are kept, and the next run continues from them");
      std::raise(run.ending.status);
    }
    if (run.is_complete && !answers_)
      throw Error(ErrorCode::internal, "the bridge reported no models");
    if (run.is_complete) open_.clear();  // asking again for what was not answered would never end
    if (run.is_complete || run.was_stopped) return;
    if (!run.failure.empty()) return pass_over(run.failure);
    if (!run.has_begun) return pass_over(failure_text(run));
    if (!run.current.empty()) return blame(run);
    const bool moved = open_.size() < open_before || was_planned != answers_.has_value();
    if (!moved) throw_died(run);
  }

  /// Continues with the next interpreter, whose models may be different.
  void pass_over(const std::string& problem) {
    source_.pass_over(problem);
    answers_.reset();
    open_.clear();
  }

  static std::string failure_text(const BridgeRun& run) {
    const std::string printed = summary_of_print(run.printed);
    return "cannot run the bridge: " + run.ending.text() + (printed.empty() ? "" : "; " + printed);
  }

  [[noreturn]] void throw_died(const BridgeRun& run) const {
    throw Error(ErrorCode::unsupported, source_.interpreter_.path + " " + failure_text(run));
  }

  /// Takes the list of models, if it was unknown. False where other models must be asked for.
  bool take_begin(const Json& json) {
    if (answers_ || find_member(json, "models") == nullptr) return true;
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
    return open_.size() == asked;
  }

  /// Removes and returns the open request for a model; nothing if there is none.
  std::optional<Open> close(const std::string& model) {
    const auto found = std::find_if(open_.begin(), open_.end(),
                                    [&](const Open& each) { return each.request.name == model; });
    if (found == open_.end()) return std::nullopt;
    Open open = std::move(*found);
    open_.erase(found);
    return open;
  }

  void take_answer(const BridgeAnswer& answer) {
    const std::optional<Open> open = close(answer.model);
    if (!open) return;
    Finding finding = source_.blank_finding(*source_.listing_->find(answer.model));
    const FxRecord record = answers_->add(open->key, answer, finding);
    setup_.done(finding, record);
  }

  /// Blames the model that was being traced when the interpreter died or took too long.
  void blame(const BridgeRun& run) {
    const std::optional<Open> open = close(run.current);
    if (!open) throw_died(run);
    Finding finding = source_.blank_finding(*source_.listing_->find(run.current));
    finding.status = Status::failed;
    if (run.ending.kind == Ending::Kind::silent) {
      finding.reason = "time_limit";
      finding.seconds = source_.options_.time_limit;
      finding.message = fmt::format("no answer within {:g} s", source_.options_.time_limit);
    } else {
      finding.reason = "crash";
      finding.message = "the interpreter died: " + run.ending.text();
    }
    const std::string printed = summary_of_print(run.printed);
    if (!printed.empty()) finding.message += "; " + printed;
    answers_->keep(open->key, finding);
    setup_.done(finding, {});
  }

  LiveSource& source_;
  Setup setup_;
  Graph& graph_;
  ImportNotes& notes_;
  std::optional<LiveAnswers> answers_;  // once the models of the source are known
  std::vector<Open> open_;
};

// -- the interpreter and its models ------------------------------------------------------------

LiveSource::LiveSource(LiveOptions options, const Registry& registry, Cache& cache, Notify notify)
    : options_(std::move(options)),
      registry_(registry),
      cache_(cache),
      notify_(std::move(notify)) {
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
                  ? "no Python on the PATH"
                  : "no usable Python: " + fmt::format("{}", fmt::join(passed_over_, "; ")));
  error.place.model = name();
  error.hint = options_.module.empty()
                   ? "install torch and torchvision, or choose an interpreter that has them with "
                     "--python PATH"
                   : "install torch, or choose an interpreter that has it with --python PATH";
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

void LiveSource::ask(const DiscoveryOptions& options, Needs needs, const Visit& visit) {
  std::size_t wanted = 0;
  Graph graph;
  ImportNotes notes;
  Run::Setup setup;
  setup.needs = needs;
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
  ask(options, Needs::verdict, [&](const Answer& answer) {
    if (progress) progress(answer.finding, answer.total);
    discovery.findings.push_back(answer.finding);
  });
  std::sort(discovery.findings.begin(), discovery.findings.end(),
            [](const Finding& a, const Finding& b) { return natural_less(a.name, b.name); });
  discovery.source_version = listing_->version;
  discovery.notes.push_back(taken_text());
  if (options.patterns.empty() && options.skip_patterns.empty()) {
    for (std::string& change : live_changes(*listing_, discovery.findings, cache_))
      discovery.notes.push_back(std::move(change));
  }
  return discovery;
}

void LiveSource::visit(const DiscoveryOptions& options, const Visit& visit) {
  ask(options, Needs::record, visit);
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

FxRecord LiveSource::load(const LiveRequest& request, Graph& graph, ImportNotes& notes) {
  FxRecord record;
  Finding result;
  bool is_answered = false;
  Run::Setup setup;
  setup.first = {request.name};
  setup.variant = request.variant;
  setup.inputs = {request};
  setup.needs = Needs::graph;
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
