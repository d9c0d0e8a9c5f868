"""Maps made of predictions: CoSIA, OCS GE cover, and what a crosswalk of one's own makes of them.

``cover`` turns codes into a map's values with ``voting`` and ``generalising``; ``blocks`` and ``kinds`` say
how a product is cut and named.
"""

from workbench.products.blocks import Block, blocks_of
from workbench.products.cover import Cover, Regions, make_cover
from workbench.products.generalising import Generalised, MinimumUnits, generalise
from workbench.products.kinds import COSIA, KINDS, OCSGE, ProductKind

__all__ = [
    "Block",
    "COSIA",
    "Cover",
    "Generalised",
    "KINDS",
    "MinimumUnits",
    "OCSGE",
    "ProductKind",
    "Regions",
    "blocks_of",
    "generalise",
    "make_cover",
]
