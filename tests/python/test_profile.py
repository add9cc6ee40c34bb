"""Figures and documents of names and files are those of the command line."""

import html
import pathlib
import tempfile
import unittest

import zoometer

from support import ONNX, SOURCE, command_line, text_of


class SameAsTheCommandLine(unittest.TestCase):
    def same(self, words, *args, **kwargs):
        self.assertEqual(zoometer.profile(*args, **kwargs).to_dict(), command_line("profile", *words))

    def test_names(self):
        for name in ("resnet50", "vit_b_16", "fasterrcnn_resnet50_fpn", "raft_large"):
            with self.subTest(name):
                self.same([name, "--registry", "all"], name)

    def test_options(self):
        self.same(["resnet50", "--batch", "8", "--variant", "untrained"], "resnet50", batch=8,
                  variant="untrained")
        self.same(["resnet50", "--input-shape", "1,3,384,320"], "resnet50",
                  input_shape=(1, 3, 384, 320))
        self.same(["resnet50", "--dtype", "float16", "--views", "none"], "resnet50", dtype="float16",
                  views="none")

    def test_conventions(self):
        for name in ("fvcore", "torchvision", "torch", "thop", "ptflops"):
            with self.subTest(name):
                self.same(["swin_t", "--convention", name], "swin_t", convention=name)

    def test_files(self):
        self.same([str(ONNX)], ONNX)
        self.same([str(ONNX), "--dtype", "float16"], str(ONNX), dtype="float16")
        program = SOURCE / "tests/data/pt2/efficientnet_b0.pt2"
        self.same([str(program)], program)

    def test_bytes(self):
        of_path = zoometer.profile(ONNX).to_dict()
        of_bytes = zoometer.profile(ONNX.read_bytes()).to_dict()
        self.assertEqual({**of_bytes, "model": of_path["model"]}, of_path)

    def test_onnx_model(self):
        try:
            import onnx
        except ImportError:
            self.skipTest("no onnx")
        model = onnx.load(str(ONNX))
        self.assertEqual(zoometer.profile(model).to_dict()["totals"],
                         zoometer.profile(ONNX).to_dict()["totals"])

    def test_memory_and_training(self):
        p = zoometer.profile("resnet18")
        self.assertEqual(p.to_dict(memory=True), command_line("profile", "resnet18", "--memory"))
        self.assertEqual(p.to_dict(training={"optimizer": "adam"}),
                         command_line("profile", "resnet18", "--training", "--optimizer", "adam"))

    def test_diff(self):
        self.assertEqual(zoometer.compare("resnet18", "resnet34").to_dict(),
                         command_line("diff", "resnet18", "resnet34"))


class Objects(unittest.TestCase):
    """Objects come from the core, and have what the document has."""

    @classmethod
    def setUpClass(cls):
        cls.p = zoometer.profile("resnet50", convention="fvcore")
        cls.document = cls.p.to_dict()

    def test_totals(self):
        totals = self.document["totals"]
        self.assertEqual((self.p.macs, self.p.flops, self.p.parameters, self.p.activations),
                         tuple(totals[name] for name in ("macs", "flops", "parameters", "activations")))
        self.assertEqual(self.p.macs, 4089184256)
        self.assertEqual(self.p.parameters, 25557032)
        self.assertEqual(self.p.cost, totals["cost"])

    def test_modules(self):
        modules = self.document["modules"]
        self.assertEqual([(m.path, m.type, m.macs, m.parameters, m.cost) for m in self.p.modules],
                         [(m["path"], m["type"], m["macs"], m["parameters"], m["cost"])
                          for m in modules])
        first = self.p["layer1.0.conv1"]
        self.assertEqual(first.output_shapes, [(1, 64, 56, 56)])
        self.assertEqual(self.p.modules[first.parent].path, "layer1.0")
        self.assertIn("layer1.0.conv1",
                      [self.p.modules[child].path for child in self.p["layer1.0"].children])
        with self.assertRaises(KeyError):
            self.p["layer9"]

    def test_operators_and_coverage(self):
        self.assertEqual([(o.name, o.count, o.macs) for o in self.p.operators],
                         [(o["op"], o["count"], o["macs"]) for o in self.document["operators"]])
        self.assertEqual(self.p.coverage.counted, self.document["coverage"]["counted"])
        self.assertEqual(self.p.coverage.unknown, [])

    def test_inputs_and_network(self):
        self.assertEqual([(i.name, i.shape, i.dtype) for i in self.p.inputs],
                         [("x", (1, 3, 224, 224), "float32")])
        network = zoometer.trace("resnet50")
        self.assertEqual(network.operator_count, len(network.operators()))
        names = [entry.name for entry in network.state_dict()]
        self.assertEqual(names[:2], ["conv1.weight", "bn1.weight"])

    def test_a_profile_counts_by_another_convention(self):
        native = zoometer.profile(self.p)
        self.assertEqual((native.cost, native.macs), (0, self.p.macs))


