"""Labels and features of MARS's size and shape, without MARS: for benchmarks."""

import numpy as np

QUERIES, GALLERY, DISTRACTORS, PEOPLE, CAMERAS = 1980, 9330, 3248, 626, 6


def labels(seed=1):
    """pid and camid [N] of 1,980 queries, then 9,330 gallery tracklets, 3,248 of them distractors (pid 0)."""
    random = np.random.default_rng(seed)
    query = np.concatenate([np.arange(1, PEOPLE + 1), random.integers(1, PEOPLE + 1, QUERIES - PEOPLE)])
    share = random.pareto(1.5, PEOPLE) + 0.2  # few people have most of the tracklets
    gallery = random.choice(np.arange(1, PEOPLE + 1), GALLERY - DISTRACTORS, p=share / share.sum())
    pids = np.concatenate([query, gallery, np.zeros(DISTRACTORS, int)])
    return pids, random.integers(1, CAMERAS + 1, len(pids))


def features(pids, camids, width=1024, noise=0.52, seed=1):
    """[N, E] float32: a point in 40 dimensions for each person, moved by camera and chance, embedded in E."""
    random = np.random.default_rng(seed)
    centre = random.normal(size=(pids.max() + 1, 40))[pids]
    nobody = pids == 0
    centre[nobody] = random.normal(size=(nobody.sum(), 40))
    offset = 0.3 * random.normal(size=(CAMERAS + 1, 40))[camids]
    spread = noise * random.gamma(4, 0.25, (len(pids), 1)) * random.normal(size=(len(pids), 40))
    embedding = (centre + offset + spread) @ (random.normal(size=(40, width)) / 40**0.5)
    return (embedding + 0.1 * random.normal(size=embedding.shape)).astype(np.float32)
