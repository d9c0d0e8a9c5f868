"""Whether the pixels of a patch are those that its index has digests of, however they are encoded.

The index has a digest of codes, of which a layout has numbers, and one of all bands of the orthophoto, of
which a layout may have some: what cannot be held against a digest without doubt is not held against it.
"""

from __future__ import annotations

__all__ = ["are_image", "are_labels"]

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.documents import digest_arrays
from workbench.export.fingerprints import LIGHT, fingerprint, luminance
from workbench.export.patches import Patch, codes_digest
from workbench.nomenclature import Nomenclature
from workbench.nomenclature.lookup import UNLABELLED


def are_labels(values: NDArray[np.uint8], patch: Patch, nomenclature: Nomenclature, scheme: str) -> bool:
    """Tell whether labels may be those of a patch; False where they are not, without doubt.

    Pixels that nobody labelled are written as a scheme's *other*. Where a patch has such pixels and also some
    of that class, nobody can tell which are which, and nothing is said against it.

    Parameters
    ----------
    values
        Shape (row, col), in the numbers of the scheme, none that it does not have.
    patch
        What the index says of them.
    nomenclature, scheme
        What the numbers stand for.
    """
    numbers = {entry.values[scheme] for entry in nomenclature.classes}
    if not patch.label_sha256 or len(numbers) < len(nomenclature.classes):
        return True
    other = nomenclature.schemes[scheme].other
    if patch.unlabelled and (other is None or patch.class_counts.get(other)):
        return True
    codes = nomenclature.decode(values, scheme)
    if codes_digest(codes) == patch.label_sha256:
        return True
    if not patch.unlabelled:
        return False
    # Labels that were recoded have that class where nobody labelled, those of a campaign the code 0.
    codes[np.isin(codes, [entry.code for entry in nomenclature.classes if entry.key == other])] = UNLABELLED
    return codes_digest(codes) == patch.label_sha256


def are_image(
    image: NDArray[np.uint8], bands: Sequence[str], patch: Patch, original: Sequence[str] | None
) -> bool:
    """Tell whether an image may be the orthophoto of a patch; False where it is not, without doubt.

    Parameters
    ----------
    image, bands
        Shape (band, row, col), and what the bands are.
    patch
        What the index says of it.
    original
        Bands of the orthophoto in its own sequence; None where nobody knows them, as in older releases: then
        the fingerprint tells alone, for a layout that has red, green and blue.
    """
    if original is not None and patch.image_sha256 and set(original) <= set(bands):
        planes = image[[bands.index(band) for band in original]]
        if digest_arrays(",".join(original).encode(), planes) != patch.image_sha256:
            return False
    lit = original is None or set(original) >= LIGHT
    if not patch.picture_hash or not set(bands) >= (LIGHT if lit else set(original or ())):
        return True
    shown = bands if lit else original or ()
    seen = fingerprint(luminance(image[[bands.index(band) for band in shown]], shown))
    return (seen.hash, seen.contrast) == (patch.picture_hash, patch.contrast)
