"""Modules and functions, in the user's own process. Without PyTorch there is nothing to test."""

import dataclasses
import gc
import os
import signal
import subprocess
import sys
import unittest
import weakref

import zoometer

from support import interruptible

try:
    import torch
    from torch import nn
except ImportError:
    raise unittest.SkipTest("no torch") from None


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.rnn = nn.LSTM(8, 16, batch_first=True)
        self.head = nn.Linear(16, 4)

    def forward(self, x, scale=1.0, mask=None, *, extra=None):
        y = self.conv(x).flatten(2).transpose(1, 2)
        y = self.head(self.rnn(y)[0]) * scale
        return y if extra is None else y + extra["bias"][0]


# 30 x 30 places: the convolution, the LSTM's two products, the linear layer.
MACS = 900 * (27 * 8 + 4 * 16 * (8 + 16) + 16 * 4)


class Modules(unittest.TestCase):
    def setUp(self):
        self.net = Net().eval()
        self.x = torch.randn(1, 3, 32, 32)

    def test_a_module(self):
        p = zoometer.profile(self.net, self.x)
        self.assertEqual(p.macs, MACS)
        self.assertEqual(p.parameters, sum(each.numel() for each in self.net.parameters()))
        self.assertEqual([m.path for m in p.modules], ["", "conv", "rnn", "head"])
        self.assertEqual(p["head"].output_shapes, [(1, 900, 4)])
        self.assertEqual(p.source, "torch")
        self.assertEqual([(each.name, each.shape) for each in p.inputs], [("x", (1, 3, 32, 32))])

    def test_arguments(self):
        p = zoometer.profile(self.net, self.x, 2.0, mask=None, extra={"bias": [torch.ones(4)]})
        self.assertEqual(p.macs, MACS)

    def test_sizes_instead_of_tensors(self):
        for options in ({"input_size": (1, 3, 32, 32)},
                        {"input_size": [(1, 3, 32, 32)], "dtypes": [torch.float32]},
                        {"input_size": {"x": (1, 3, 32, 32)}, "dtypes": ["float32"]},
                        {"input_data": self.x}, {"input_data": [self.x]},
                        {"input_data": {"x": self.x}}):
            with self.subTest(sorted(options)):
                self.assertEqual(zoometer.profile(self.net, **options).macs, MACS)
        with self.assertRaises(zoometer.UsageError):
            zoometer.profile(self.net, input_size=(1, 3, 32, 32), input_data=self.x)
        with self.assertRaises(zoometer.UsageError):
            zoometer.profile(self.net, self.x, input_size=(1, 3, 32, 32))
        with self.assertRaises(zoometer.UsageError):
            zoometer.profile(self.net, input_size=[(1, 3, 32, 32)], dtypes=[torch.float32] * 2)

    def test_a_function(self):
        p = zoometer.profile(lambda a, b: (a @ b).relu(), torch.randn(4, 5), torch.randn(5, 6))
        self.assertEqual(p.macs, 4 * 5 * 6)

    def test_wrapped_modules(self):
        self.assertEqual(zoometer.profile(nn.DataParallel(self.net), self.x).macs, MACS)
        plain = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
        for wrapped in (torch.jit.script(plain), torch.fx.symbolic_trace(plain)):
            with self.subTest(type(wrapped).__name__):
                self.assertEqual(zoometer.profile(wrapped, torch.randn(2, 3)).macs, 24)

    def test_equal_to_the_built_in_model(self):
        try:
            import torchvision
        except ImportError:
            self.skipTest("no torchvision")
        for name in ("resnet18", "squeezenet1_1"):
            model = getattr(torchvision.models, name)(weights=None).eval()
            p = zoometer.profile(model, torch.empty(1, 3, 224, 224))
            native = zoometer.profile(name)
            self.assertEqual((p.macs, p.parameters), (native.macs, native.parameters))
            for convention in ("fvcore", "torchvision", "torch", "thop", "ptflops"):
                with self.subTest(f"{name} {convention}"):
                    self.assertEqual(p.counted_by(convention).cost,
                                     native.counted_by(convention).cost)

    def test_the_module_is_left_as_it_was(self):
        before = {name: (value.clone(), value._version)
                  for name, value in self.net.state_dict(keep_vars=True).items()}
        flags = [module.training for module in self.net.modules()]
        state = torch.random.get_rng_state()
        zoometer.profile(self.net, self.x)
        for name, value in self.net.state_dict(keep_vars=True).items():
            self.assertTrue(torch.equal(before[name][0], value), name)
            self.assertEqual(before[name][1], value._version, name)
        self.assertEqual(flags, [module.training for module in self.net.modules()])
        self.assertTrue(torch.equal(state, torch.random.get_rng_state()))

    def test_a_module_that_raises(self):
        with self.assertRaises(zoometer.CaptureError) as caught:
            zoometer.profile(nn.Sequential(nn.Linear(3, 7)), torch.randn(2, 4))
        self.assertEqual(caught.exception.module, "0")
        self.assertIn("linear", caught.exception.operator)
        self.assertIsNotNone(caught.exception.__cause__)

    def test_missing_inputs(self):
        with self.assertRaises(zoometer.CaptureError) as caught:
            zoometer.profile(self.net)
        self.assertIn("'x'", str(caught.exception))

    def test_control_c_reaches_the_caller(self):
        """The signal itself, while the module runs; the module and later captures are as ever."""
        class Interrupted(nn.Module):
            calls = 0

            def forward(self, x):
                self.calls += 1
                os.kill(os.getpid(), signal.SIGINT)
                for _ in range(1000000):
                    x = x + 1
                return x
        model = Interrupted()
        with interruptible(), self.assertRaises(KeyboardInterrupt):
            zoometer.profile(model, self.x)
        self.assertNotIn("calls", vars(model))
        self.assertEqual(zoometer.profile(self.net, self.x).macs, MACS)

    def test_dataclasses(self):
        @dataclasses.dataclass
        class Inputs:
            x: torch.Tensor
            scale: float = 1.0
            more: list = dataclasses.field(default_factory=list)

        @dataclasses.dataclass(frozen=True)
        class Outputs:
            y: torch.Tensor

        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.linear = nn.Linear(4, 8)

            def forward(self, given):
                y = self.linear(given.x) * given.scale
                for each in given.more:
                    y = y + each
                return Outputs(y)
        x, model = torch.randn(2, 4), Model()
        for p in (zoometer.profile(model, Inputs(x, 2.0, [torch.randn(8)])),
                  zoometer.profile(model, given=Inputs(x)),
                  zoometer.profile(model, input_data=[Inputs(x)])):
            self.assertEqual((p.macs, p.inputs[0].name, p.outputs[0].shape), (64, "given.x", (2, 8)))

    def test_dataclasses_with_slots(self):
        @dataclasses.dataclass(slots=True)
        class Inputs:
            x: torch.Tensor
            scale: float = 1.0

        @dataclasses.dataclass(frozen=True, slots=True)
        class Outputs:
            y: torch.Tensor

        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.linear = nn.Linear(4, 8)

            def forward(self, given):
                return Outputs(self.linear(given.x) * given.scale)
        p = zoometer.profile(Model(), Inputs(torch.randn(2, 4)))
        self.assertEqual((p.macs, p.inputs[0].name, p.outputs[0].shape), (64, "given.x", (2, 8)))

    def test_masks_as_indices(self):
        """What a mask selects is bounded; what it is written into is not."""
        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.some, self.all = nn.Linear(8, 8), nn.Linear(8, 8)

            def forward(self, x, places):
                out, mask = torch.zeros_like(x), x[..., 0] > 0
                out[mask] = self.some(x[mask])
                return self.all(out), x[:, places], x[x > 0]
        p = zoometer.profile(Model(), torch.randn(2, 5, 8), torch.ones(5, dtype=torch.bool))
        self.assertEqual([each.name for each in p.coverage.unknown], [])
        self.assertEqual((p["some"].macs, p["some"].macs_bounded), (640, True))
        self.assertEqual((p["all"].macs, p["all"].macs_bounded), (640, False))
        self.assertEqual([each.shape for each in p.outputs], [(2, 5, 8), (2, 5, 8), (80,)])

    def test_higher_order_operators(self):
        """torch.cond is recorded as the branch that it runs, each module where it is called."""
        if not hasattr(torch, "cond"):
            self.skipTest("no torch.cond")

        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.high, self.low = nn.Linear(8, 4), nn.Linear(8, 8)

            def forward(self, x):
                return torch.cond(x.sum() > 0, lambda x: self.high(self.low(x)), lambda x: self.high(x), (x,))
        plain_compile = torch.compile
        p = zoometer.profile(Model(), torch.randn(2, 8))
        self.assertEqual((p.macs, p["high"].macs, p["low"].calls), (64, 64, 0))
        self.assertIn("is taken as", " ".join(p.notes))
        self.assertIs(torch.compile, plain_compile)

    def test_lazy_modules(self):
        """A copy gets its shapes; the module itself stays without."""
        model = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
        p = zoometer.profile(model, self.x)
        self.assertEqual((p.macs, p.parameters), (900 * 27 * 4 + 3600 * 2, 27 * 4 + 4 + 8 + 3600 * 2 + 2))
        self.assertTrue(all(type(value).__name__.startswith("Uninitialized")
                            for value in (model[1].running_mean, *model.parameters())))

    def test_fake_tensors(self):
        """Inputs and models that have no data already, also within the mode that makes them."""
        try:
            from torch._subclasses.fake_tensor import FakeTensorMode
        except ImportError:
            self.skipTest("no FakeTensorMode")
        real = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        mode = FakeTensorMode()
        with mode:
            x = torch.empty(2, 4)
            fake = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        for model, given in ((real, x), (real, mode.from_tensor(torch.randn(2, 4))), (fake, x),
                             (fake, torch.randn(2, 4))):
            self.assertEqual(zoometer.profile(model, given).macs, 64)
        if int(torch.__version__.partition(".")[0]) < 2:
            return
        with mode:
            self.assertEqual(zoometer.profile(fake, x).macs, 64)
            self.assertEqual(zoometer.profile(real, torch.empty(2, 4)).macs, 64)
            self.assertIs(type(torch.empty(2)), type(x))  # the mode is active again

    def test_kept_results(self):
        """A second run, which takes the types of results from the first one, has the same record."""
        from zoometer import _capture
        from zoometer._capture import results

        class Model(nn.Module):
            def forward(self, x):
                y = nn.functional.dropout(x, 0.5, self.training).transpose(1, 2)[:, 1:]
                y = y.reshape(y.shape[0], -1) + y.contiguous().flatten(1)  # a copy, then a view
                a, b = y.view(-1, 2).unbind(1)
                a = torch.cat([a.double(), b.double()]).float()
                a[1:3] = 2  # a scalar on the device, a view, a copy into it
                z = torch.complex(a, a)
                part = torch.view_as_real(z.conj().resolve_conj())
                return part.to(torch.float32).chunk(2)[0], z.imag.neg(), a.relu_().topk(2)

        model, x = Model().eval(), torch.empty(2, 3, 5, device="meta")
        results.CACHE.clear()
        first, kept = _capture.capture(model, (x,)), len(results.CACHE)
        self.assertGreater(kept, 10)
        self.assertEqual(_capture.capture(model, (x,)), first)
        self.assertEqual(len(results.CACHE), kept)
        names = [first["captured"]["operators"][call[0]][1] for call in first["captured"]["calls"]]
        self.assertNotIn("dropout", names)  # which did nothing
        for name in ("slice", "reshape", "resolve_conj", "unbind"):
            self.assertIn(name, names)

    def test_kept_results_share_memory(self):
        """A view whose type is kept is a view: what is written into it is written into its base."""
        from zoometer import _capture

        class Model(nn.Module):
            def forward(self, x):
                y = torch.zeros_like(x)
                self.shares = [y.view(-1).untyped_storage()._cdata == y.untyped_storage()._cdata
                               if hasattr(y, "untyped_storage") else True,
                               y[1:].storage_offset() == x.shape[1], y.view(-1) is not y]
                seen.append(self.shares)
                return y

        seen = []
        for _ in range(2):
            _capture.capture(Model(), (torch.empty(3, 4, device="meta"),))
        self.assertEqual(seen, [[True, True, True]] * 2)

    def test_nothing_outlives_a_run(self):
        """What a run makes is freed at its end, also where the collector of cycles never runs."""
        from zoometer import _capture
        kept = []

        class Model(nn.Module):
            def forward(self, x):
                y = x * 2
                kept.append(weakref.ref(y))
                return y

        was_enabled = gc.isenabled()
        gc.disable()
        try:
            _capture.capture(Model(), (torch.empty(3, 4, device="meta"),))
            self.assertIsNone(kept[0]())
        finally:
            if was_enabled:
                gc.enable()

    def test_a_name_needs_no_torch(self):
        code = ("import sys, zoometer; zoometer.profile('resnet18').macs; "
                "sys.exit('torch' in sys.modules)")
        subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    unittest.main()
