"""Where pixels lie: windows, grids, rasters, zones."""

from workbench.geo.grid import NATIONAL_GRID, Bounds, PatchLattice, PixelGrid, Window

__all__ = ["Bounds", "NATIONAL_GRID", "PatchLattice", "PixelGrid", "Window"]
