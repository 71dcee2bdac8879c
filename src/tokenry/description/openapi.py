"""What this interface says about itself: `openapi.yaml`, read once, and served as JSON with the scopes there are."""

import copy
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from tokenry.domain.catalogue import Catalogue, Resource
from tokenry.domain.scopes import INSTANCE, Level
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
    resources = [resource for resource in catalogue.resources if resource.find_action(Level.READ_ONLY) is not None]
    names = "|".join(f"{resource.name}{_instances(resource)}" for resource in resources)
    scopes = [f"{scope}{_instances(resource)}" for resource in catalogue.resources for scope in resource.scopes]
    scope = "|".join([r"\*", *scopes])
    policy = f"(scope=({scope})|resource=({names}))"
    narrowed = {
        "Scope": {"pattern": f"^({scope})$"} if "@" in scope else {"enum": ["*", *catalogue.scopes]},
        "Resource": {"pattern": f"^({names})$"} if "@" in names else {"enum": [each.name for each in resources]},
        "AskedScopes": {"pattern": f"^[ ,]*({scope})([ ,]+({scope}))*[ ,]*$"},
        "Policy": {"pattern": f"^({policy}(&{policy})*)?$"},
    }
    description = copy.deepcopy(read_description())
    schemas = description["components"]["schemas"]
    for name, words in narrowed.items():
        schemas[name] = {key: value for key, value in schemas[name].items() if key not in {"enum", "pattern"}} | words
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


def _instances(resource: Resource) -> str:
    """What may follow its name, or a scope of it, as a pattern."""
    return f"(@{INSTANCE.pattern})?" if resource.instances else ""


def _list_scopes(catalogue: Catalogue) -> Mapping[str, str]:
    """Every scope, and what it is for."""
    about = {
        scope: f"{resource.shown}: {action.shown}"
        for resource in catalogue.resources
        for scope, action in zip(resource.scopes, resource.actions, strict=True)
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
