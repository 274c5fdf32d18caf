"""The tools of a catalog: releases, imported contracts and reviewed privilege floors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from bspec_opa.binding.entries import ACTIVE, Release, ToolEntry
from bspec_opa.binding.findings import objects
from bspec_opa.binding.identity import why_no_identity, why_no_release
from bspec_opa.binding.importers.interface import PRIVILEGES, Contract, default_floor
from bspec_opa.binding.importers.registry import HAND_WRITTEN, IMPORTERS
from bspec_opa.binding.model import Artifact, Operation
from bspec_opa.binding.reasons import FLOOR_LOWERED, NO_CONTRACT, NO_IDENTITY, UNKNOWN_REVIEWED
from bspec_opa.foundation.digest import Digest
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.binding.findings import Findings
    from bspec_opa.foundation.canonical import JsonObject

_PURL = re.compile(r"pkg:[a-z][a-z0-9.+-]*/\S+\Z")
_VERSIONED = re.compile(r".*/[^/@]+@[^/@]+\Z")
_SHOWN = 60


class ToolBuilder:
    """Builds tool entries; imports each document once.

    Attributes:
        imported: digests of the contracts by the documents' paths.
    """

    def __init__(self, findings: Findings, read_document: Callable[[str], bytes]) -> None:
        self.imported: dict[str, Digest] = {}
        self._findings = findings
        self._read = read_document
        self._contracts: dict[tuple[str, str], Contract | None] = {}

    def tool(self, value: JsonObject, at: str) -> ToolEntry:
        """An entry whose shape is right; what else is wrong is noted."""
        trusted = value.get("trusted") is True
        releases = [
            self._release(r, f"{at}/releases/{i}", trusted=trusted) for i, r in enumerate(objects(value, "releases"))
        ]
        self._findings.refuse_twins(f"{at}/releases", [r.version for r in releases], "release")
        return ToolEntry(
            id=str(value["id"]),
            class_=str(value["class"]),
            publisher=str(value["publisher"]),
            trusted=trusted,
            releases=tuple(sorted(releases, key=lambda r: r.version)),
        )

    def _release(self, value: JsonObject, at: str, *, trusted: bool) -> Release:
        version = str(value["version"])
        why = why_no_release(version)
        if why is not None:
            self._findings.add(NO_IDENTITY, f"{at}/version", f"version {version[:_SHOWN]!r} {why}", "name one release")
        reviewed = objects(value, "operations")
        self._findings.refuse_twins(f"{at}/operations", [str(o["name"]) for o in reviewed], "operation")
        contract = self._contract(value, at)
        return Release(
            version=version,
            status=str(value.get("status", ACTIVE)),
            artifact=self._artifact(value, at),
            contract=contract or Contract("", {"tools": []}),
            operations=self._operations(contract, reviewed, at, trusted=trusted) if contract else (),
        )

    def _artifact(self, value: JsonObject, at: str) -> Artifact | None:
        found = cast("dict[str, str] | None", value.get("artifact"))
        if found is None:
            return None
        why = why_no_identity(found["purl"]) or _why_no_purl(found["purl"], versioned="digest" not in found)
        if why is not None:
            shown = found["purl"][:_SHOWN]
            self._findings.add(
                NO_IDENTITY, f"{at}/artifact/purl", f"purl {shown!r} {why}", "write it like pkg:npm/name@1.2.3"
            )
        return Artifact(found["purl"], Digest(found["digest"]) if "digest" in found else None)

    def _contract(self, value: JsonObject, at: str) -> Contract | None:
        """None if there is none to be had; then the reason is noted."""
        source = cast("dict[str, str] | None", value.get("document"))
        if source is not None:
            key = (source["importer"], source["path"])
            if key not in self._contracts:
                self._contracts[key] = self._import(*key, f"{at}/document/path")
            return self._contracts[key]
        names = [str(o["name"]) for o in objects(value, "operations")]
        if not names:
            self._findings.add(
                NO_CONTRACT, at, "the release has neither document nor operations", "name what the tool can do"
            )
            return None
        return HAND_WRITTEN.contract([{"name": n} for n in dict.fromkeys(names)])

    def _import(self, importer: str, path: str, at: str) -> Contract | None:
        if not self._findings.check_path(path, at):
            return None
        try:
            contract = IMPORTERS[importer].contract(parse_json(self._read(path), path, text=False))
            self.imported[path] = contract.digest
        except BspecError as e:
            self._findings.add_import(e, at, path)
            return None
        return contract

    def _operations(
        self, contract: Contract, reviewed: list[JsonObject], at: str, *, trusted: bool
    ) -> tuple[Operation, ...]:
        hints = contract.hints
        floors = {name: default_floor(h, trusted=trusted) for name, h in hints.items()}
        for index, operation in enumerate(reviewed):
            name, floor = str(operation["name"]), str(operation["privilege_floor"])
            place = f"{at}/operations/{index}"
            if name not in hints:
                message = f'the document has no operation "{name}"'
                self._findings.add(UNKNOWN_REVIEWED, f"{place}/name", message, did_you_mean(name, hints))
            elif not trusted and PRIVILEGES.index(floor) < PRIVILEGES.index(floors[name]):
                self._findings.add(
                    FLOOR_LOWERED,
                    f"{place}/privilege_floor",
                    f'"{name}" can\'t be lowered from {floors[name]} to {floor}: the publisher is not trusted',
                    "write trusted: true for a publisher whose tools you have reviewed",
                )
            else:
                floors[name] = floor
        return tuple(Operation(n, floors[n], hints[n]) for n in sorted(hints))


def _why_no_purl(purl: str, *, versioned: bool) -> str | None:
    if not _PURL.match(purl):
        return "is no package URL"
    if versioned and not _VERSIONED.match(re.split(r"[?#]", purl, maxsplit=1)[0]):
        return "has neither a version nor a digest beside it"
    return None
