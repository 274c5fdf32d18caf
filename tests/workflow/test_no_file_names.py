"""What people name as a file and is none, or is one that can't be read, is told and not a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.trust.keys import read_owned
from bspec_opa.workflow.checkout.keys import public_name
from bspec_opa.workflow.checkout.project import intent_beside, lock_beside


@pytest.mark.parametrize("path", [".", "/", ""])
@pytest.mark.parametrize("beside", [lock_beside, intent_beside, public_name])
def test_there_is_nothing_beside_what_names_no_file(path: str, beside: object) -> None:
    assert callable(beside)
    with pytest.raises(BspecError, match="names no file") as raised:
        beside(Path(path))
    assert raised.value.exit_code == ExitCode.INVALID


def test_a_key_file_whose_reading_fails() -> None:
    with pytest.raises(BspecError, match="key file can't be read") as raised:
        read_owned(Path("/proc/self/mem"))
    assert raised.value.code == "file.unreadable"
