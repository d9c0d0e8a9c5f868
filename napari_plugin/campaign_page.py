"""A campaign of which no zone is open, in the dock: its zones, and what is proposed where it has none yet."""

from __future__ import annotations

__all__ = ["CampaignPage"]

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_plugin.language import tr
from napari_plugin.queue_panel import QueuePanel


class CampaignPage(QWidget):
    """The queue of a campaign without any zone: one is made of a proposal, and opened.

    Parameters
    ----------
    campaign
        Its directory.
    author
        Who looks.
    choose
        Asks for another campaign.
    """

    def __init__(self, campaign: Path, author: str, choose: Callable[[], None]) -> None:
        super().__init__()
        title = QLabel(campaign.resolve().name)
        title.setObjectName("title")
        hint = QLabel(
            tr(
                "This campaign has no zone yet. Make one of a proposal; without any, add one by "
                "workbench zone add, or have some proposed by workbench propose."
            )
        )
        hint.setObjectName("dim")
        hint.setWordWrap(True)
        self.queue = QueuePanel(campaign, author)
        self.queue.proposals.head.setChecked(True)
        button = QPushButton(tr("Open a campaign…"))
        button.setObjectName("open")
        button.clicked.connect(lambda: choose())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (title, hint):
            column.addWidget(widget)
        column.addWidget(self.queue, 1)
        column.addWidget(button)

    def release(self) -> None:
        """Let go of the campaign."""
        self.queue.release()
