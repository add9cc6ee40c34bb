"""The drop-in functions, on a model small enough to count by hand. tests/modern/compat.py runs the tools
themselves."""

import contextlib
import io
import unittest

import zoometer

try:
    import torch
    from torch import nn
except ImportError:
    raise unittest.SkipTest("no torch") from None

import zoometer.compat.torch
from zoometer.compat import calflops, fvcore, ptflops, thop, torchinfo


def printed(function, *args, **kwargs):
    """What a call prints."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        function(*args, **kwargs)
    return text.getvalue()


class ByHand(unittest.TestCase):
    """A convolution of 36 places, 4 channels and 3 x 9 products, and a Linear of 4 x 2."""

    products, elements = 36 * 4 * 27 + 8, 36 * 4

    def setUp(self):
        self.model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU6(), nn.AdaptiveAvgPool2d(1),
                                   nn.Flatten(), nn.Linear(4, 2))
        self.x = torch.zeros(1, 3, 8, 8)

    def test_fvcore(self):
        flops = fvcore.FlopCountAnalysis(self.model, self.x)
        self.assertEqual(flops.total(), self.products + self.elements)
        self.assertEqual(flops.by_operator(), {"conv": 3888, "adaptive_avg_pool2d": 144, "linear": 8})
        self.assertEqual(flops.by_module()["4"], 8)
        self.assertEqual(flops.by_module_and_operator()["0"], {"conv": 3888})
        self.assertEqual(fvcore.ActivationCountAnalysis(self.model, self.x).total(), 144 + 2)
        self.assertEqual(fvcore.parameter_count(self.model)["0"], 112)
        self.assertIn("|  0.weight |", fvcore.parameter_count_table(self.model, 2).replace("   0", "  0"))
        self.assertIn("4.04K", fvcore.flop_count_table(flops))
        with self.assertRaises(KeyError):
            flops.total("5")
        with self.assertRaises(zoometer.UnsupportedError):
            flops.set_op_handle("aten::add", lambda inputs, outputs: 1)

    def test_fvcore_modes(self):
        flops = fvcore.FlopCountAnalysis(self.model, self.x)
        self.assertIs(flops.tracer_warnings("all"), flops)
        self.assertIs(flops.ancestor_mode("owner"), flops)
        for mode, error in (("caller", zoometer.UnsupportedError), ("nobody", zoometer.UsageError)):
            with self.assertRaises(error):
                flops.ancestor_mode(mode)
        with self.assertRaises(zoometer.UsageError):
            flops.tracer_warnings("some")

    def test_fvcore_has_no_rule_for_a_named_padding(self):
        model = nn.Sequential(nn.Conv2d(3, 4, 3, padding="same"), nn.Conv2d(4, 2, 1))
        self.assertEqual(fvcore.FlopCountAnalysis(model, self.x).total(), 64 * 4 * 2)
        self.assertEqual(fvcore.ActivationCountAnalysis(model, self.x).total(), 64 * 2)

    def test_thop(self):
        self.assertEqual(thop.profile(self.model, (self.x,), verbose=False),
                         (self.products + self.elements + 4, 122.0))
        self.assertEqual(thop.clever_format([2e9, 5.0]), ("2.00G", "5.00B"))
        self.assertTrue(self.model.training)
        self.assertIn("rule for <class 'torch.nn.modules.flatten.Flatten'>.",
                      printed(thop.profile, self.model, (self.x,), report_missing=True))
        self.assertEqual(printed(thop.profile, self.model, (self.x,)), "")
        with self.assertRaises(zoometer.UnsupportedError):
            thop.profile(self.model, (self.x,), custom_ops={nn.Flatten: print})

    def test_ptflops(self):
        def figures(**options):
            return ptflops.get_model_complexity_info(self.model, (3, 8, 8), print_per_layer_stat=False,
                                                     **options)
        others = 3 * self.elements  # the activation once, the pooling twice
        self.assertEqual(figures(as_strings=False), (self.products + self.elements + 2 + others, 122))
        self.assertEqual(figures(), ("4.47 KMac", "122"))
        self.assertEqual(figures(as_strings=False, backend="aten"),
                         (self.products + self.elements + 2, 122))
        modules = {"count_functional": False}  # the activation and the pooling once
        self.assertEqual(figures(as_strings=False, backend_specific_config=modules),
                         (self.products + self.elements + 2 + others - self.elements, 122))
        stream = io.StringIO()
        figures(verbose=True, ost=stream)
        text = stream.getvalue()
        self.assertIn("module Flatten is treated as a zero-op", text)
        self.assertNotIn("Conv2d", text)
        for options, error in (({"backend": "jax"}, zoometer.UsageError),
                               ({"backend_specific_config": {"count": 1}}, zoometer.UsageError),
                               ({"ignore_modules": [nn.ReLU6]}, zoometer.UnsupportedError),
                               ({"custom_modules_hooks": {nn.ReLU6: print}}, zoometer.UnsupportedError)):
            with self.subTest(options), self.assertRaises(error):
                figures(**options)

    def test_torchinfo_tables(self):
        columns = ("kernel_size", "num_params", "mult_adds", "trainable", "params_percent")
        self.model[0].bias.requires_grad = False
        table = str(torchinfo.summary(self.model, (1, 3, 8, 8), col_names=columns, col_width=12, verbose=0,
                                      row_settings=("var_names",)))
        row = next(line for line in table.splitlines() if "Conv2d (0)" in line)
        self.assertEqual(row.split(), ["Conv2d", "(0)", "[3,", "3]", "112", "4,032", "Partial", "91.80%"])
        self.assertIn("Linear: 1-5", str(torchinfo.summary(self.model, (1, 3, 8, 8), verbose=0)))
        self.assertNotIn("Linear", str(torchinfo.summary(self.model, (1, 3, 8, 8), depth=0, verbose=0)))
        self.assertIn("weight", printed(torchinfo.summary, self.model, (1, 3, 8, 8), verbose=2))

    def test_torchinfo_without_inputs(self):
        statistics = torchinfo.summary(self.model, verbose=0)
        self.assertEqual((statistics.total_params, statistics.total_param_bytes, statistics.total_mult_adds,
                          statistics.total_output_bytes, statistics.input_size), (122, 488, 0, 0, []))
        self.assertNotIn("mult-adds", str(statistics))

    def test_torchinfo_refuses(self):
        for options, error in (({"col_names": ["size"]}, zoometer.UsageError),
                               ({"col_names": ["input_size"]}, zoometer.UnsupportedError),
                               ({"col_names": ["mult_adds"], "input_size": None}, zoometer.UsageError),
                               ({"row_settings": ["colour"]}, zoometer.UsageError),
                               ({"verbose": 3}, zoometer.UsageError), ({"col_width": 0}, zoometer.UsageError),
                               ({"mode": "test"}, zoometer.UsageError),
                               ({"batch_dim": 0}, zoometer.UnsupportedError)):
            with self.subTest(options), self.assertRaises(error):
                torchinfo.summary(self.model, **{"input_size": (1, 3, 8, 8), "verbose": 0, **options})

    def test_torchinfo(self):
        statistics = torchinfo.summary(self.model, input_size=(1, 3, 8, 8), verbose=0)
        self.assertEqual((statistics.total_mult_adds, statistics.total_params), (112 * 36 + 10, 122))
        self.assertIn("Total params: 122", str(statistics))

    def test_calflops(self):
        self.assertEqual(calflops.calculate_flops(self.model, (1, 3, 8, 8), print_results=False,
                                                  output_as_string=False),
                         (2 * self.products + 2 * self.elements, self.products, 122))
        text = printed(calflops.calculate_flops, self.model, (1, 3, 8, 8), output_precision=3)
        self.assertIn("(0): Conv2d, 112, 7.92 KFLOPS, 3.888 KMACs", text)
        self.assertNotIn("Conv2d", printed(calflops.calculate_flops, self.model, (1, 3, 8, 8), print_detailed=False))
        for options in ({"ignore_modules": [nn.Linear]}, {"forward_mode": "generate"}):
            with self.subTest(options), self.assertRaises(zoometer.UnsupportedError):
                calflops.calculate_flops(self.model, (1, 3, 8, 8), **options)

    def test_torch(self):
        call = nn.Module.__call__
        with zoometer.compat.torch.FlopCounterMode(display=False) as counter:
            result = self.model(self.x)
        self.assertIs(nn.Module.__call__, call)
        self.assertEqual(tuple(result.shape), (1, 2))
        self.assertEqual(counter.get_total_flops(), 2 * self.products)
        self.assertEqual(counter.get_flop_counts()["Sequential.4"], {"aten.addmm": 16})
        with self.assertWarnsRegex(UserWarning, "mods argument is not needed"):
            zoometer.compat.torch.FlopCounterMode(self.model)
        with self.assertRaises(zoometer.UnsupportedError):
            zoometer.compat.torch.FlopCounterMode(custom_mapping={torch.ops.aten.add: print})


if __name__ == "__main__":
    unittest.main()
