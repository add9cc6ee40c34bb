// Single calls of ATen operators, compared with figures derived by hand: multiply-accumulates, all
// FLOPs, and results of the shapes that the program declares.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "analysis/profile.hpp"
#include "bench.hpp"
#include "import/importer.hpp"
#include "import/torch/aten.hpp"
#include "program_text.hpp"
#include "zip_writer.hpp"

namespace zoometer {
namespace {

using testing::bytes_of;
using ::testing::IsEmpty;
using testing::ProgramText;
using testing::ZipWriter;

// PyTorch's codes of element types.
constexpr int int64_code = 5;
constexpr int float32_code = 7;
constexpr int complex64_code = 10;
constexpr int boolean_code = 12;

/// A tensor of a program: its sizes as "2,3" and its element type.
struct Declared {
  std::string sizes;
  int dtype = float32_code;
};

/// Inputs are named a, b, c, ...
struct Operator {
  std::string target;  ///< "lstm.input", or whole with a namespace and two colons
  std::vector<Declared> inputs;
  std::vector<std::string> arguments;
  std::vector<Declared> results;
  std::int64_t macs = 0;
  std::int64_t others = 0;  ///< FLOPs without the MACs
};

void PrintTo(const Operator& op, std::ostream* out) { *out << op.target; }

std::string letter(char first, std::size_t index) {
  return {static_cast<char>(first + static_cast<int>(index))};
}

std::string program_of(const Operator& op) {
  ProgramText program;
  for (std::size_t i = 0; i < op.inputs.size(); ++i)
    program.input(letter('a', i), op.inputs[i].sizes, op.inputs[i].dtype);
  std::string results;
  for (std::size_t i = 0; i < op.results.size(); ++i) {
    if (i > 0) results += ",";
    results += "{\"as_tensor\":{\"name\":\"" + letter('r', i) + "\"}}";
  }
  const std::size_t colons = op.target.find("::");
  const std::string target = colons == std::string::npos
                                 ? "aten." + op.target
                                 : op.target.substr(0, colons) + "." + op.target.substr(colons + 2);
  program.raw_node("torch.ops." + target, op.arguments, results);
  for (std::size_t i = 0; i < op.results.size(); ++i) {
    program.value(letter('r', i), op.results[i].sizes, op.results[i].dtype);
    program.output(letter('r', i));
  }
  return program.str();
}

ImportNotes read(const Operator& op, Graph& graph) {
  ZipWriter writer;
  writer.add("root/archive_format", "pt2");
  writer.add("root/models/model.json", program_of(op));
  const std::string archive = writer.finish();
  const MappedFile file("test.pt2", bytes_of(archive));
  return import_file(file, {}, graph);
}

class TranslatedOperator : public ::testing::TestWithParam<Operator> {};

/// A note would report a shape other than the declared one, or an argument that was not read; the
/// coverage, an operator without translation.
TEST_P(TranslatedOperator, CostsAreThoseOfItsDefinition) {
  const Operator& op = GetParam();
  Graph graph;
  const ImportNotes notes = read(op, graph);
  EXPECT_THAT(notes.notes, IsEmpty());
  EXPECT_THAT(notes.ignored, IsEmpty());
  const Profile metrics = profile(graph);
  EXPECT_TRUE(metrics.coverage.unknown.empty());
  EXPECT_EQ(metrics.total.macs, op.macs);
  EXPECT_EQ(metrics.total.flops - 2 * metrics.total.macs, op.others);
}

std::string test_name(const ::testing::TestParamInfo<Operator>& info) {
  std::string name = std::to_string(info.index) + "_";
  for (const char c : info.param.target) name += std::isalnum(c) != 0 ? c : '_';
  return name;
}

#define ATEN_OPERATORS(suite, ...)                                                                 \
  INSTANTIATE_TEST_SUITE_P(suite, TranslatedOperator, ::testing::ValuesIn(__VA_ARGS__), test_name)

// -- recurrent layers -----------------------------------------------------------------------------

const std::string plain_layer = "bidirectional=b(false)";
const std::string one_layer = "num_layers=i(1)";
const std::string with_biases = "has_biases=b(true)";

// Per hidden unit, step and sequence: a sum of both products and two biases for each gate, and the
// gates themselves: 18 of an LSTM, 14 of a GRU, one tanh.
const Operator recurrent[] = {
    // 2 directions of 2 layers; torch counts 4 gates x (16 + 32) and x (64 + 32) inputs of a unit.
    {"lstm.input",
     {{"2,7,16"}, {"4,2,32"}, {"4,2,32"}, {"128,16"}, {"128,32"}, {"128"}, {"128,64"}},
     {"input=T(a)", "hx=L(b,c)", "params=L(d,e,f,f,d,e,f,f,g,e,f,f,g,e,f,f)", with_biases,
      "num_layers=i(2)", "bidirectional=b(true)", "batch_first=b(true)"},
     {{"2,7,64"}, {"4,2,32"}, {"4,2,32"}},
     2 * 7 * 2 * 128 * (48 + 96),
     2 * (2 * 7 * 2 * 32) * (4 + 8 + 18)},
    // torch's flop counter says 93184 for this projection of 32 units to 8 numbers.
    {"lstm.input",
     {{"7,2,16"}, {"1,2,8"}, {"1,2,32"}, {"128,16"}, {"128,8"}, {"128"}, {"8,32"}},
     {"input=T(a)", "hx=L(b,c)", "params=L(d,e,f,f,g)", with_biases, one_layer, plain_layer},
     {{"7,2,8"}, {"1,1,2,8"}, {"1,1,2,32"}},
     93'184 / 2,
     7 * 2 * 32 * (4 + 8 + 18)},
    {"lstm.data",
     {{"9,16"}, {"4", int64_code}, {"1,3,32"}, {"128,16"}, {"128,32"}},
     {"data=T(a)", "batch_sizes=T(b)", "hx=L(c,c)", "params=L(d,e)", "has_biases=b(false)",
      one_layer, plain_layer},
     {{"9,32"}},
     9 * 128 * 48,
     9 * 32 * (4 + 18)},
    {"lstm_cell.default",
     {{"2,16"}, {"2,32"}, {"128,16"}, {"128,32"}, {"128"}},
     {"input=T(a)", "hx=L(b,b)", "w_ih=T(c)", "w_hh=T(d)", "b_ih=T(e)", "b_hh=T(e)"},
     {{"2,32"}, {"2,32"}},
     2 * 128 * 48,
     2 * 32 * (4 + 8 + 18)},
    // torch's flop counter: 301056.
    {"gru.input",
     {{"7,2,16"}, {"2,2,32"}, {"96,16"}, {"96,32"}, {"96"}},
     {"input=T(a)", "hx=T(b)", "params=L(c,d,e,e,d,d,e,e)", with_biases, "num_layers=i(2)",
      plain_layer},
     {{"7,2,32"}, {"2,2,32"}},
     301'056 / 2,
     2 * 7 * 2 * 32 * (3 + 6 + 14)},
    // torch's flop counter: 18432.
    {"gru_cell.default",
     {{"2,16"}, {"2,32"}, {"96,16"}, {"96,32"}, {"96"}},
     {"input=T(a)", "hx=T(b)", "w_ih=T(c)", "w_hh=T(d)", "b_ih=T(e)", "b_hh=T(e)"},
     {{"2,32"}},
     18'432 / 2,
     2 * 32 * (3 + 6 + 14)},
    // torch's flop counter: 43008.
    {"rnn_relu.input",
     {{"7,2,16"}, {"1,2,32"}, {"32,16"}, {"32,32"}, {"32"}},
     {"input=T(a)", "hx=T(b)", "params=L(c,d,e,e)", with_biases, one_layer, plain_layer},
     {{"7,2,32"}, {"1,2,32"}},
     43'008 / 2,
     7 * 2 * 32 * (1 + 2 + 1)},
    {"rnn_tanh_cell.default",
     {{"2,16"}, {"2,32"}, {"32,16"}, {"32,32"}},
     {"input=T(a)", "hx=T(b)", "w_ih=T(c)", "w_hh=T(d)"},
     {{"2,32"}},
     2 * 32 * 48,
     2 * 32 * (1 + 1)},
};
ATEN_OPERATORS(Recurrent, recurrent);

// -- signals --------------------------------------------------------------------------------------

// 5 n log2 n for a transform of n complex numbers, half of it where they are real; backwards one
// more for each number that comes out.
const Operator signals[] = {
    {"fft_fft.default", {{"3,8"}}, {"self=T(a)"}, {{"3,8", complex64_code}}, 0, 3 * 60},
    {"fft_ifft.default",
     {{"3,8", complex64_code}},
     {"self=T(a)"},
     {{"3,8", complex64_code}},
     0,
     3 * 120 + 3 * 8 * 2},
    {"fft_rfft2.default",
     {{"1,3,8,8"}},
     {"self=T(a)"},
     {{"1,3,8,5", complex64_code}},
     0,
     3 * (8 * 60 + 5 * 120)},
    {"fft_irfft2.default",
     {{"1,3,8,5", complex64_code}},
     {"self=T(a)"},
     {{"1,3,8,8"}},
     0,
     3 * (5 * 120 + 2 * 8 * 5 + 8 * 60 + 8 * 8)},
    {"fft_fftn.default",
     {{"4,8", complex64_code}},
     {"self=T(a)"},
     {{"4,8", complex64_code}},
     0,
     8 * 40 + 4 * 120},
    {"_fft_r2c.default",
     {{"3,8"}},
     {"self=T(a)", "dim=I(1)", "normalization=i(0)", "onesided=b(true)"},
     {{"3,5", complex64_code}},
     0,
     3 * 60},
    {"_fft_c2r.default",
     {{"3,5", complex64_code}},
     {"self=T(a)", "dim=I(1)", "normalization=i(2)", "last_dim_size=i(8)"},
     {{"3,8"}},
     0,
     3 * (60 + 8)},
    {"_fft_c2c.default",
     {{"3,8", complex64_code}},
     {"self=T(a)", "dim=I(1)", "normalization=i(0)", "forward=b(true)"},
     {{"3,8", complex64_code}},
     0,
     3 * 120},
    // "ortho" and "forward" divide the results of a forward transform: 2 for each complex number.
    {"fft_fft.default",
     {{"3,8"}},
     {"self=T(a)", "norm=S(ortho)"},
     {{"3,8", complex64_code}},
     0,
     3 * 60 + 3 * 8 * 2},
    {"_fft_r2c.default",
     {{"3,8"}},
     {"self=T(a)", "dim=I(1)", "normalization=i(2)", "onesided=b(true)"},
     {{"3,5", complex64_code}},
     0,
     3 * 60 + 3 * 5 * 2},
    // An inverse transform is divided anyway.
    {"fft_ifft.default",
     {{"3,8", complex64_code}},
     {"self=T(a)", "norm=S(ortho)"},
     {{"3,8", complex64_code}},
     0,
     3 * 120 + 3 * 8 * 2},
    {"fft_fftshift.default", {{"3,8"}}, {"self=T(a)"}, {{"3,8"}}, 0, 0},
    {"fft_rfftfreq.default", {}, {"n=i(8)", "d=f(0.5)"}, {{"5"}}, 0, 5},
    // 15 frames of 64 numbers: 2.5 x 64 x 6, and one product with the window for each.
    {"stft.default",
     {{"1,512"}, {"64"}},
     {"self=T(a)", "n_fft=i(64)", "hop_length=i(32)", "window=T(b)", "return_complex=b(true)"},
     {{"1,33,15", complex64_code}},
     0,
     15 * (960 + 64)},
    // A window of 32 ones in the middle of each frame, which is still multiplied.
    {"stft.default",
     {{"1,512"}},
     {"self=T(a)", "n_fft=i(64)", "hop_length=i(32)", "win_length=i(32)", "return_complex=b(true)"},
     {{"1,33,15", complex64_code}},
     0,
     15 * (960 + 64)},
    // 4 frames back, 16 more for the inverse; window; both sums of the overlaps; a quotient.
    {"istft.default",
     {{"1,9,4", complex64_code}, {"16"}},
     {"self=T(a)", "n_fft=i(16)", "window=T(b)", "center=b(true)"},
     {{"1,12"}},
     0,
     4 * (160 + 16) + 64 + 64 + 16 + 64 + 28},
    {"hann_window.default", {}, {"window_length=i(64)"}, {{"64"}}, 0, 64 * 5},
    {"hamming_window.periodic",
     {},
     {"window_length=i(64)", "periodic=b(false)"},
     {{"64"}},
     0,
     64 * 5},
    {"blackman_window.default", {}, {"window_length=i(8)"}, {{"8"}}, 0, 8 * 9},
    {"bartlett_window.default", {}, {"window_length=i(8)"}, {{"8"}}, 0, 8 * 6},
    {"kaiser_window.beta",
     {},
     {"window_length=i(8)", "periodic=b(true)", "beta=f(8.5)"},
     {{"8"}},
     0,
     8 * 10 + 1},
    {"view_as_complex.default", {{"3,2"}}, {"self=T(a)"}, {{"3", complex64_code}}, 0, 0},
    {"view_as_real.default", {{"3", complex64_code}}, {"self=T(a)"}, {{"3,2"}}, 0, 0},
    {"real.default", {{"3", complex64_code}}, {"self=T(a)"}, {{"3"}}, 0, 0},
    {"imag.default", {{"3", complex64_code}}, {"self=T(a)"}, {{"3"}}, 0, 0},
    {"complex.default", {{"3"}, {"3"}}, {"real=T(a)", "imag=T(b)"}, {{"3", complex64_code}}, 0, 0},
    {"polar.default",
     {{"3"}, {"3"}},
     {"abs=T(a)", "angle=T(b)"},
     {{"3", complex64_code}},
     0,
     3 * 4},
    {"angle.default", {{"3", complex64_code}}, {"self=T(a)"}, {{"3"}}, 0, 3},
    {"conj_physical.default",
     {{"3", complex64_code}},
     {"self=T(a)"},
     {{"3", complex64_code}},
     0,
     3},
};
ATEN_OPERATORS(Signals, signals);

// -- losses and distances -------------------------------------------------------------------------

const Operator losses[] = {
    {"mse_loss.default", {{"4,3"}, {"4,3"}}, {"self=T(a)", "target=T(b)"}, {{""}}, 0, 24 + 13},
    {"mse_loss.default",
     {{"4,3"}, {"4,3"}},
     {"self=T(a)", "target=T(b)", "reduction=i(2)"},
     {{""}},
     0,
     24 + 12},
    {"l1_loss.default",
     {{"4,3"}, {"4,3"}},
     {"self=T(a)", "target=T(b)", "reduction=i(0)"},
     {{"4,3"}},
     0,
     24},
    // Difference, size, its square x 0.5, size - 0.5, comparison, choice.
    {"smooth_l1_loss.default",
     {{"4,3"}, {"4,3"}},
     {"self=T(a)", "target=T(b)", "reduction=i(0)"},
     {{"4,3"}},
     0,
     12 * 7},
    {"huber_loss.default",
     {{"4,3"}, {"4,3"}},
     {"self=T(a)", "target=T(b)", "reduction=i(0)", "delta=f(2.0)"},
     {{"4,3"}},
     0,
     12 * 8},
    {"soft_margin_loss.default",
     {{"4,3"}, {"4,3"}},
     {"self=T(a)", "target=T(b)", "reduction=i(0)"},
     {{"4,3"}},
     0,
     12 * 5},
    {"margin_ranking_loss.default",
     {{"4"}, {"4"}, {"4"}},
     {"input1=T(a)", "input2=T(b)", "target=T(c)", "reduction=i(0)"},
     {{"4"}},
     0,
     4 * 5},
    {"hinge_embedding_loss.default",
     {{"4"}, {"4"}},
     {"self=T(a)", "target=T(b)", "reduction=i(0)"},
     {{"4"}},
     0,
     4 * (3 + 5)},
    {"poisson_nll_loss.default",
     {{"4"}, {"4"}},
     {"input=T(a)", "target=T(b)", "log_input=b(true)", "full=b(false)", "eps=f(1e-8)",
      "reduction=i(0)"},
     {{"4"}},
     0,
     4 * 3},
    // t log x + (1 - t) log(1 - x), negated: 2 + 2 + 3 + 1 + 1 + 1.
    {"binary_cross_entropy.default",
     {{"4"}, {"4"}},
     {"self=T(a)", "target=T(b)", "reduction=i(0)"},
     {{"4"}},
     0,
     4 * 10},
    {"binary_cross_entropy_with_logits.default",
     {{"4"}, {"4"}},
     {"self=T(a)", "target=T(b)", "reduction=i(0)"},
     {{"4"}},
     0,
     4 * (4 + 2 + 1 + 1)},
    {"kl_div.default",
     {{"4"}, {"4"}},
     {"self=T(a)", "target=T(b)", "reduction=i(2)"},
     {{""}},
     0,
     4 * 3 + 4},
    // Negated, compared, converted, multiplied; two sums and a quotient.
    {"nll_loss_nd.default",
     {{"4,3"}, {"4", int64_code}},
     {"self=T(a)", "target=T(b)"},
     {{""}},
     0,
     4 * 4 + 4 + 4 + 1},
    {"nll_loss_forward.default",
     {{"4,3"}, {"4", int64_code}, {"3"}},
     {"self=T(a)", "target=T(b)", "weight=T(c)", "reduction=i(2)", "ignore_index=i(-100)"},
     {{""}, {""}},
     0,
     4 * 5 + 4},
    {"cross_entropy_loss.default",
     {{"4,3"}, {"4", int64_code}},
     {"self=T(a)", "target=T(b)"},
     {{""}},
     0,
     12 * 5 + 4 * 4 + 4 + 4 + 1},
    {"cross_entropy_loss.default",
     {{"4,3"}, {"4,3"}},
     {"self=T(a)", "target=T(b)", "reduction=i(1)", "ignore_index=i(-100)"},
     {{""}},
     0,
     12 * 5 + 12 + 12 + 4 + 5},
    {"cosine_embedding_loss.default",
     {{"4,3"}, {"4,3"}, {"4"}},
     {"input1=T(a)", "input2=T(b)", "target=T(c)", "reduction=i(0)"},
     {{"4"}},
     0,
     12 * 6 + 4 * 5 + 4 * (2 + 2 + 5)},
    {"triplet_margin_loss.default",
     {{"4,3"}, {"4,3"}, {"4,3"}},
     {"anchor=T(a)", "positive=T(b)", "negative=T(c)", "reduction=i(0)"},
     {{"4"}},
     0,
     2 * 12 * 4 + 4 * 3},
    // Few points: differences and norms of all pairs.
    {"cdist.default", {{"4,3"}, {"5,3"}}, {"x1=T(a)", "x2=T(b)"}, {{"4,5"}}, 0, 4 * 5 * 3 * 3},
    // Many: |a|^2 + |b|^2 - 2 a b.
    {"cdist.default",
     {{"30,3"}, {"5,3"}},
     {"x1=T(a)", "x2=T(b)"},
     {{"30,5"}},
     30 * 5 * 3,
     2 * 35 * 3 + 150 * 5},
    {"_cdist_forward.default",
     {{"4,3"}, {"5,3"}},
     {"x1=T(a)", "x2=T(b)", "p=f(1.0)", "compute_mode={\"as_none\":true}"},
     {{"4,5"}},
     0,
     4 * 5 * 3 * 3},
    {"_euclidean_dist.default",
     {{"4,3"}, {"5,3"}},
     {"x1=T(a)", "x2=T(b)"},
     {{"4,5"}},
     4 * 5 * 3,
     2 * 9 * 3 + 20 * 5},
    {"pdist.default", {{"4,3"}}, {"self=T(a)"}, {{"6"}}, 0, 6 * 3 * 3},
    {"pairwise_distance.default", {{"4,3"}, {"4,3"}}, {"x1=T(a)", "x2=T(b)"}, {{"4"}}, 0, 12 * 4},
    {"dist.default", {{"4,3"}, {"4,3"}}, {"self=T(a)", "other=T(b)"}, {{""}}, 0, 12 * 3},
    // Two norms, two quotients, their product and its sum; two maxima.
    {"cosine_similarity.default",
     {{"4,3"}, {"4,3"}},
     {"x1=T(a)", "x2=T(b)", "dim=i(1)"},
     {{"4"}},
     0,
     12 * 8 + 4 * 2},
};
ATEN_OPERATORS(Losses, losses);

// -- products, norms and linear algebra -----------------------------------------------------------

const Operator products[] = {
    {"addbmm.default",
     {{"3,5"}, {"2,3,4"}, {"2,4,5"}},
     {"self=T(a)", "batch1=T(b)", "batch2=T(c)"},
     {{"3,5"}},
     2 * 3 * 4 * 5,
     30 + 15},
    {"addr.default",
     {{"3,5"}, {"3"}, {"5"}},
     {"self=T(a)", "vec1=T(b)", "vec2=T(c)"},
     {{"3,5"}},
     0,
     30},
    {"_addmm_activation.default",
     {{"5"}, {"3,4"}, {"4,5"}},
     {"self=T(a)", "mat1=T(b)", "mat2=T(c)"},
     {{"3,5"}},
     60,
     30},
    {"inner.default", {{"3,4"}, {"5,4"}}, {"self=T(a)", "other=T(b)"}, {{"3,5"}}, 60, 0},
    {"vdot.default", {{"4"}, {"4"}}, {"self=T(a)", "other=T(b)"}, {{""}}, 4, 0},
    {"linalg_vecdot.default", {{"3,4"}, {"3,4"}}, {"x=T(a)", "y=T(b)"}, {{"3"}}, 0, 24},
    {"tensordot.default",
     {{"2,3,4"}, {"4,3,5"}},
     {"self=T(a)", "other=T(b)", "dims_self=I(1,2)", "dims_other=I(1,0)"},
     {{"2,5"}},
     2 * 3 * 4 * 5,
     0},
    {"kron.default", {{"2,3"}, {"4,5"}}, {"self=T(a)", "other=T(b)"}, {{"8,15"}}, 0, 120},
    {"linalg_cross.default", {{"4,3"}, {"4,3"}}, {"self=T(a)", "other=T(b)"}, {{"4,3"}}, 0, 36},
    // A product with each matrix of the weight, and one with the other input.
    {"bilinear.default",
     {{"3,5"}, {"3,6"}, {"7,5,6"}, {"7"}},
     {"input1=T(a)", "input2=T(b)", "weight=T(c)", "bias=T(d)"},
     {{"3,7"}},
     3 * 7 * 5 * 6 + 3 * 7 * 6,
     21},
    {"_grouped_mm.default",
     {{"128,64"}, {"4,64,256"}, {"4", 4}},
     {"self=T(a)", "mat2=T(b)", "offs=T(c)"},
     {{"128,256"}},
     128 * 64 * 256,
     0},
    {"transformers::grouped_mm_fallback.default",
     {{"128,64"}, {"4,64,256"}, {"4", 4}},
     {"input=T(a)", "weight=T(b)", "offs=T(c)"},
     {{"128,256"}},
     128 * 64 * 256,
     0},
    // (10 x 100) (100 x 5) (5 x 50): from the left 7,500, from the right 75,000.
    {"linalg_multi_dot.default",
     {{"10,100"}, {"100,5"}, {"5,50"}},
     {"tensors=L(a,b,c)"},
     {{"10,50"}},
     7'500,
     0},
    {"linalg_multi_dot.default", {{"4"}, {"4,5"}, {"5"}}, {"tensors=L(a,b,c)"}, {{""}}, 24, 0},
    // The fifth power: its square, the square of that, and one more product.
    {"linalg_matrix_power.default", {{"4,4"}}, {"self=T(a)", "n=i(5)"}, {{"4,4"}}, 3 * 64, 0},
    {"_int_mm.default", {{"3,4", 2}, {"4,5", 2}}, {"self=T(a)", "mat2=T(b)"}, {{"3,5", 4}}, 60, 0},
    {"linalg_norm.default", {{"4,4"}}, {"self=T(a)"}, {{""}}, 0, 32},
    {"linalg_norm.ord_str", {{"4,4"}}, {"self=T(a)", "ord=S(fro)"}, {{""}}, 0, 32},
    {"linalg_matrix_norm.default", {{"2,3,4"}}, {"self=T(a)", "ord=i(1)"}, {{"2"}}, 0, 48 + 8},
    {"_weight_norm.default",
     {{"4,3,2"}, {"4,1,1"}},
     {"v=T(a)", "g=T(b)", "dim=i(0)"},
     {{"4,3,2"}},
     0,
     24 * 2 + 4 + 24},
    {"_weight_norm_interface.default",
     {{"4,3,2"}, {"1,1,2"}},
     {"v=T(a)", "g=T(b)", "dim=i(2)"},
     {{"4,3,2"}, {"1,1,2"}},
     0,
     24 * 2 + 2 + 24},
    {"linalg_inv.default", {{"2,4,4"}}, {"A=T(a)"}, {{"2,4,4"}}, 0, 2 * 2 * 64},
    {"linalg_inv_ex.default", {{"4,4"}}, {"A=T(a)"}, {{"4,4"}, {"", 4}}, 0, 2 * 64},
    {"det.default", {{"4,4"}}, {"self=T(a)"}, {{""}}, 0, 2 * 64 / 3 + 4},
    {"_linalg_det.default", {{"4,4"}}, {"A=T(a)"}, {{""}, {"4,4"}, {"4", 4}}, 0, 2 * 64 / 3 + 4},
    {"linalg_slogdet.default", {{"4,4"}}, {"A=T(a)"}, {{""}, {""}}, 0, 2 * 64 / 3 + 4 + 3},
    {"logdet.default", {{"4,4"}}, {"self=T(a)"}, {{""}}, 0, 2 * 64 / 3 + 4 + 1},
    {"linalg_cholesky.default", {{"6,6"}}, {"self=T(a)"}, {{"6,6"}}, 0, 216 / 3},
    {"linalg_solve.default",
     {{"6,6"}, {"6,2"}},
     {"A=T(a)", "B=T(b)"},
     {{"6,2"}},
     0,
     2 * 216 / 3 + 2 * 36 * 2},
    {"linalg_solve.default",
     {{"6,6"}, {"6"}},
     {"A=T(a)", "B=T(b)"},
     {{"6"}},
     0,
     2 * 216 / 3 + 2 * 36},
    {"linalg_solve_triangular.default",
     {{"6,6"}, {"2,6"}},
     {"self=T(a)", "B=T(b)", "upper=b(true)", "left=b(false)"},
     {{"2,6"}},
     0,
     36 * 2},
    {"cholesky_solve.default",
     {{"6,2"}, {"6,6"}},
     {"self=T(a)", "input2=T(b)"},
     {{"6,2"}},
     0,
     2 * 36 * 2},
};
ATEN_OPERATORS(Products, products);

// -- orders, searches and statistics --------------------------------------------------------------

// A sort of n elements takes ceil(log2 n) comparisons for each.
const Operator statistics[] = {
    {"median.default", {{"4,4"}}, {"self=T(a)"}, {{""}}, 0, 16 * 4},
    {"median.dim", {{"4,8"}}, {"self=T(a)", "dim=i(1)"}, {{"4"}, {"4", int64_code}}, 0, 32 * 3},
    {"mode.default",
     {{"4,8"}},
     {"self=T(a)", "dim=i(1)", "keepdim=b(true)"},
     {{"4,1"}, {"4,1", int64_code}},
     0,
     32 * 3 + 28 + 28},
    {"kthvalue.default", {{"4,8"}}, {"self=T(a)", "k=i(4)"}, {{"4"}, {"4", int64_code}}, 0, 32 * 2},
    {"quantile.default",
     {{"4,8"}, {"3"}},
     {"self=T(a)", "q=T(b)", "dim=i(1)"},
     {{"3,4"}},
     0,
     32 * 3 + 12 * 3},
    {"quantile.scalar", {{"4,8"}}, {"self=T(a)", "q=f(0.5)"}, {{""}}, 0, 32 * 5 + 3},
    {"quantile.default",
     {{"4,8"}, {"3"}},
     {"self=T(a)", "q=T(b)", "keepdim=b(true)"},
     {{"3,1,1"}},
     0,
     32 * 5 + 3 * 3},
    {"cummax.default", {{"4,8"}}, {"self=T(a)", "dim=i(1)"}, {{"4,8"}, {"4,8", int64_code}}, 0, 32},
    {"logcumsumexp.default", {{"4,8"}}, {"self=T(a)", "dim=i(1)"}, {{"4,8"}}, 0, 32 * 6},
    {"diff.default", {{"4,8"}}, {"self=T(a)"}, {{"4,7"}}, 0, 28},
    {"diff.default",
     {{"4,8"}, {"4,1"}},
     {"self=T(a)", "n=i(2)", "dim=i(-1)", "prepend=T(b)"},
     {{"4,7"}},
     0,
     4 * 8 + 4 * 7},
    // Among 6 boundaries there are 7 places: 3 comparisons.
    {"bucketize.Tensor",
     {{"6,6"}, {"6"}},
     {"self=T(a)", "boundaries=T(b)"},
     {{"6,6", int64_code}},
     0,
     36 * 3},
    {"searchsorted.Tensor",
     {{"2,6"}, {"2,5"}},
     {"sorted_sequence=T(a)", "self=T(b)"},
     {{"2,5", int64_code}},
     0,
     10 * 3},
    // 4 elements sorted, each of 6 searched among 5 places, and compared.
    {"isin.Tensor_Tensor",
     {{"2,3"}, {"4"}},
     {"elements=T(a)", "test_elements=T(b)"},
     {{"2,3", boolean_code}},
     0,
     4 * 2 + 6 * 3 + 6},
    // Place: difference, factor, floor; and one addition.
    {"histc.default",
     {{"8"}},
     {"self=T(a)", "bins=i(4)", "min=i(0)", "max=i(3)"},
     {{"4"}},
     0,
     8 * 4},
    {"bincount.default", {{"8", int64_code}}, {"self=T(a)"}, {{"4", int64_code}}, 0, 8},
    {"one_hot.default",
     {{"2,3", int64_code}},
     {"self=T(a)", "num_classes=i(5)"},
     {{"2,3,5", int64_code}},
     0,
     30 * 2},
    {"nanmean.default", {{"4,8"}}, {"self=T(a)", "dim=I(1)"}, {{"4"}}, 0, 32 * 5 + 4},
    {"cov.default", {{"4,8"}}, {"self=T(a)"}, {{"4,4"}}, 4 * 4 * 8, 36 + 32 + 16},
};
ATEN_OPERATORS(Statistics, statistics);

// -- element by element ---------------------------------------------------------------------------

const Operator elements[] = {
    {"lgamma.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 8},
    {"digamma.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 8},
    {"erfinv.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 8},
    {"special_i0.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 8},
    {"rrelu.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 16},
    {"hardshrink.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 24},
    {"softshrink.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 48},
    {"tanhshrink.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 16},
    {"logit.default", {{"8"}}, {"self=T(a)", "eps=f(0.1)"}, {{"8"}}, 0, 8 * 6},
    {"logaddexp.default", {{"8"}, {"8"}}, {"self=T(a)", "other=T(b)"}, {{"8"}}, 0, 8 * 8},
    {"nan_to_num.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 8 * 4},
    {"hypot.default", {{"8"}, {"8"}}, {"self=T(a)", "other=T(b)"}, {{"8"}}, 0, 8 * 4},
    {"heaviside.default", {{"8"}, {""}}, {"self=T(a)", "values=T(b)"}, {{"8"}}, 0, 8 * 3},
    {"copysign.Tensor", {{"8"}, {"8"}}, {"self=T(a)", "other=T(b)"}, {{"8"}}, 0, 8 * 4},
    {"sinc.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 8 * 5},
    {"deg2rad.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 8},
    {"frac.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 16},
    {"signbit.default", {{"8"}}, {"self=T(a)"}, {{"8", boolean_code}}, 0, 8},
    {"isposinf.default", {{"8"}}, {"self=T(a)"}, {{"8", boolean_code}}, 0, 8},
    {"isclose.default",
     {{"8"}, {"8"}},
     {"self=T(a)", "other=T(b)"},
     {{"8", boolean_code}},
     0,
     8 * 6},
    // Both are tested for NaN, and the three answers combined.
    {"isclose.default",
     {{"8"}, {"8"}},
     {"self=T(a)", "other=T(b)", "equal_nan=b(true)"},
     {{"8", boolean_code}},
     0,
     8 * (6 + 4)},
    {"xlogy.Tensor", {{"8"}, {"8"}}, {"self=T(a)", "other=T(b)"}, {{"8"}}, 0, 8 * 4},
    {"special_entr.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 8 * 3},
    {"special_ndtr.default", {{"8"}}, {"self=T(a)"}, {{"8"}}, 0, 8 * 4},
    {"ldexp.Tensor", {{"8"}, {"8"}}, {"self=T(a)", "other=T(b)"}, {{"8"}}, 0, 16},
    {"bitwise_left_shift.Tensor",
     {{"8", int64_code}, {"8", int64_code}},
     {"self=T(a)", "other=T(b)"},
     {{"8", int64_code}},
     0,
     8},
    {"normal.float_float", {}, {"mean=f(1.0)", "std=f(2.0)", "size=I(2,4)"}, {{"2,4"}}, 0, 16},
    {"multinomial.default",
     {{"3,8"}},
     {"self=T(a)", "num_samples=i(2)"},
     {{"3,2", int64_code}},
     0,
     0},
};
ATEN_OPERATORS(Elements, elements);

// -- pieces and joins -----------------------------------------------------------------------------

const Operator pieces[] = {
    // A sum for each of 3 x 4 elements, and a product with alpha.
    {"index_add.default",
     {{"5,4"}, {"3", int64_code}, {"3,4"}},
     {"self=T(a)", "dim=i(0)", "index=T(b)", "source=T(c)", "alpha=f(2.0)"},
     {{"5,4"}},
     0,
     12 + 12},
    {"tensor_split.sections",
     {{"7,2"}},
     {"self=T(a)", "sections=i(3)"},
     {{"3,2"}, {"2,2"}, {"2,2"}},
     0,
     0},
    {"tensor_split.indices",
     {{"7,2"}},
     {"self=T(a)", "indices=I(1,-2)"},
     {{"1,2"}, {"4,2"}, {"2,2"}},
     0,
     0},
    {"hsplit.int", {{"3,4"}}, {"self=T(a)", "sections=i(2)"}, {{"3,2"}, {"3,2"}}, 0, 0},
    {"take.default", {{"3,4"}, {"2,2", int64_code}}, {"self=T(a)", "index=T(b)"}, {{"2,2"}}, 0, 0},
    {"rot90.default", {{"3,4"}}, {"self=T(a)", "k=i(3)"}, {{"4,3"}}, 0, 0},
    {"channel_shuffle.default", {{"2,6,4,4"}}, {"self=T(a)", "groups=i(3)"}, {{"2,6,4,4"}}, 0, 0},
    {"trace.default", {{"3,4"}}, {"self=T(a)"}, {{""}}, 0, 3},
    {"meshgrid.indexing",
     {{"3"}, {"4"}},
     {"tensors=L(a,b)", "indexing=S(xy)"},
     {{"4,3"}, {"4,3"}},
     0,
     0},
    {"meshgrid.default", {{"3"}, {"4"}}, {"tensors=L(a,b)"}, {{"3,4"}, {"3,4"}}, 0, 0},
    {"broadcast_tensors.default", {{"3,1"}, {"4"}}, {"tensors=L(a,b)"}, {{"3,4"}, {"3,4"}}, 0, 0},
    {"hstack.default", {{"3"}, {"4"}}, {"tensors=L(a,b)"}, {{"7"}}, 0, 0},
    {"vstack.default", {{"3"}, {"2,3"}}, {"tensors=L(a,b)"}, {{"3,3"}}, 0, 0},
    {"dstack.default", {{"2,3"}, {"2,3"}}, {"tensors=L(a,b)"}, {{"2,3,2"}}, 0, 0},
    {"column_stack.default", {{"3"}, {"3,2"}}, {"tensors=L(a,b)"}, {{"3,3"}}, 0, 0},
    {"atleast_3d.default", {{"3"}}, {"self=T(a)"}, {{"1,3,1"}}, 0, 0},
    {"block_diag.default", {{"2,3"}, {"4"}}, {"tensors=L(a,b)"}, {{"3,7"}}, 0, 0},
    {"pad_sequence.default",
     {{"3,2"}, {"5,2"}},
     {"sequences=L(a,b)", "batch_first=b(true)"},
     {{"2,5,2"}},
     0,
     0},
    {"diag.default", {{"3"}}, {"self=T(a)", "diagonal=i(-1)"}, {{"4,4"}}, 0, 0},
    {"diag.default", {{"3,4"}}, {"self=T(a)"}, {{"3"}}, 0, 0},
    {"diag_embed.default", {{"2,3"}}, {"self=T(a)"}, {{"2,3,3"}}, 0, 0},
    {"diag_embed.default",
     {{"2,3"}},
     {"self=T(a)", "offset=i(1)", "dim1=i(0)", "dim2=i(2)"},
     {{"4,2,4"}},
     0,
     0},
    {"linalg_diagonal.default", {{"2,3,4"}}, {"A=T(a)"}, {{"2,3"}}, 0, 0},
    {"diagonal_scatter.default",
     {{"3,4"}, {"3"}},
     {"self=T(a)", "src=T(b)", "offset=i(1)"},
     {{"3,4"}},
     0,
     0},
    {"index_fill.int_Scalar",
     {{"3,4"}, {"2", int64_code}},
     {"self=T(a)", "dim=i(1)", "index=T(b)", "value=f(1.0)"},
     {{"3,4"}},
     0,
     0},
    {"index_reduce.default",
     {{"3,4"}, {"2", int64_code}, {"3,2"}},
     {"self=T(a)", "dim=i(1)", "index=T(b)", "source=T(c)", "reduce=S(amax)"},
     {{"3,4"}},
     0,
     6},
    {"put.default",
     {{"3,4"}, {"2", int64_code}, {"2"}},
     {"self=T(a)", "index=T(b)", "source=T(c)", "accumulate=b(true)"},
     {{"3,4"}},
     0,
     2},
    // Places counted, and one choice for each.
    {"masked_scatter.default",
     {{"3,4"}, {"3,4", boolean_code}, {"12"}},
     {"self=T(a)", "mask=T(b)", "source=T(c)"},
     {{"3,4"}},
     0,
     24},
    // One addition for each element of each window.
    {"col2im.default",
     {{"1,27,64"}},
     {"self=T(a)", "output_size=I(8,8)", "kernel_size=I(3,3)", "dilation=I(1,1)", "padding=I(1,1)",
      "stride=I(1,1)"},
     {{"1,3,8,8"}},
     0,
     27 * 64},
    {"max_unpool2d.default",
     {{"1,2,3,3"}, {"1,2,3,3", int64_code}},
     {"self=T(a)", "indices=T(b)", "output_size=I(6,6)"},
     {{"1,2,6,6"}},
     0,
     0},
    {"fractional_max_pool2d.default",
     {{"1,2,6,6"}, {"1,2,2"}},
     {"self=T(a)", "kernel_size=I(2,2)", "output_size=I(3,3)", "random_samples=T(b)"},
     {{"1,2,3,3"}, {"1,2,3,3", int64_code}},
     0,
     2 * 9 * 4},
    // The bag of each index takes 4 + 24 + 24 additions; 24 rows are added up, 4 bags counted by
    // as many additions as there are indices, converted, and divided by.
    {"embedding_bag.padding_idx",
     {{"50,8"}, {"24", int64_code}, {"4", int64_code}},
     {"weight=T(a)", "indices=T(b)", "offsets=T(c)", "mode=i(1)"},
     {{"4,8"}, {"24", int64_code}, {"4", int64_code}},
     0,
     4 + 24 + 24 + 24 * 8 + 24 + 4 + 4 * 8},
    {"_embedding_bag.default",
     {{"50,8"}, {"24", int64_code}, {"4", int64_code}},
     {"weight=T(a)", "indices=T(b)", "offsets=T(c)"},
     {{"4,8"}},
     0,
     4 + 24 + 24 + 24 * 8},
    {"eye.m", {}, {"n=i(3)", "m=i(4)"}, {{"3,4"}}, 0, 0},
    {"tril_indices.default", {}, {"row=i(3)", "col=i(3)"}, {{"2,6", int64_code}}, 0, 0},
    {"tril_indices.default",
     {},
     {"row=i(4)", "col=i(3)", "offset=i(-1)"},
     {{"2,6", int64_code}},
     0,
     0},
    {"tril_indices.default",
     {},
     {"row=i(5)", "col=i(2)", "offset=i(1)"},
     {{"2,10", int64_code}},
     0,
     0},
    {"triu_indices.default",
     {},
     {"row=i(3)", "col=i(4)", "offset=i(1)"},
     {{"2,6", int64_code}},
     0,
     0},
    // Each place of the grid is a product with a map.
    {"affine_grid_generator.default",
     {{"1,2,3"}},
     {"theta=T(a)", "size=I(1,3,8,8)", "align_corners=b(false)"},
     {{"1,8,8,2"}},
     64 * 3 * 2,
     0},
    {"repeat_interleave.self_int", {{"3,4"}}, {"self=T(a)", "repeats=i(2)"}, {{"24"}}, 0, 0},
    {"linspace.default", {}, {"start=f(1.0)", "end=f(1.0)", "steps=i(3)"}, {{"3"}}, 0, 0},
    {"logspace.default", {}, {"start=f(0.0)", "end=f(2.0)", "steps=i(3)"}, {{"3"}}, 0, 3},
    {"_functional_assert_async.msg",
     {{"", boolean_code}, {""}},
     {"self=T(a)", "assert_msg=S(no)", "dep_token=T(b)"},
     {{""}},
     0,
     0},
};
ATEN_OPERATORS(Pieces, pieces);

TEST(AtenOperators, CopyWhereTheCallAsksForIt) {
  Graph copied, cast;
  read({"to.dtype", {{"8"}}, {"self=T(a)", "copy=b(true)"}, {{"8"}}}, copied);
  ASSERT_EQ(copied.nodes().size(), 1U);
  EXPECT_EQ(copied.nodes()[0].op->name, "clone");
  read({"to.other", {{"8"}, {"8", int64_code}}, {"self=T(a)", "other=T(b)"}, {{"8", int64_code}}},
       cast);
  ASSERT_EQ(cast.nodes().size(), 1U);
  EXPECT_EQ(cast.nodes()[0].op->name, "to");
  const std::string dtype = "dtype={\"as_scalar_type\":" + std::to_string(int64_code) + "}";
  const ImportNotes notes =
      read({"to.dtype", {{"8"}}, {"self=T(a)", dtype, "copy=b(true)"}, {{"8", int64_code}}}, cast);
  EXPECT_THAT(notes.ignored, IsEmpty());
  ASSERT_EQ(cast.nodes().size(), 1U);
  EXPECT_EQ(cast.nodes()[0].op->name, "to");
}

TEST(AtenOperators, NormaliseInstancesByGatheredStatistics) {
  Graph graph;
  const ImportNotes notes =
      read({"instance_norm.default",
            {{"2,3,4,4"}, {"3"}},
            {"input=T(a)", "weight=T(b)", "bias=T(b)", "running_mean=T(b)", "running_var=T(b)",
             "use_input_stats=b(false)", "momentum=f(0.1)", "eps=f(1e-5)", "cudnn_enabled=b(true)"},
            {{"2,3,4,4"}}},
           graph);
  EXPECT_THAT(notes.ignored, IsEmpty());
  ASSERT_EQ(graph.nodes().size(), 1U);
  EXPECT_EQ(graph.nodes()[0].op->name, "batch_norm");
}

TEST(AtenOperators, PoolsPartsOfTheChannels) {
  const std::vector<std::string> bins = {"spatial_scale=f(1.0)", "pooled_height=i(2)",
                                         "pooled_width=i(2)", "sampling_ratio=i(2)"};
  std::vector<std::string> whole = bins;
  whole.insert(whole.begin(), {"input=T(a)", "rois=T(b)"});
  Graph parts, plain;
  read({"torchvision::ps_roi_align.default",
        {{"1,8,6,6"}, {"3,5"}},
        whole,
        {{"3,2,2,2"}, {"3,2,2,2", 4}}},
       parts);
  read({"torchvision::roi_align.default", {{"1,2,6,6"}, {"3,5"}}, whole, {{"3,2,2,2"}}}, plain);
  EXPECT_TRUE(profile(parts).coverage.unknown.empty());
  EXPECT_GT(profile(parts).total.flops, 0);
  EXPECT_EQ(profile(parts).total.flops, profile(plain).total.flops);
}

TEST(AtenOperators, BoundSizesThatDependOnData) {
  Graph graph;
  read({"_unique2.default",
        {{"4,4"}},
        {"self=T(a)", "return_inverse=b(true)"},
        {{"16"}, {"4,4", int64_code}}},
       graph);
  const Profile metrics = profile(graph);
  EXPECT_TRUE(metrics.coverage.unknown.empty());
  EXPECT_EQ(metrics.total.flops, 16 * 4 + 15 + 15);
  EXPECT_TRUE(graph.value(graph.outputs()[0].value).has(Value::bounded));
}

// -- what is refused ------------------------------------------------------------------------------

const Operator refused[] = {
    {"lstm.input",
     {{"7,2,16"}, {"1,2,32"}, {"128,16"}},
     {"input=T(a)", "hx=L(b,b)", "params=L(c)", "has_biases=b(true)",
      "num_layers=i(9000000000000000000)", "bidirectional=b(true)"},
     {{"7,2,32"}}},
    {"lstm.input",
     {{"7,16"}, {"1,2,32"}, {"128,16"}},
     {"input=T(a)", "hx=L(b,b)", "params=L(c,c)", "has_biases=b(false)", "num_layers=i(1)"},
     {{"7,2,32"}}},
    {"lstm_cell.default",
     {{"2,16"}, {"2,32"}, {"128,16"}},
     {"input=T(a)", "hx=L(b)", "w_ih=T(c)", "w_hh=T(c)"},
     {{"2,32"}, {"2,32"}}},
    {"fft_fft.default", {{"3,8"}}, {"self=T(a)", "dim=i(7)"}, {{"3,8", complex64_code}}},
    {"stft.default",
     {{"512"}},
     {"self=T(a)", "n_fft=i(64)", "hop_length=i(-9223372036854775808)"},
     {{"33,8", complex64_code}}},
    {"istft.default", {{"9,0", complex64_code}}, {"self=T(a)", "n_fft=i(16)"}, {{"12"}}},
    {"linspace.Tensor_Tensor", {{""}, {""}}, {"start=T(a)", "end=T(b)", "steps=i(3)"}, {{"3"}}},
    {"hann_window.default", {}, {"window_length=i(-1)"}, {{"64"}}},
    {"tensor_split.sections", {{"7"}}, {"self=T(a)", "sections=i(60000)"}, {{"3"}, {"4"}}},
    {"diff.default", {{"900000"}}, {"self=T(a)", "n=i(800000)"}, {{"100000"}}},
    {"linalg_matrix_norm.default", {{"3,4"}}, {"self=T(a)", "ord=i(2)"}, {{""}}},
    {"linalg_matrix_power.default", {{"4,4"}}, {"self=T(a)", "n=i(-1)"}, {{"4,4"}}},
    {"histc.default", {{"8"}}, {"self=T(a)", "bins=i(0)"}, {{"4"}}},
    {"col2im.default",
     {{"1,27,64"}},
     {"self=T(a)", "output_size=I(8,8)", "kernel_size=I(3,-3)", "padding=I(1,1)"},
     {{"1,3,8,8"}}},
    {"diag_embed.default", {{"3"}}, {"self=T(a)", "offset=i(-9223372036854775808)"}, {{"4,4"}}},
    {"quantile.default", {{"4,8"}, {"3"}}, {"self=T(a)", "q=T(b)", "dim=i(5)"}, {{"3,4"}}},
    {"one_hot.default", {{"3", int64_code}}, {"self=T(a)"}, {{"3,5", int64_code}}},
    {"channel_shuffle.default", {{"2,6,4"}}, {"self=T(a)", "groups=i(4)"}, {{"2,6,4"}}},
    {"nll_loss.default", {{"4,3"}, {"4,3"}}, {"self=T(a)", "target=T(b)"}, {{""}}},
};

class RefusedOperator : public ::testing::TestWithParam<Operator> {};

TEST_P(RefusedOperator, IsUnknownWithTheReason) {
  Graph graph;
  const ImportNotes notes = read(GetParam(), graph);
  EXPECT_EQ(notes.notes.size(), 1U);
  // Nodes appended before the refusal are removed.
  ASSERT_EQ(graph.nodes().size(), 1U);
  EXPECT_EQ(graph.nodes()[0].op->name, "unknown");
}

INSTANTIATE_TEST_SUITE_P(Aten, RefusedOperator, ::testing::ValuesIn(refused), test_name);

// -- core ATen ------------------------------------------------------------------------------------

/// The operators that torch 2.11 tags as core (`torch.Tag.core`), without overloads, and with
/// them the operators that `run_decompositions` leaves.
constexpr std::string_view core_operators[] = {
    "_adaptive_avg_pool2d",
    "_adaptive_avg_pool2d_backward",
    "_adaptive_avg_pool3d",
    "_assert_tensor_metadata",
    "_cdist_forward",
    "_embedding_bag",
    "_fft_c2r",
    "_fft_r2c",
    "_local_scalar_dense",
    "_log_softmax",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_no_training",
    "_pdist_forward",
    "_softmax",
    "_to_copy",
    "abs",
    "acos",
    "acosh",
    "adaptive_avg_pool1d",
    "add",
    "addmm",
    "alias",
    "amax",
    "amin",
    "any",
    "arange",
    "argmax",
    "argmin",
    "as_strided",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool2d_backward",
    "avg_pool3d",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "bmm",
    "cat",
    "ceil",
    "clamp",
    "clone",
    "col2im",
    "constant_pad_nd",
    "convolution",
    "convolution_backward",
    "copy",
    "cos",
    "cosh",
    "cumsum",
    "diagonal",
    "div",
    "elu",
    "embedding",
    "embedding_dense_backward",
    "empty",
    "empty_strided",
    "eq",
    "erf",
    "exp",
    "expand",
    "expm1",
    "fill",
    "flip",
    "floor",
    "fmod",
    "full",
    "full_like",
    "gather",
    "ge",
    "gelu",
    "grid_sampler_2d",
    "gt",
    "hardtanh",
    "index",
    "index_put",
    "index_select",
    "isinf",
    "isnan",
    "le",
    "leaky_relu",
    "linalg_vector_norm",
    "log",
    "log10",
    "log1p",
    "log2",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "masked_scatter",
    "max",
    "max_pool2d_with_indices",
    "max_pool2d_with_indices_backward",
    "max_pool3d_with_indices",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mm",
    "mul",
    "native_dropout",
    "native_group_norm",
    "native_group_norm_backward",
    "native_layer_norm",
    "native_layer_norm_backward",
    "ne",
    "neg",
    "nonzero",
    "permute",
    "pow",
    "prod",
    "rand",
    "randn",
    "randperm",
    "reciprocal",
    "reflection_pad1d",
    "reflection_pad2d",
    "reflection_pad3d",
    "relu",
    "remainder",
    "repeat",
    "replication_pad2d",
    "replication_pad3d",
    "resize_",
    "round",
    "rsqrt",
    "scalar_tensor",
    "scatter",
    "scatter_add",
    "scatter_reduce",
    "select",
    "select_scatter",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "slice",
    "slice_scatter",
    "sort",
    "split_with_sizes",
    "sqrt",
    "squeeze",
    "sub",
    "sum",
    "sym_is_contiguous",
    "sym_numel",
    "sym_size",
    "sym_storage_offset",
    "sym_stride",
    "tan",
    "tanh",
    "topk",
    "trunc",
    "unsqueeze",
    "upsample_bilinear2d",
    "upsample_nearest2d",
    "var",
    "view",
    "where",
};

/// The operators without a translation, and why.
constexpr std::pair<std::string_view, std::string_view> core_exceptions[] = {
    {"_adaptive_avg_pool2d_backward", "a gradient: programs are forward passes"},
    {"_assert_tensor_metadata", "makes no tensor: passed over before the table is asked"},
    {"_local_scalar_dense", "makes no tensor"},
    {"avg_pool2d_backward", "a gradient"},
    {"convolution_backward", "a gradient"},
    {"embedding_dense_backward", "a gradient"},
    {"max_pool2d_with_indices_backward", "a gradient"},
    {"native_group_norm_backward", "a gradient"},
    {"native_layer_norm_backward", "a gradient"},
    {"resize_", "changes a storage: its new content is undefined"},
    {"sym_is_contiguous", "makes no tensor"},
    {"sym_numel", "makes no tensor"},
    {"sym_size", "makes no tensor"},
    {"sym_storage_offset", "makes no tensor"},
    {"sym_stride", "makes no tensor"},
};

TEST(AtenTable, HasEveryNameOnce) {
  std::set<std::string_view> names;
  for (const AtenOperators* group : aten_operators()) {
    EXPECT_FALSE(group->names.empty());
    for (const AtenName& each : group->names) {
      EXPECT_TRUE(names.insert(each.name).second) << each.name;
      EXPECT_EQ(find_aten(each.name), each.row) << each.name;
      for (const NoEffect& argument : each.row->no_effect)
        EXPECT_FALSE(argument.what.empty() || argument.why.empty()) << each.name;
    }
  }
}

TEST(AtenTable, TellsStandInsFromTranslations) {
  for (const std::string_view name : {"quantile", "affine_grid_generator", "col2im", "nanmean"})
    EXPECT_EQ(find_aten(name)->meaning, Meaning::same_cost) << name;
  for (const std::string_view name : {"conv2d", "linear", "softmax", "slice_copy"})
    EXPECT_EQ(find_aten(name)->meaning, Meaning::same_values) << name;
}

TEST(CoreAten, IsTranslated) {
  EXPECT_TRUE(std::ranges::is_sorted(core_operators));
  for (const std::string_view name : core_operators) {
    const bool is_exception = std::ranges::any_of(
        core_exceptions, [&](const auto& exception) { return exception.first == name; });
    EXPECT_EQ(find_aten(name) == nullptr, is_exception) << name;
  }
  for (const auto& exception : core_exceptions)
    EXPECT_TRUE(std::ranges::binary_search(core_operators, exception.first)) << exception.first;
}

}  // namespace
}  // namespace zoometer
