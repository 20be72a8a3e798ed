"""The papers' methods, the parts that they name and the protocols that their numbers are of."""

import pytest
from method_checks import registry_of

from vreid_plugins import clip_similarity, hog3d, ica, personvlad, stfv3d, tacan, temporal_modeling, two_stream
from vreid_plugins.aggregators import pooling
from vreid_plugins.augmentations import crop, erasing, flip, rotation, shift
from vreid_plugins.encoders import alexnet, c3d, i3d, inception_v3, resnet, resnet3d, senet, two_streams, vgg16
from vreid_plugins.losses import cross_entropy, oim, triplet
from vreid_plugins.matchers import kissme, mean, weighted, xqda
from vreid_plugins.protocols import corruption, selection

PAPERS = (clip_similarity, hog3d, ica, personvlad, stfv3d, tacan, temporal_modeling, two_stream)
ENCODERS = (alexnet, c3d, i3d, inception_v3, resnet, resnet3d, senet, two_streams, vgg16)
AUGMENTATIONS = (crop, erasing, flip, rotation, shift)
PROTOCOLS = (corruption, selection)
OTHERS = (pooling, cross_entropy, oim, triplet, kissme, mean, weighted, xqda)


@pytest.fixture(scope="session")
def registry():
    return registry_of(*PAPERS, *ENCODERS, *AUGMENTATIONS, *PROTOCOLS, *OTHERS)
