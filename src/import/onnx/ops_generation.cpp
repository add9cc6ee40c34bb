// com.microsoft BeamSearch, GreedySearch and Sampling: subgraphs that make one token after another.
#include <algorithm>

#include "import/onnx/loop_run.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

/// Values by the names that the subgraphs give them: "present_key_self_0".
using NamedValues = std::vector<std::pair<std::string_view, OnnxValue>>;

const OnnxValue* find(const NamedValues& values, std::string_view name) {
  const auto found = std::ranges::find(values, name, [](const auto& value) { return value.first; });
  return found == values.end() ? nullptr : &found->second;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// A search: its subgraphs are called as ONNX Runtime's contrib operators call them, with inputs
/// that their names describe (github.com/microsoft/onnxruntime, docs/ContribOperators.md).
class Generation {
 public:
  Generation(OnnxContext& context, std::int64_t beams)
      : context_(context),
        reader_(context.reader()),
        beams_(beams) {
    const Shape& prompt = context.shape(0);
    context.require(prompt.rank() >= 2, "a prompt of rank 2 or more");
    batch_ = prompt.dim(0);
    length_ = prompt.dim(1);
    rows_ = checked_mul(batch_, beams);
  }

  /// Reads the subgraphs. The number of steps is an option.
  std::int64_t read() {
    const OnnxGraph decoder = body_of(context_, "decoder");
    NamedValues before;
    std::int64_t past = 0;
    if (context_.attribute("encoder") != nullptr) {
      before = run_encoder(body_of(context_, "encoder"));
    } else {
      const bool has_own = context_.attribute("init_decoder") != nullptr;
      before = run_prompt(has_own ? body_of(context_, "init_decoder") : decoder, decoder);
      past = length_;
    }
    const std::string name(loop_name(context_.node()));
    const std::optional<std::int64_t> given = reader_.given().trips(name);
    const std::int64_t steps = given.value_or(1);
    if (!given) {
      context_.note("the " + std::string(context_.node().op_type) + " " + in_quotes(name) +
                    ": its figures are of the prompt and one step of the decoder; set the number "
                    "of steps with --trips " +
                    name + "=N");
    }
    run_steps(decoder, before, past, steps);
    return past + steps;
  }

  std::int64_t batch() const noexcept { return batch_; }
  std::int64_t vocabulary() const noexcept { return vocabulary_; }
  std::int64_t length() const noexcept { return length_; }

 private:
  OnnxType type_of(const OnnxValueInfo& info) const { return reader_.records().type(info.type); }
  DType dtype_of(const OnnxValueInfo& info) const {
    const DType dtype = type_of(info).dtype;
    return dtype == DType::unknown ? DType::int32 : dtype;
  }
  OnnxValue numbers(const OnnxValueInfo& info, const Shape& shape) {
    return tensor_value(full(context_.graph(), shape, 0, dtype_of(info)));
  }

  /// A cache of no tokens: the sizes that are declared, with the batch before the heads.
  OnnxValue empty_cache(const OnnxValueInfo& info) {
    const OnnxType type = type_of(info);
    Shape shape;
    const std::size_t batch_axis = type.rank == 5 ? 1 : 0;  // keys and values may be one tensor
    for (std::size_t i = 0; i < type.rank; ++i) {
      const OnnxDimension& dimension = type.dimensions[i];
      std::int64_t size = dimension.value >= 0 ? dimension.value : 0;
      if (i == batch_axis && dimension.value < 0) size = rows_;
      shape.push_back(size);
    }
    return numbers(info, shape);
  }

  /// The values for a subgraph's inputs of so many new tokens after `past` others.
  OnnxValueList inputs_of(const OnnxGraph& graph, const NamedValues& before,
                          const OnnxValue& tokens, std::int64_t count, std::int64_t past) {
    OnnxValueList inputs;
    for (const OnnxValueInfo& info : graph.inputs) {
      const std::string_view name = info.name;
      if (const OnnxValue* value = find(before, name)) {
        inputs.push_back(*value);
      } else if (contains(name, "past")) {
        const std::string present = "present" + std::string(name.substr(name.find("past") + 4));
        const OnnxValue* state = find(before, present);
        inputs.push_back(state != nullptr ? *state : empty_cache(info));
      } else if (contains(name, "encoder") && contains(name, "mask")) {
        inputs.push_back(numbers(info, {rows_, length_}));
      } else if (contains(name, "mask")) {
        inputs.push_back(numbers(info, {rows_, checked_add(past, count)}));
      } else if (contains(name, "ids") && !contains(name, "position")) {
        inputs.push_back(tokens);
      } else {
        inputs.push_back(numbers(info, {rows_, count}));
      }
    }
    return inputs;
  }

  /// What a subgraph gives, by name. Its first output is the logits.
  NamedValues call(const OnnxGraph& graph, const OnnxValueList& inputs) {
    const OnnxValueList outputs = reader_.run_subgraph(graph, context_.frame(), inputs);
    NamedValues named;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      named.emplace_back(graph.outputs[i].name, outputs[i]);
    if (!outputs.empty() && outputs[0].is_tensor() && reader_.shape_of(outputs[0]).rank() > 0)
      vocabulary_ = reader_.shape_of(outputs[0]).dim(-1);
    return named;
  }

  /// The encoder reads the prompt once for all beams, and may take the decoder's first step.
  NamedValues run_encoder(const OnnxGraph& graph) {
    OnnxValueList inputs;
    for (const OnnxValueInfo& info : graph.inputs) {
      const bool is_prompt = inputs.empty();
      const bool is_mask = contains(info.name, "mask");
      inputs.push_back(is_prompt ? context_.value(0)
                                 : numbers(info, {batch_, is_mask ? length_ : 1}));
    }
    NamedValues outputs = call(graph, inputs);
    for (auto& [name, value] : outputs) value = for_beams(value);
    return outputs;
  }

  /// Copies what was computed for each prompt, for each of its beams.
  OnnxValue for_beams(const OnnxValue& value) {
    if (beams_ == 1 || !value.is_tensor() || value.shapeless) return value;
    const Tensor x{&context_.graph(), reader_.enter(value, OnnxReader::Role::data, "present")};
    if (x.rank() == 0) return value;
    const std::int64_t batch_axis = x.rank() == 5 ? 1 : 0;  // keys and values may be one tensor
    Ints times;
    for (std::int64_t i = 0; i < x.rank(); ++i) times.push_back(i == batch_axis ? beams_ : 1);
    return tensor_value(repeat(x, times));
  }

  /// The decoder reads the whole prompt in one step.
  NamedValues run_prompt(const OnnxGraph& graph, const OnnxGraph& decoder) {
    const OnnxValue tokens = for_beams(context_.value(0));
    NamedValues outputs = call(graph, inputs_of(graph, {}, tokens, length_, 0));
    // Names of another graph's outputs are in the same order.
    for (std::size_t i = 0; i < std::min(outputs.size(), decoder.outputs.size()); ++i)
      outputs[i].first = decoder.outputs[i].name;
    return outputs;
  }

  void run_steps(const OnnxGraph& decoder, const NamedValues& before, std::int64_t past,
                 std::int64_t steps) {
    const auto is_state = [](std::string_view name) { return contains(name, "present"); };
    // The decoder gives some of the states that it takes again; the others stay as they are.
    std::vector<std::string_view> names;
    OnnxValueList states;
    NamedValues fixed;
    for (const auto& [name, value] : before) {
      const bool is_given_again =
          is_state(name) &&
          std::ranges::find(decoder.outputs, name, &OnnxValueInfo::name) != decoder.outputs.end();
      if (is_given_again) {
        names.push_back(name);
        states.push_back(value);
      } else if (name != decoder.outputs[0].name) {
        fixed.emplace_back(name, value);
      }
    }
    for (const OnnxValueInfo& info : decoder.outputs) {
      if (!is_state(info.name) || find(before, info.name) != nullptr) continue;
      const std::string taken =
          "past" + std::string(info.name.substr(info.name.find("present") + 7));
      const auto input = std::ranges::find_if(
          decoder.inputs, [&](const OnnxValueInfo& other) { return contains(other.name, taken); });
      if (input == decoder.inputs.end()) continue;
      names.push_back(info.name);
      states.push_back(empty_cache(*input));
    }
    LoopRun run(
        context_, reader_.units(decoder),
        [&](std::optional<std::int64_t> number, const OnnxValueList& own) {
          NamedValues known = fixed;
          for (std::size_t i = 0; i < names.size(); ++i) known.emplace_back(names[i], own[i]);
          const OnnxValue tokens =
              tensor_value(full(context_.graph(), {rows_, 1}, 0, dtype_of(decoder.inputs[0])));
          const NamedValues outputs = call(
              decoder, inputs_of(decoder, known, tokens, 1, checked_add(past, number.value_or(0))));
          OnnxIteration iteration;
          for (const std::string_view name : names)
            iteration.states.push_back(*find(outputs, name));
          return iteration;
        });
    run.run(steps, states);
  }

  OnnxContext& context_;
  OnnxReader& reader_;
  std::int64_t beams_;
  std::int64_t batch_ = 1;
  std::int64_t length_ = 1;
  std::int64_t rows_ = 1;  // of all beams
  std::int64_t vocabulary_ = 1;
};

/// The length of the sequences that come out: an input says so, else the steps do.
std::int64_t output_length(OnnxContext& context, std::int64_t counted) {
  const std::optional<std::int64_t> most = context.has(1) ? context.integer(1) : std::nullopt;
  if (most) return std::max<std::int64_t>(*most, 1);
  context.take_unknown(1);
  return std::max<std::int64_t>(counted, 1);
}

/// A number that an input gives; 1 where it depends on data.
std::int64_t count_in(OnnxContext& context, std::size_t index) {
  if (!context.has(index)) return 1;
  const std::optional<std::int64_t> count = context.integer(index);
  context.take_unknown(index);
  if (!count)
    context.note(
        "a number of beams or sequences that data decides is taken as 1; set it with --value");
  return std::clamp<std::int64_t>(count.value_or(1), 1, 65535);
}

OnnxOutcome emit_beam_search(OnnxContext& context) {
  const std::int64_t beams = count_in(context, 3);
  const std::int64_t returned = count_in(context, 4);
  Generation generation(context, beams);
  const std::int64_t length = output_length(context, generation.read());
  Graph& graph = context.graph();
  context.out(0, full(graph, {generation.batch(), returned, length}, 0, DType::int32));
  if (context.wants(1))
    context.out(1, full(graph, {generation.batch(), returned}, 0, DType::float32));
  if (context.wants(2)) {
    const std::int64_t made = std::max<std::int64_t>(0, length - generation.length());
    context.out(2, full(graph, {made, generation.batch(), beams, generation.vocabulary()}, 0,
                        DType::float32));
  }
  return OnnxOutcome::done;
}

OnnxOutcome emit_greedy_search(OnnxContext& context) {
  Generation generation(context, 1);
  const std::int64_t length = output_length(context, generation.read());
  Graph& graph = context.graph();
  context.out(0, full(graph, {generation.batch(), length}, 0, DType::int32));
  if (context.wants(1)) {
    context.out(1, full(graph, {generation.batch(), generation.vocabulary()}, 0, DType::float32));
  }
  return OnnxOutcome::done;
}

using enum Meaning;

constexpr NoEffect search_no_effect[] = {
    {"inputs", "how tokens are chosen, which costs little beside the decoder"},
    {"custom", "how tokens are chosen"},
    {"decoder_start_token_id", "a token"},
    {"early_stopping", "when the search ends: the number of steps is an option"},
    {"eos_token_id", "a token"},
    {"filter_value", "how tokens are chosen"},
    {"min_tokens_to_keep", "how tokens are chosen"},
    {"model_type", "the subgraphs show it"},
    {"no_repeat_ngram_size", "how tokens are chosen"},
    {"pad_token_id", "a token"},
    {"presence_penalty", "how tokens are chosen"},
    {"temperature", "how tokens are chosen"},
    {"top_p", "how tokens are chosen"},
    {"vocab_size", "the logits have it"},
};

constexpr OnnxOperator generation_rows[] = {
    {"BeamSearch", same_cost, emit_beam_search, {.no_effect = search_no_effect}},
    {"GreedySearch", same_cost, emit_greedy_search, {.no_effect = search_no_effect}},
    {"Sampling", same_cost, emit_greedy_search, {.no_effect = search_no_effect}},
    {"WhisperBeamSearch", same_cost, emit_beam_search, {.no_effect = search_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_generation_operators = {"com.microsoft", generation_rows};

}  // namespace zoometer
