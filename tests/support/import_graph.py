"""Who imports whom, read from the sources, and the rules that keep rooms and plugins apart.

Nothing is imported here. Every rule returns its findings as sentences; no finding, no sentence.
"""

import ast
import re
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

HARNESS = "vreid_bench"  # the package, and as a module the public door
PROGRAM = f"{HARNESS}.__main__"  # the door of a terminal: `python -m`
PLUGINS = "vreid_plugins"


class Import(NamedTuple):
    """One module imports another."""

    importer: str
    target: str
    line: int

    def __str__(self):
        return f"{self.importer}, line {self.line}, imports {self.target}"


def rooms_listed(text):
    """The rooms in their order: the numbered list under the heading `## Rooms` of a Markdown text."""
    section = re.search(r"^## Rooms$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"^\d+\. `(\w+)(?:/|\.py)`", section.group(1), re.MULTILINE) if section else []


def modules(package):
    """Dotted name -> file of every module below the folder `package`; an `__init__.py` has its folder's name."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        parts = (package.name, *file.relative_to(package).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(sources):
    """Every import between the modules `sources`, wherever it stands: in functions and under TYPE_CHECKING too.

    `from package import name` leads to `package.name` if that is a module, else to the package. Names given to
    `import_module` as plain strings count. The public door keeps its table of modules as strings: all of them count.
    """
    found = []
    for importer, file in sources.items():
        package = importer if file.name == "__init__.py" else importer.rpartition(".")[0]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for target in _targets(node, package, sources, door=importer == HARNESS):
                if target in sources or target.partition(".")[0] in (HARNESS, PLUGINS):
                    found.append(Import(importer, target, node.lineno))
    return list(dict.fromkeys(found))


def room(module):
    """The room of a harness module: the first name below the package; the doors themselves have none."""
    return "" if module == PROGRAM else [*module.split("."), ""][1]


def order_faults(found, rooms):
    """Imports of a room that stands further down in the list."""
    place = {name: number for number, name in enumerate(rooms)}
    faults = []
    for each in found:
        here, there = room(each.importer), room(each.target)
        if in_harness(each) and here in place and there in place and place[here] < place[there]:
            faults.append(f"{each}: {here} stands above {there} in CONTRIBUTING.md and may not import it")
    return faults


def circles(found):
    """Chains of imports that end where they began, within a room too: `a -> b -> a`."""
    graph = defaultdict(set)
    for each in found:
        graph[each.importer].add(each.target)
    faults = []
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as fault:
            chain = fault.args[1][::-1]  # as graphlib has it, each is imported by the next
            faults.append("a circle: " + " -> ".join(chain))
            graph[chain[0]].remove(chain[1])  # and look for the next
        else:
            return faults


def room_faults(sources, rooms):
    """Rooms that are missing on one side: in the list, or among the files."""
    there = {room(module) for module in sources if module.startswith(f"{HARNESS}.")} - {""}
    faults = [f"{name} is a room that CONTRIBUTING.md does not list" for name in sorted(there - set(rooms))]
    return faults + [f"{name} is listed in CONTRIBUTING.md and does not exist" for name in rooms if name not in there]


def door_faults(found):
    """Harness modules that import a door or a plugin: both stand outside the rooms."""
    return [
        f"{each}: inside the harness, import the module that defines the name"
        for each in found
        if room(each.importer) and each.importer.startswith(f"{HARNESS}.") and _outside(each.target)
    ]


def plugin_faults(found, sources):
    """Imports of a plugin that reach past the public door, or into a paper: a file beside the plugins' folders."""
    papers = {
        name for name, file in sources.items() if re.fullmatch(rf"{PLUGINS}\.\w+", name) and file.stem != "__init__"
    }
    faults = []
    for each in found:
        if not each.importer.startswith(PLUGINS):
            continue
        if each.target.startswith(f"{HARNESS}."):
            faults.append(f"{each}: a plugin imports {HARNESS} alone; export the name there")
        if each.target in papers:
            faults.append(f"{each}: nothing imports a paper; move what is shared into a folder of its kind")
    return faults


def floors(found, rooms):
    """How many rooms stand above one another along the longest chain of imports that follow the order of the list."""
    height = {}
    for name in rooms:
        above = {room(each.target) for each in found if room(each.importer) == name and in_harness(each)}
        height[name] = 1 + max((height[other] for other in above & set(height)), default=0)
    return max(height.values(), default=0)


def include_faults(csrc):
    """C++ files that lie outside the folder of an op, or include a file of another op's folder; `common` is free."""
    files = [file for file in sorted(csrc.rglob("*")) if file.suffix in (".h", ".cuh", ".cpp", ".cu")]
    faults = []
    for file in files:
        here = file.relative_to(csrc)
        if not op_of(here):
            faults.append(f"{here} lies in no folder of csrc")
        for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', file.read_text(encoding="utf-8"), re.MULTILINE):
            target = _included(name, file, csrc, files)
            if target and op_of(target) not in (op_of(here), "common"):
                faults.append(f"{here} includes {target}, which belongs to another op; move what both need to common")
    return faults


def op_of(file):
    """The first folder of a path below csrc; empty for a file that lies in none."""
    return file.parts[0] if len(file.parts) > 1 else ""


def homeless_tests(tests, folders):
    """Test files in a folder of `tests` that is none of `folders`."""
    found = sorted(file.relative_to(tests) for file in tests.glob("*/**/test_*.py"))
    return [f"tests/{file}: there is no room {file.parts[0]}" for file in found if file.parts[0] not in folders]


def parameters_of_type(sources, name):
    """Functions with a parameter whose annotation mentions the type `name`."""
    faults = []
    for module, file in sources.items():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = [a for a in ast.walk(node.args) if isinstance(a, ast.arg) and a.annotation]
                if any(re.search(rf"\b{name}\b", ast.unparse(a.annotation)) for a in given):
                    faults.append(f"{module}.{node.name}, line {node.lineno}, takes a {name}")
    return faults


def public_names(file):
    """What `__all__` of a module lists."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if "__all__" in _assigned(node):
            return ast.literal_eval(node.value)
    return []


def undocumented(sources, module, names):
    """Those of `names`, defined in `module` or imported there, without a docstring.

    A constant or an alias may have a comment in its line, or a string below it.
    """
    return [f"{name} of {module} has no docstring" for name in names if not _documented(sources, module, name)]


def in_harness(each):
    """Do both ends of an import lie in the harness?"""
    return all(f"{end}.".startswith(f"{HARNESS}.") for end in each[:2])


def _targets(node, package, sources, door):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*above, *filter(None, [node.module])])
        inner = [f"{base}.{alias.name}" for alias in node.names]
        return [name if name in sources else base for name in inner]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return [str(node.args[0].value)] if name in ("import_module", "__import__") else []
    if door and isinstance(node, ast.Constant) and node.value in sources and node.value != HARNESS:
        return [node.value]
    return []


def _outside(module):
    return module in (HARNESS, PROGRAM) or f"{module}.".startswith(f"{PLUGINS}.")


def _included(name, file, csrc, files):
    """The included file relative to csrc; None where it lies elsewhere (generated, or one of torch's own)."""
    for place in ((file.parent / name).resolve(), (csrc / name).resolve()):
        if place in {each.resolve() for each in files}:
            return place.relative_to(csrc.resolve())
    near = [each for each in files if each.as_posix().endswith(f"/{name}")]
    return near[0].relative_to(csrc) if near else None


def _documented(sources, module, name):
    text = sources[module].read_text(encoding="utf-8")
    tree = ast.parse(text)
    for place, node in enumerate(tree.body):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return bool(ast.get_docstring(node))
        if name in _assigned(node):
            below = tree.body[place + 1] if place + 1 < len(tree.body) else None
            written = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            return written or "  # " in text.splitlines()[node.end_lineno - 1]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and name in [alias.asname or alias.name for alias in node.names]:
            return node.module in sources and _documented(sources, node.module, name)
    return False


def _assigned(node):
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]
