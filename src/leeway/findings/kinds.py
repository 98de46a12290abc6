"""The types of findings: a closed set of ten, an open registry beyond it, correlations and health."""

ANOMALY_TYPES = (
    "new_agent",
    "learning",
    "new_user",
    "new_destination",
    "new_path",
    "excess_transfer",
    "model_file_first_modified",
    "model_file_new_user",
    "model_file_unusual_arguments",
    "new_child",
)
"""The ten anomaly types (rows B26 to B35); closed."""

REGISTERED_TYPES = ("destination_fan_out", "process_not_allowed", "module_not_approved", "new_module")
"""Types beyond the ten; versioned and open."""

CORRELATIONS = ("flow_and_module",)

NAMED_RANGE = "named range"
"""First part of a new destination that is a range: its name is the user's, and may read like a host's."""

HEALTH_TYPES = ("cardinality_exceeded", "telemetry_gap")

TAGS: dict[str, tuple[str, ...]] = {
    "telemetry_gap": ("ATT&CK T1562",),
    "new_user": ("ATT&CK T1078",),
    "new_destination": ("ATT&CK T1071",),
    "destination_fan_out": ("ATT&CK T1071", "ATT&CK T1046"),
    "excess_transfer": ("ATT&CK T1048", "ATLAS AML.T0025"),
    "model_file_first_modified": ("ATLAS AML.T0018",),
    "model_file_new_user": ("ATLAS AML.T0018", "ATT&CK T1078"),
    "model_file_unusual_arguments": ("ATLAS AML.T0018",),
    "new_child": ("ATT&CK T1059", "ATLAS AML.T0053"),
    "process_not_allowed": ("ATT&CK T1059", "ATLAS AML.T0053"),
    "new_module": ("ATT&CK T1129",),
    "module_not_approved": ("ATT&CK T1129", "ATT&CK T1574"),
    "flow_and_module": ("ATT&CK T1129", "ATT&CK T1071"),
}
"""Techniques a type would belong to if it were hostile; absent where none is known."""
"""MITRE ATT&CK v17 and ATLAS v5 identifiers."""
