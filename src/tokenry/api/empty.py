"""Lists of things that the wire format has and this service lacks. Clients ask for them all the same."""

from collections.abc import Callable, Mapping

from tokenry.api.lists import read_list
from tokenry.api.wire import write_page
from tokenry.domain.filters import Kind
from tokenry.domain.paging import Page
from tokenry.web.requests import Call

REGIONS = {"country": Kind.TEXT, "id": Kind.TEXT, "label": Kind.TEXT, "status": Kind.TEXT}
TYPES = {
    "class": Kind.TEXT,
    "disk": Kind.INTEGER,
    "gpus": Kind.INTEGER,
    "id": Kind.TEXT,
    "label": Kind.TEXT,
    "memory": Kind.INTEGER,
    "transfer": Kind.INTEGER,
    "vcpus": Kind.INTEGER,
}
IMAGES = {
    "created": Kind.TIME,
    "deprecated": Kind.TRUTH,
    "id": Kind.TEXT,
    "is_public": Kind.TRUTH,
    "label": Kind.TEXT,
    "size": Kind.INTEGER,
    "status": Kind.TEXT,
    "tags": Kind.TEXT,
    "type": Kind.TEXT,
    "vendor": Kind.TEXT,
}


def empty_list(fields: Mapping[str, Kind]) -> Callable[[Call], object]:
    """An operation: GET a list with such fields, judged as if it had rows."""

    def list_nothing(call: Call) -> object:
        request, _ = read_list(call, fields)
        return write_page(Page((), request, 0), dict)

    return list_nothing
