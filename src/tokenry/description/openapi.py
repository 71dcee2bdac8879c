"""What this interface says about itself: `openapi.yaml`, read once, and served as JSON with the scopes there are."""

import copy
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from tokenry.domain.scopes import Catalogue, Level
from tokenry.web.dialect import Dialect
from tokenry.web.document import Document

Part = Mapping[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
"""Those that operations are described for; HEAD follows from GET, and OPTIONS is the same everywhere."""
# libyaml's parser takes a seventh of the time; a PyYAML that was built without it does the same.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def read_description() -> dict[str, Any]:
    """Read the description; `x-shared`, where its YAML anchors stand, is not part of it."""
    text = files("tokenry.description").joinpath("openapi.yaml").read_bytes()
    description: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506 - one of the two safe loaders
    return {key: value for key, value in description.items() if key != "x-shared"}


@cache
def describe(catalogue: Catalogue) -> dict[str, Any]:
    """The description of a service with this catalogue: it says which scopes can be asked for."""
    names = [resource.name for resource in catalogue.resources]
    scope = "|".join([r"\*", *catalogue.scopes])
    policy = f"(scope=({scope})|resource=({'|'.join(names)}))"
    narrowed = {
        "Scope": {"enum": ["*", *catalogue.scopes]},
        "Resource": {"enum": names},
        "AskedScopes": {"pattern": f"^[ ,]*({scope})([ ,]+({scope}))*[ ,]*$"},
        "Policy": {"pattern": f"^({policy}(&{policy})*)?$"},
    }
    description = copy.deepcopy(read_description())
    schemas = description["components"]["schemas"]
    for name, words in narrowed.items():
        schemas[name] |= words
    for flow in description["components"]["securitySchemes"]["oauth"]["flows"].values():
        flow["scopes"] = _list_scopes(catalogue)
    return description


def with_endpoints(description: Part, public_url: str | None) -> Part:
    """The same with the whole addresses of OAuth's endpoints, which else are relative to that of the description."""
    components = description["components"]
    schemes = components["securitySchemes"]
    flows = {
        name: {key: f"{public_url or ''}{value}" if key.endswith("Url") else value for key, value in flow.items()}
        for name, flow in schemes["oauth"]["flows"].items()
    }
    known = {**schemes, "oauth": {**schemes["oauth"], "flows": flows}}
    return {**description, "components": {**components, "securitySchemes": known}}


def _list_scopes(catalogue: Catalogue) -> Mapping[str, str]:
    """Every scope, and what it is for."""
    words = {Level.READ_ONLY: "view", Level.READ_WRITE: "view and change"}
    about = {
        f"{resource.name}:{level.word}": f"{resource.description or resource.name} ({words[level]})"
        for resource in catalogue.resources
        for level in resource.levels
    }
    return {"*": "Everything", **about}


def resolve(part: Part) -> Part:
    """What a part that is a reference refers to; any other part itself."""
    while "$ref" in part:
        target: Any = read_description()
        for key in part["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        part = target
    return part


@cache
def description_as_json(catalogue: Catalogue, dialect: Dialect, public_url: str | None) -> Document:
    """`/openapi.json`, also for tools that run in a browser."""
    body = json.dumps(with_endpoints(describe(catalogue), public_url)).encode("ascii")
    return Document(dialect, body, b"application/json", (b"access-control-allow-origin", b"*"))
