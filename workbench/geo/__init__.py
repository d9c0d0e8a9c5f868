"""Where pixels lie: windows, grids, rasters, zones."""

from workbench.geo.grid import NATIONAL_GRID, Bounds, PatchLattice, PixelGrid, Window

__all__ = ["NATIONAL_GRID", "Bounds", "PatchLattice", "PixelGrid", "Window"]
