"""The paths of the description."""

from collections.abc import Mapping

from starlette.types import ASGIApp

from tokenry.description.openapi import description_as_json
from tokenry.description.page import description_as_page
from tokenry.domain.catalogue import Catalogue
from tokenry.web.dialect import Dialect


def description_paths(catalogue: Catalogue, dialect: Dialect, public_url: str | None) -> Mapping[str, ASGIApp]:
    """The description in both forms, the same for everybody; `dialect` is that of its refusals."""
    return {
        "/openapi.json": description_as_json(catalogue, dialect, public_url),
        "/docs": description_as_page(catalogue, dialect),
    }
