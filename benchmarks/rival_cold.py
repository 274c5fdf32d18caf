"""The rival of a cold start: a process that imports pydantic's BaseModel and builds one schema of 25 strict models."""

from pydantic import BaseModel, ConfigDict, create_model

STRICT = ConfigDict(strict=True, frozen=True, extra="forbid")
PARTS = {
    f"part_{n}": (create_model(f"Part{n}", __config__=STRICT, name=(str, ...), size=(int, ...)), ...) for n in range(24)
}


class Whole(BaseModel):
    """The 25th model."""

    model_config = STRICT


create_model("All", __base__=Whole, **PARTS).model_json_schema()  # type: ignore[call-overload]
