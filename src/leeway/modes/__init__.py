"""bootstrap, collect, train, detect, review: what a run does, with its inputs as arguments. Nothing here prints."""

from leeway.modes.bootstrap import bootstrap
from leeway.modes.collect import collect
from leeway.modes.delivery import deliver
from leeway.modes.detect import detect
from leeway.modes.directory import Directory, open_directory
from leeway.modes.ingest import Window
from leeway.modes.report import Deliveries, Report
from leeway.modes.request import Period, Progress, Request, quiet
from leeway.modes.review import review
from leeway.modes.survey import survey, survey_summaries
from leeway.modes.train import train

__all__ = [
    "Deliveries",
    "Directory",
    "Period",
    "Progress",
    "Report",
    "Request",
    "Window",
    "bootstrap",
    "collect",
    "deliver",
    "detect",
    "open_directory",
    "quiet",
    "review",
    "survey",
    "survey_summaries",
    "train",
]
