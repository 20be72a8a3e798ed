"""A stranger's data set and its protocol: folders `train`, `query` and `gallery`, in each one per tracklet."""

from vreid_bench import Dataset, Protocol, Split, Tracklet, hookimpl


class Courtyard:
    """Reads folders named `<person>-<camera>-<number>` and their frames `<number>.jpg`; ignores all else."""

    def read(self, root):
        def tracklets(part):
            for folder in sorted((root / part).glob("[0-9]*-*-*")):
                person, camera, _ = map(int, folder.name.split("-"))
                frames = sorted(folder.glob("[0-9]*.jpg"), key=lambda frame: int(frame.stem))
                yield Tracklet(tuple(f"{part}/{folder.name}/{frame.name}" for frame in frames), person, camera)

        train, query, gallery = (tuple(tracklets(part)) for part in ("train", "query", "gallery"))
        roles = range(len(query)), range(len(query), len(query) + len(gallery))
        return Dataset("courtyard", root, (Split(train, query + gallery, *map(tuple, roles)),), "unverified")


@hookimpl
def vreid_datasets():
    return {"courtyard": Courtyard()}


@hookimpl
def vreid_protocols():
    return {"courtyard": Protocol("courtyard", "1", "courtyard", "torchreid", ("torchreid",), "Our own yard.", "me")}
