"""The recipe of a method as paths and values, to compare two of them setting by setting."""

from vreid_bench.registry.settings import describe


def settings(value, path=""):
    """(path, value) of every setting of a described recipe; a part around another one does not lengthen its path."""
    if isinstance(value, dict):
        options = value.get("options")
        if isinstance(options, dict) and "inner" in options:
            around = {"name": value["name"], "options": {k: v for k, v in options.items() if k != "inner"}}
            yield from settings(around, f"{path}.around")
            yield from settings(options["inner"], path)
            return
        for name, each in value.items():
            yield from settings(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for at, each in enumerate(value):
            yield from settings(each, f"{path}.{at}")
    else:
        yield path, value


def recipe(registry, name, preset):
    """The settings of a method by their paths, with its stages apart by their kind."""
    described = describe(registry.resolve_method(registry.get("methods", name)(preset)))
    stages = described.pop("stages")
    described["fit"] = {stage["part"]: stage for stage in stages if stage["stage"] == "fit"}
    described["train"] = [stage for stage in stages if stage["stage"] == "train"]
    return dict(settings(described))
