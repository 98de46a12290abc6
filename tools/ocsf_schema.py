"""Write the JSON Schema that OCSF findings are tested against, out of a compiled export of the OCSF schema.

    python tools/ocsf_schema.py EXPORT.json

EXPORT.json is what schema.ocsf.io gives for release 1.8.0 (`/1.8.0/export/v2/schema`); the package
`ocsf-json-schema` on PyPI carries it. What release 1.9.0 changed in the objects concerned is listed here, with the pull
request of each change in ocsf/ocsf-schema, whose CHANGELOG names them under 1.9.0. The OCSF schema is under the Apache
License 2.0; only its facts (names, types, requirements, numbers) are taken, no text.
"""

import json
import sys
from pathlib import Path
from typing import Any

BASE, VERSION = "1.8.0", "1.9.0"

PAGE = Path(__file__).resolve().parent.parent / "tests" / "sinks" / f"ocsf_2004_{VERSION}.schema.json"

CLASS = "detection_finding"

OBJECTS = (
    "ai_agent",
    "analysis_target",
    "analytic",
    "anomaly",
    "anomaly_analysis",
    "attack",
    "baseline",
    "device",
    "evidences",
    "file",
    "finding_info",
    "metadata",
    "network_endpoint",
    "observable",
    "observation",
    "process",
    "process_entity",
    "product",
    "related_event",
    "technique",
    "user",
)
"""Objects that the sink writes; an attribute that would hold another one is not allowed."""

_TEXT = {"type": "string_t", "requirement": "recommended"}

ADDED_OBJECTS: dict[str, dict[str, Any]] = {
    # Pull request 1641; 1699 made `uid` recommended beside `name`, of which one must be there.
    "ai_agent": {
        "constraints": {"at_least_one": ["name", "uid"]},
        "attributes": {
            "uid": _TEXT,
            "instance_uid": _TEXT,
            "name": _TEXT,
            "type": _TEXT,
            "type_id": {"type": "integer_t", "enum": dict.fromkeys(("0", "1", "2", "3", "4", "99"))},
            "version": _TEXT,
        },
    },
}

ADDED_ATTRIBUTES = {
    ("evidences", "ai_agent"): {"type": "object_t", "object_type": "ai_agent"},  # 1681
    ("process", "ai_agent"): {"type": "object_t", "object_type": "ai_agent"},  # 1641
}

_PLAIN: dict[str, dict[str, Any]] = {
    "boolean_t": {"type": "boolean"},
    "float_t": {"type": "number"},
    "integer_t": {"type": "integer"},
    "long_t": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "timestamp_t": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "port_t": {"type": "integer", "minimum": 0, "maximum": 65535},
    "json_t": {},
    "ip_t": {"type": "string", "maxLength": 40, "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
}
"""Types that are not plain strings."""


def schema(export: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of the class and of the objects it is made of."""
    objects = {**export["objects"], **ADDED_OBJECTS}
    for (holder, name), attribute in ADDED_ATTRIBUTES.items():
        objects[holder]["attributes"][name] = attribute
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": f"OCSF {VERSION}, class 2004; made by tools/ocsf_schema.py from the export of {BASE}. Apache-2.0.",
        **_object(export["classes"][CLASS]),
        "$defs": {name: _object(objects[name]) for name in OBJECTS},
    }


def _object(definition: dict[str, Any]) -> dict[str, Any]:
    attributes = {name: one for name, one in definition["attributes"].items() if _is_taken(one)}
    required = sorted(name for name, one in attributes.items() if one.get("requirement") == "required")
    either = definition.get("constraints", {}).get("at_least_one", [])
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _property(one) for name, one in sorted(attributes.items())},
        **({"required": required} if required else {}),
        **({"anyOf": [{"required": [name]} for name in sorted(either) if name in attributes]} if either else {}),
    }


def _is_taken(attribute: dict[str, Any]) -> bool:
    """Leave out what is deprecated, what only a profile brings, and objects that the sink does not write."""
    if "@deprecated" in attribute or attribute.get("profiles"):
        return False
    return attribute["type"] != "object_t" or attribute["object_type"] in {*OBJECTS, "object"}


def _property(attribute: dict[str, Any]) -> dict[str, Any]:
    if attribute["type"] != "object_t":
        one = dict(_PLAIN.get(attribute["type"], {"type": "string"}))
    elif attribute["object_type"] == "object":
        one = {"type": "object"}
    else:
        one = {"$ref": f"#/$defs/{attribute['object_type']}"}
    if attribute.get("enum") and one.get("type") == "integer":
        one["enum"] = sorted(map(int, attribute["enum"]))
    return {"type": "array", "items": one} if attribute.get("is_array") else one


def main() -> None:
    """Read the export that is named, write the schema."""
    export = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    if export["version"] != BASE:
        sys.exit(f"this is the export of {export['version']}, not of {BASE}")
    PAGE.write_text(json.dumps(schema(export), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")


if __name__ == "__main__":
    main()
