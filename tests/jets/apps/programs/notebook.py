"""A notebook in a real kernel: its own loop runs all the time, in the thread in which the cells run."""

import json

import nbformat
from nbclient import NotebookClient

CELLS = (
    "from diagnostics import async_tools, sanitizer; sanitizer.install(); import asyncio, gc, json, workload",
    "asyncio.get_running_loop().is_running()",
    "from diagnostics.async_tools import run_sync",
    "said = [run_sync(workload.echo(f'call {n}'), inside_loop='block') for n in range(5)]",
    "said += [await run_sync(workload.echo(f'call {n}')) for n in range(5, 10)]",
    "blocking = [workload.model.predict(workload.jets.X).tolist() for _ in range(10)]",
    "predictions = (await run_sync(workload.model.classify(workload.jets.X)))[:, 1]",
    "async_tools.shutdown(); gc.collect(); found = sanitizer.findings()",
    "print(json.dumps([said, blocking, predictions.tolist(), [str(each) for each in found], sanitizer.problems()]))",
)
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
running = notebook.cells[1].outputs[0]["data"]["text/plain"]
printed = "".join(output["text"] for output in notebook.cells[-1].outputs if output.get("name") == "stdout")
strays = [output for cell in notebook.cells for output in cell.outputs if output.get("name") == "stderr"]
print(json.dumps([running, json.loads(printed), strays]))