class Analysis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.p = zoometer.profile("resnet50")

    def test_explain(self):
        explained = self.p.explain()
        document = command_line("explain", "resnet50")
        self.assertEqual([each.name for each in explained.conventions],
                         [each["name"] for each in document["conventions"]])
        self.assertEqual(explained["fvcore"], zoometer.profile("resnet50", convention="fvcore").cost)
        with self.assertRaises(KeyError):
            explained["nobody"]

    def test_memory(self):
        memory = self.p.memory()
        self.assertEqual(memory.activations.bytes, self.p.peak_activation_bytes)
        self.assertEqual(len(memory.timeline), zoometer.trace("resnet50").operator_count)
        self.assertEqual(sum(tensor.bytes for tensor in memory.alive_at_peak),
                         memory.activations.bytes)

    def test_training(self):
        adam = self.p.training(optimizer="adam")
        self.assertEqual(adam.optimizer_state_bytes, 2 * 4 * self.p.parameters)
        self.assertEqual(adam.macs, self.p.macs)
        self.assertEqual(self.p.training("sgd", accumulate=2).optimizer, "sgd")
        with self.assertRaises(zoometer.UsageError):
            self.p.training("sgdd")
        with self.assertRaises(zoometer.UsageError):
            self.p.training("sgd", nothing=1)

    def test_roofline(self):
        document = command_line("roofline", "resnet50", "--on", "H100", "--dtype", "float16", "--fuse")
        roofline = self.p.roofline("h100", dtype="float16", fuse=True)
        self.assertEqual(roofline.device.name, "H100")
        self.assertAlmostEqual(roofline.seconds, document["devices"][0]["lower_bound_seconds"], places=9)
        self.assertIn("float16", roofline.device.peaks)
        self.assertEqual(len(roofline.modules), len(self.p.modules))

    def test_diff(self):
        diff = self.p.diff(zoometer.profile("resnet18"))
        self.assertEqual(diff.before.metrics.macs, self.p.macs)
        self.assertGreater(diff.counts.removed, 0)
        self.assertTrue(any(change.state == "removed" and change.after is None
                            for change in diff.modules))
        self.assertIn("removed", repr(diff))

    def test_print_shows_the_report_of_the_command_line(self):
        for options, words in (({}, ["--on", "A100"]),
                               ({"dtype": "float16", "fuse": True},
                                ["--on", "A100", "--dtype", "float16", "--fuse"]),
                               ({"dtype": "tf32", "cache": True},
                                ["--on", "A100", "--dtype", "tf32", "--cache"])):
            with self.subTest(words):
                self.assertEqual(str(self.p.roofline("A100", **options)),
                                 text_of("roofline", "resnet50", *words))
        self.assertEqual(str(self.p.explain()), text_of("explain", "resnet50"))
        report = text_of("profile", "resnet50", "--memory", "--training", "--optimizer", "adam")
        for result in (self.p.memory(), self.p.training("adam")):
            with self.subTest(repr(result)):
                self.assertGreater(str(result).count("\n"), 5)
                self.assertIn(str(result).rstrip(), report)

    def test_results_in_a_notebook_and_in_one_line(self):
        for result, line in ((self.p.memory(), "<Memory of resnet50: 109.8 MiB>"),
                             (self.p.training("adam"), "<Training of resnet50: 473.1 MiB>"),
                             (self.p.roofline("H100"), "<Roofline of resnet50 on H100: "),
                             (self.p.explain(), "<Explanation of resnet50 by 6 conventions>")):
            with self.subTest(line):
                self.assertEqual(repr(result)[:len(line)], line)
                page = result._repr_html_()
                self.assertTrue(page.startswith("<pre>") and page.endswith("</pre>"))
                self.assertEqual(html.unescape(page[5:-6]), str(result))

    def test_another_type(self):
        half = self.p.stored_as("float16")
        self.assertEqual(half.macs, self.p.macs)
        self.assertLess(half.total.bytes_read, self.p.total.bytes_read)
        with self.assertRaises(zoometer.UsageError):
            self.p.stored_as("float17")


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.p = zoometer.profile("resnet18")

    def test_text(self):
        self.assertTrue(str(self.p).startswith("resnet18  (builtin, published)\n"))
        self.assertIn("layer1", self.p.to_text(depth=1))
        self.assertEqual(repr(self.p), "<Profile of resnet18: 11.69 M parameters, 1.814 G MACs, "
                                       "3.638 G FLOPs>")

    def test_table_is_fvcores(self):
        golden = (SOURCE / "docs" / "conventions.md").read_text()
        self.assertIn(self.p.table(1).strip(), golden)

    def test_markdown(self):
        lines = self.p.to_markdown(depth=1).splitlines()
        self.assertEqual(lines[0].split("|")[1].strip(), "module")
        self.assertEqual(len(lines), 2 + sum(m.depth <= 1 for m in self.p.modules))
        self.assertIn("| conv1 | Conv2d | 1x64x112x112 | 9.408 k | 118.0 M |", lines[3])

    def test_latex(self):
        text = zoometer.profile("swin_t").to_latex(depth=9)
        self.assertIn(r"norm1 & LayerNorm", text)
        self.assertNotRegex(text, r"[^\\]_")
        self.assertTrue(text.startswith(r"\begin{tabular}{lllrrrr}"))

    def test_notebook(self):
        """Well-formed, with a fold for each module that has children, and no unescaped text."""
        import xml.etree.ElementTree
        page = self.p._repr_html_()
        tree = xml.etree.ElementTree.fromstring("<body>" + page.replace(" open>", ' open="">')
                                                + "</body>")
        folds = sum(1 for _ in tree.iter("details"))
        self.assertEqual(folds, sum(1 for m in self.p.modules if m.children))
        self.assertIn("11.69 M", page)

    def test_pandas(self):
        try:
            import pandas
        except ImportError:
            with self.assertRaises(zoometer.MissingPackageError) as caught:
                self.p.to_pandas()
            self.assertEqual(caught.exception.hint, "pip install pandas")
            return
        frame = self.p.to_pandas()
        self.assertIsInstance(frame, pandas.DataFrame)
        self.assertEqual(frame.loc["", "macs"], self.p.macs)

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder, "x.html")
            self.p.report(page)
            self.assertIn("resnet18", page.read_text())
            model = pathlib.Path(folder, "x.onnx")
            self.p.save(model)
            self.assertEqual(zoometer.profile(model).macs, self.p.macs)
            diff = pathlib.Path(folder, "diff.html")
            self.p.diff(zoometer.profile("resnet34")).report(diff)
            self.assertIn("resnet34", diff.read_text())


