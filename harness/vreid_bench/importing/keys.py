"""What the keys of other programs mean: `qf`, `gallery_label`, `q_camids`, `distmat` and their like."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from vreid_bench.contracts.dataset import ATTRIBUTE

Side = Literal["query", "gallery", "multi", ""]  # multi: the further images of each query; "": not said

SIDES: dict[str, Side] = {
    **dict.fromkeys(("query", "queries", "q", "qry", "probe", "probes"), "query"),
    **dict.fromkeys(("gallery", "galleries", "g", "gal", "database"), "gallery"),
    **dict.fromkeys(("mquery", "multiquery"), "multi"),
}
_WORDS = {
    "embedding": "f fs feat feats feature features embedding embeddings emb embs vec vecs vector vectors descriptor "
    "descriptors",
    "pid": "pid pids label labels id ids identity identities personid personids person_id targets target subject",
    "camid": "camid camids cam cams cameraid cameraids cid cids view views",
    "person": "person persons personname personnames",
    "camera": "camera cameras cameraname cameranames",
    "tracklet": "tracklet tracklets trackletname trackletnames trackletid trackletids track tracks trackid trackids "
    "name names path paths file files filename filenames imgpath imgpaths video videoid sequence",
    "outfit": "oid oids outfit outfits clothes clothesid clothesids cloth",
    "session": "session sessions sessionid day days date dates",
    "modality": "modal modals modality modalities",
    "platform": "platform platforms",
    "place": "place places location locations",
    "scale": "scale scales",
    "altitude": "altitude altitudes",  # a height may be that of a drone, a person or a box
    "range": "range ranges",
    "angle": "angle angles",
    "frame": "frame frames frameid frameids frameindex",
    "type": "type types",
    "role": "role roles split set subset part",
    "case": "case cases",
    "valid": "valid mask",
    "importance": "importance weight weights",
    "distance": "dist dists distmat dismat distancematrix distmatrix distance distances",
    "similarity": "sim sims simmat similarity similarities similaritymatrix simmatrix cosinesimilarity",
    "spans": "tracktestinfo trackstestinfo",
    "query_rows": "queryidx",
}
MEANINGS = {re.sub("_", "", word): kind for kind, words in _WORDS.items() for word in words.split()}
FEATURES = {"feat", "feats", "feature", "features", "embedding", "embeddings"}  # wherever they stand: ide_feat_test
ATTRIBUTES = ("outfit", "session", "modality", "platform", "place", "scale", "altitude", "range", "angle")
OF_NO_SIDE = ("distance", "similarity", "spans", "query_rows")
OF_SIDE = re.compile(r"([A-Za-z]+)[._]attribute[._](.+)", re.DOTALL)  # an attribute of one side; MATLAB has no dots
LABEL_FIRST = {"person": "pid", "camera": "camid"}  # names that are the labels where there are no numbers

WORDS = {  # in the lines that say what each key became
    "embedding": "features",
    "pid": "person ids",
    "camid": "cameras",
    "person": "names of people",
    "camera": "names of cameras",
    "tracklet": "names of tracklets",
    "outfit": "outfits",
    "frame": "frame numbers",
    "role": "query or gallery",
    "valid": "which clips are valid",
    "importance": "importance of clips",
    "distance": "distances",
    "similarity": "similarities",
    "spans": "first frame, last frame, person and camera of each tracklet",
    "query_rows": "the queries' rows, counted from 1",
    "type": "types",
    "case": "cases",
}


class Meaning(NamedTuple):
    """What an array is."""

    side: Side
    kind: str

    def __str__(self) -> str:
        words = WORDS.get(self.kind, self.kind)
        sides = {"query": " of the queries", "gallery": " of the gallery", "multi": " of the further query images"}
        return words + sides.get(self.side, "")


def find_attribute(kind: str) -> str:
    """The attribute that an array of this kind holds; empty if it holds none."""
    return kind if kind in ATTRIBUTES else kind.removeprefix(ATTRIBUTE) if kind.startswith(ATTRIBUTE) else ""


def recognise_key(key: str) -> Meaning | None:
    """What an array with this key is; None for a key that says nothing known.

    A side stands before or behind the word (`query_f`, `feats_query`, `gf`), or before a dot; what follows the word
    (`query_feats_rgb`) does not matter. `attribute.weather` is the attribute `weather`, and so are
    `query.attribute.weather` and `q_attribute_weather` of the queries.
    """
    if key.startswith(ATTRIBUTE) and key != ATTRIBUTE:
        return Meaning("", key)
    sided = OF_SIDE.fullmatch(key)
    if sided is not None and sided[1].lower() in SIDES:
        return Meaning(SIDES[sided[1].lower()], ATTRIBUTE + sided[2])
    tokens = [token.lower() for token in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", key)]
    whole = MEANINGS.get("".join(tokens))
    if whole is not None and (whole in OF_NO_SIDE or len(tokens) == 1):
        return Meaning("", whole)
    side: Side = ""
    if tokens and tokens[0] in SIDES:
        side, tokens = SIDES[tokens[0]], tokens[1:]
    elif tokens and tokens[-1] in SIDES:
        side, tokens = SIDES[tokens[-1]], tokens[:-1]
    elif tokens and tokens[0][:1] in ("q", "g") and tokens[0][1:] in MEANINGS:  # qf, gpids
        side, tokens = SIDES[tokens[0][0]], [tokens[0][1:], *tokens[1:]]
    kind = _find_kind(tokens)
    if kind is None:
        return None
    return Meaning("", kind) if kind in OF_NO_SIDE else Meaning(side, kind)


def name_attribute(key: str) -> str:
    """The key under which the values of an array with this key are an attribute: of one side, if it begins with one."""
    side, mark, name = key.replace(".", "_").partition("_")
    sided = mark and name and side.lower() in SIDES
    return f"{side}_{ATTRIBUTE[:-1]}_{name}" if sided else f"{ATTRIBUTE}{key}"


def find_side(name: str) -> Side:
    """The side that the name of a file says, as `query_features.npz` does; empty if none, or both."""
    tokens = {token.lower() for token in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}
    found = {SIDES[token] for token in tokens if token in SIDES and len(token) > 1}
    return found.pop() if len(found) == 1 else ""


def _find_kind(tokens: list[str]) -> str | None:
    """The longest beginning of the tokens that is a word of the list, else a word for features anywhere in them."""
    for size in range(len(tokens), 0, -1):
        if (kind := MEANINGS.get("".join(tokens[:size]))) is not None:
            return kind
    return "embedding" if FEATURES & set(tokens) else None
