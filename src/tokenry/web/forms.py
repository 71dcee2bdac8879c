"""Reading forms: as browsers' links have them, or in parts."""

from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser, MultipartParser, MultipartState, parse_options_header

from tokenry.domain.errors import Fault, Invalid

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
FORMS = (URLENCODED, MULTIPART)

Pairs = list[tuple[str, str]]


def read_form(raw: bytes, media_type: str, repeatable: Collection[str] = ()) -> Mapping[str, object]:
    """Read a form (RFC 6749 section 3.2): a parameter without a value is none, and each comes once. Raises Invalid.

    `media_type` is the header that announced it, whole. A `repeatable` parameter may come several times: it is a tuple.
    """
    multipart = media_type.partition(";")[0].strip().lower() == MULTIPART
    pairs = _read_parts(raw, media_type) if multipart and raw else parse_qsl(raw.decode("utf-8", "replace"))
    form: dict[str, object] = {}
    for name, value in pairs:
        if name in repeatable:
            form[name] = (*_values(form, name), value)
        elif name in form:
            raise Invalid(Fault("Each parameter must be sent only once"))
        else:
            form[name] = value
    return form


def _values(form: Mapping[str, object], name: str) -> tuple[object, ...]:
    values = form.get(name, ())
    assert isinstance(values, tuple)
    return values


def _read_parts(raw: bytes, media_type: str) -> Pairs:
    """Read a form in parts (RFC 7578), none of which is a file. Raises Invalid."""
    _, options = parse_options_header(media_type)
    fields: list[Field] = []
    files: list[File] = []
    try:
        reader = FormParser(MULTIPART, fields.append, files.append, boundary=options.get(b"boundary"))
        reader.write(raw)
    except FormParserError:
        raise Invalid(Fault("Invalid form")) from None
    for file in files:
        file.close()
    if files or not (isinstance(reader.parser, MultipartParser) and reader.parser.state is MultipartState.END):
        raise Invalid(Fault("Invalid form"))
    pairs = ((_text(field.field_name), _text(field.value)) for field in fields)
    return [(name, value) for name, value in pairs if value]


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")