class Catalogue(unittest.TestCase):
    def test_list_models(self):
        models = zoometer.list_models()
        self.assertGreaterEqual(len(models), 121)
        resnets = zoometer.list_models("resnet*", "vit_b_16")
        self.assertEqual([m.name for m in resnets],
                         ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "vit_b_16"])
        self.assertEqual(resnets[2].macs, 4089184256)
        self.assertEqual(resnets[2].inputs[0].shape, (1, 3, 224, 224))

    def test_devices(self):
        names = [device.name for device in zoometer.devices()]
        self.assertIn("H100", names)

    def test_sweep(self):
        rows = zoometer.sweep(["resnet18", "vgg11"], batches=[1, 2], resolutions=[224, (192, 256)],
                              dtypes=["float32", "float16"])
        self.assertEqual(len(rows), 2 * 2 * 2 * 2)
        row = next(row for row in rows if row.model == "resnet18" and row.batch == 2
                   and row.resolution == (192, 256) and row.dtype == "float16")
        expected = zoometer.profile("resnet18", input_shape=(2, 3, 192, 256), dtype="float16")
        self.assertEqual(row.totals.metrics.macs, expected.macs)
        self.assertEqual(row.totals.metrics.bytes_read, expected.total.bytes_read)
        parts = [zoometer.sweep(["resnet*"], batches=[1, 2, 3], part=i, parts=2) for i in (1, 2)]
        whole = zoometer.sweep(["resnet*"], batches=[1, 2, 3])
        key = lambda row: (row.model, row.batch)
        self.assertEqual(sorted(map(key, parts[0] + parts[1])), sorted(map(key, whole)))
        self.assertEqual(rows.to_dicts()[0]["model"], rows[0].model)

    def test_a_refused_combination_has_a_reason(self):
        rows = zoometer.sweep("alexnet", resolutions=[8])
        self.assertTrue(rows[0].reason)
        self.assertIsNone(rows.to_dicts()[0]["macs"])

    def test_discover(self):
        findings = zoometer.discover("resnet*", "vgg11")
        self.assertEqual({finding.status for finding in findings}, {"traceable"})
        self.assertIn("vgg11", [finding.name for finding in findings])


if __name__ == "__main__":
    unittest.main()
