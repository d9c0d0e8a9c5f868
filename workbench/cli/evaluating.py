"""The command that says what models or a prediction are worth."""

from __future__ import annotations

__all__ = ["evaluate"]

from pathlib import Path
from typing import Any

import click

from workbench.cli.commands import Command
from workbench.cli.options import (
    DEVICE,
    JSON,
    OVERWRITE,
    PATH,
    RULE,
    emit,
    example,
    progress,
    say,
    split_names,
)


@click.command(cls=Command, epilog=example("workbench evaluate truth.tif --prediction prediction.tif"))
@click.argument("source", metavar="RELEASE|TRUTH.tif", type=PATH)
@click.option(
    "--model",
    "models",
    type=PATH,
    multiple=True,
    help="Model to run on the patches of a release; several are compared, in the order given.",
)
@click.option("--prediction", type=PATH, help="Raster to hold against a mask.")
@RULE
@click.option("--drop", callback=split_names, help="Further classes to leave out by the rule flair: snow,…")
@click.option("--split", help="Patches: split_1:test (if not given), split_2:valid, prod:valid, all.")
@DEVICE
@click.option("--nomenclature", help="Of the mask's classes (flair-19 if not given).")
@click.option("--scheme", help="How the mask is numbered: as it says, or else flair; flair_hub, … or codes.")
@click.option(
    "--prediction-scheme",
    help="How the prediction is, if otherwise; flair-argmax is 0–18 as flair-detect writes it.",
)
@click.option("--plot", type=PATH, help="PNG of the confusion matrix to write.")
@click.option("--reliability", type=PATH, help="PNG of the reliability diagram to write.")
@click.option(
    "--metrics", type=PATH, help="Folder for metrics.json and confmat.npy as IGN's tools write them."
)
@OVERWRITE
@JSON
def evaluate(
    source: Path,
    models: tuple[Path, ...],
    prediction: Path | None,
    rule: str,
    drop: tuple[str, ...] | None,
    split: str | None,
    device: str,
    nomenclature: str | None,
    scheme: str | None,
    prediction_scheme: str | None,
    plot: Path | None,
    reliability: Path | None,
    metrics: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure models on a release, or a predicted raster on a mask: IoU by class, OA, calibration."""
    from workbench.workflows.evaluating import (
        Outputs,
        check_outputs,
        compare_models,
        evaluate_model,
        evaluate_prediction,
        write_outputs,
    )

    if (not models) == (prediction is None):
        raise click.UsageError("give --model for a release, or --prediction for a mask")
    if len(models) > 1 and (plot or reliability or metrics):
        raise click.UsageError("--plot, --reliability and --metrics are of one model; give one --model")
    outputs = Outputs(plot=plot, reliability=reliability, metrics=metrics, overwrite=overwrite)
    check_outputs(outputs, sources=[path for path in (source, prediction) if path])
    dropped = drop or ()
    if models:
        if nomenclature or scheme or prediction_scheme:
            raise click.UsageError("a release knows its classes; --nomenclature and schemes are for a mask")
        with progress("patches") as bar:
            how: dict[str, Any] = {"rule": rule, "dropped": dropped, "split": split or "split_1:test"}
            how |= {"device": device, "say": say, "progress": bar}
            if len(models) > 1:
                compared = compare_models(source, models, **how)
                emit("model-comparison", compared.document(), compared.text(), as_json=as_json)
                return
            found = evaluate_model(source, models[0], **how)
    elif prediction is not None:
        if split:
            raise click.UsageError("--split is for a release; a mask has no splits")
        found = evaluate_prediction(
            source,
            prediction,
            rule=rule,
            dropped=dropped,
            nomenclature=nomenclature or "flair-19",
            scheme=scheme,
            prediction_scheme=prediction_scheme,
        )
    written = write_outputs(found, outputs)
    document = found.document() | {"files": [str(path) for path in written]}
    emit("evaluate", document, "\n".join([found.text(), *map(str, written)]), as_json=as_json)
