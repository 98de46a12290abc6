"""One question a file. To add a detector: its file, its line here, its test."""

from leeway.detectors.destination_fan_out import DestinationFanOut
from leeway.detectors.excess_transfer import ExcessTransfer
from leeway.detectors.learning import Learning
from leeway.detectors.model_file_first_modified import ModelFileFirstModified
from leeway.detectors.model_file_new_user import ModelFileNewUser
from leeway.detectors.model_file_unusual_arguments import ModelFileUnusualArguments
from leeway.detectors.module_not_approved import ModuleNotApproved
from leeway.detectors.new_agent import NewAgent
from leeway.detectors.new_child import NewChild
from leeway.detectors.new_destination import NewDestination
from leeway.detectors.new_module import NewModule
from leeway.detectors.new_path import NewPath
from leeway.detectors.new_user import NewUser
from leeway.detectors.process_not_allowed import ProcessNotAllowed
from leeway.detectors.view import Closes, Detector, View, judge

ALL: tuple[Detector, ...] = (
    NewAgent(),
    Learning(),
    NewUser(),
    NewDestination(),
    NewPath(),
    ExcessTransfer(),
    ModelFileFirstModified(),
    ModelFileNewUser(),
    ModelFileUnusualArguments(),
    NewChild(),
    DestinationFanOut(),
    ProcessNotAllowed(),
    ModuleNotApproved(),
    NewModule(),
)
"""The detectors of a default installation."""

__all__ = ["ALL", "Closes", "Detector", "View", "judge"]
