"""The server of the Model Context Protocol, driven by the client of the official SDK."""

import asyncio
import json
import os
import subprocess
import sys
import unittest

try:
    import mcp
    from mcp.client.stdio import StdioServerParameters, stdio_client
except ImportError:
    mcp = None

PROGRAM = os.environ.get("ZOOMETER", "zoometer")


@unittest.skipIf(mcp is None, "the package mcp is not installed: pip install 'zoometer[mcp]'")
class Server(unittest.TestCase):
    def ask(self, *calls):
        """The tools, and the result of each call (name, arguments)."""
        async def talk():
            server = StdioServerParameters(command=PROGRAM, args=["mcp", "--python", sys.executable],
                                           env=dict(os.environ))
            async with stdio_client(server) as streams, mcp.ClientSession(*streams) as session:
                await session.initialize()
                tools = (await session.list_tools()).tools
                return tools, [await session.call_tool(name, arguments)
                               for name, arguments in calls]
        return asyncio.run(talk())

    def document(self, result):
        self.assertFalse(failed(result), text_of(result))
        return json.loads(text_of(result))

    def test_tools_have_schemas(self):
        tools, _ = self.ask()
        self.assertEqual(sorted(tool.name for tool in tools),
                         ["compare", "diff", "explain", "list", "profile", "roofline"])
        for tool in tools:
            schema = getattr(tool, "input_schema", None) or getattr(tool, "inputSchema", None)
            self.assertEqual(schema["type"], "object")
            self.assertTrue(tool.description)
        profile = next(tool for tool in tools if tool.name == "profile")
        schema = getattr(profile, "input_schema", None) or getattr(profile, "inputSchema", None)
        self.assertIn("model", schema["required"])
        self.assertIn("description", schema["properties"]["model"])

    def test_figures_are_those_of_the_program(self):
        _, results = self.ask(
            ("list", {"patterns": ["resnet*"], "where": "macs < 5G", "sort": "macs"}),
            ("profile", {"model": "resnet18", "batch": 2, "depth": 0}),
            ("compare", {"models": ["resnet18", "nothing"]}),
            ("explain", {"model": "vit_b_16"}),
            ("roofline", {"model": "resnet18", "device": "H100", "dtype": "float16"}),
            ("diff", {"before": "resnet18", "after": "resnet34"}))
        listed, profiled, compared, explained, roofline, diff = map(self.document, results)
        self.assertEqual(listed["models"][0]["name"], "resnet18")
        own = json.loads(subprocess.run([PROGRAM, "profile", "resnet18", "--batch", "2", "--depth", "0",
                                         "--format", "json"], capture_output=True, check=True).stdout)
        self.assertEqual(profiled, own)
        self.assertEqual(compared["models"][0]["totals"]["macs"] * 2, own["totals"]["macs"])
        self.assertIn("no such model", compared["models"][1]["reason"])
        self.assertTrue(explained["schema"].startswith("zoometer.explanation")
                        or explained["schema"].startswith("zoometer.explain"))
        self.assertTrue(roofline["schema"].startswith("zoometer.roofline"))
        self.assertTrue(diff["schema"].startswith("zoometer.diff"))

    def test_an_error_is_the_program_s(self):
        _, results = self.ask(("profile", {"model": "resnet81"}), ("profile", {"model": "--help"}),
                              ("profile", {"model": "resnet18", "dtype": "int3"}),
                              ("profile", {"model": "resnet18"}))
        self.assertTrue(all(failed(result) for result in results[:3]))
        self.assertIn("did you mean resnet18", text_of(results[0]))
        self.assertIn("does not begin with a dash", text_of(results[1]))
        self.assertFalse(failed(results[3]))


class WithoutTheSdk(unittest.TestCase):
    def test_what_to_install_is_told(self):
        code = "import sys; sys.modules['mcp'] = None; from zoometer.mcp import main; sys.exit(main())"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        self.assertEqual(done.returncode, 3)
        self.assertIn("pip install 'zoometer[mcp]'", done.stderr)


def failed(result):
    return getattr(result, "is_error", None) or getattr(result, "isError", False)


def text_of(result):
    return "".join(part.text for part in result.content)


if __name__ == "__main__":
    unittest.main()
