"""Releases published as data sets: what hubs, catalogues and libraries read about them, beside their files.

``survey`` goes through a release once, ``Edition`` is what whoever publishes it says; of these two alone
``readme``, ``datasheet``, ``croissant``, ``stac`` and ``citation`` are made, and ``statements`` are the
sentences that they share. ``publishing`` strings together.
"""

from workbench.dataset.edition import Edition, read_edition
from workbench.dataset.publishing import PublishedDataset, publish_dataset

__all__ = ["Edition", "PublishedDataset", "publish_dataset", "read_edition"]
