"""The file names of AG-VPReID's frames, such as P81T2310171A2C2E152K7F7528.jpg: parsing one."""

from __future__ import annotations

import re

from vreid_plugins.datasets.case_folders import FrameName

EXAMPLE = (
    "P81T2310171A2C2E152K7F7528.jpg (person of that day, date and session, altitude, camera, event, key point, frame)"
)
# ASCII digits alone; fields vary in width
NAME = re.compile(r"P(\d+)T(\d{6})(\d*)A(\d+)C([0-6])E(\d+)K(\d+)F(\d+)", re.ASCII)
PLATFORMS = {0: "cctv", 1: "cctv", 2: "wearable", 3: "wearable", 4: "uav", 5: "uav"}  # by camera; of 6 it is not known
ALTITUDES = {"0": "15", "1": "30", "2": "80", "3": "120"}  # metres, by code; the first two are not certain


def parse_name(stem: str) -> FrameName | None:
    """What a name says; None if it is no name of a frame.

    Attributes: `platform`, `altitude` of the flight in metres, `date` (YYMMDD) and `session`.
    """
    match = NAME.fullmatch(stem)
    if match is None:
        return None
    person, date, session, altitude, camera, event, point, frame = match.groups()
    known = {
        "platform": PLATFORMS.get(int(camera), ""),
        "altitude": ALTITUDES.get(altitude, f"code {altitude}"),
        "date": date,
        "session": session,
    }
    order = tuple(map(int, (frame, event, point, person)))
    return FrameName(order, int(camera), f"C{camera}", tuple(item for item in known.items() if item[1]))
