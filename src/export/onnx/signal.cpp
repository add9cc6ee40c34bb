#include "op/signal.hpp"

#include "export/onnx/export_rule.hpp"

namespace zoometer {
namespace {

void write_dft(OnnxStep& step) {
  const auto& attrs = step.attrs<DftAttrs>();
  if (attrs.onesided && attrs.inverse) step.fail("to real numbers has no ONNX equivalent");
  const std::string length = attrs.length == 0 ? "" : step.integer(attrs.length);
  step.make("DFT", {step.in(0), length},
            {{"axis", step.axis(attrs.dim)},
             {"onesided", std::int64_t{attrs.onesided}},
             {"inverse", std::int64_t{attrs.inverse}}});
}

void write_stft(OnnxStep& step) {
  const auto& attrs = step.attrs<StftAttrs>();
  const std::string frame_step = step.integer(attrs.frame_step);
  const std::string frame_length = step.integer(attrs.frame_length);
  const std::string window = step.has(1) ? step.in(1) : "";
  step.make("STFT", {step.in(0), frame_step, window, frame_length},
            {{"onesided", std::int64_t{attrs.onesided}}});
}

constexpr OnnxExportRule signal_rules[] = {{&dft_op, {}, write_dft}, {&stft_op, {}, write_stft}};

}  // namespace

extern constinit const OnnxExportRules signal_onnx_export_rules = {signal_rules};

}  // namespace zoometer
