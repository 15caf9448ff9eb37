"""The scores and their weights, as the reference's default profile has them."""

from corral.scheduler.scores.contract import Score
from corral.scheduler.scores.images import SCORE as IMAGES
from corral.scheduler.scores.nodeaffinity import SCORE as NODE_AFFINITY
from corral.scheduler.scores.podaffinity import SCORE as POD_AFFINITY
from corral.scheduler.scores.resources import BALANCED, LEAST
from corral.scheduler.scores.spread import CONSTRAINTS, FAMILY
from corral.scheduler.scores.taints import SCORE as TAINTS

SCORES: tuple[Score, ...] = (TAINTS, NODE_AFFINITY, LEAST, BALANCED, IMAGES, FAMILY, CONSTRAINTS, POD_AFFINITY)
