"""The report of a release: one page of HTML that holds all it shows, to be read on a screen and on paper.

``pictures`` and ``maps`` draw (matplotlib), ``sheet`` chooses patches to look at, ``changes`` holds the
release against the one before, ``page`` fills the template. Nothing is fetched from anywhere, no script runs,
and the same release gives the same bytes.
"""

from workbench.export.report.page import PAGE, Sheet, report_page
from workbench.export.report.pictures import check_libraries

__all__ = ["PAGE", "Sheet", "check_libraries", "report_page"]
