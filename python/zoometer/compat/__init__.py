"""Functions of other tools, with their arguments and their figures, counted without running a model.

Each module is named after its tool: `fvcore`, `thop`, `ptflops`, `torchinfo`, `calflops`, `torch`.
None of them imports the tool. docs/conventions.md lists what differs, and why.
"""
