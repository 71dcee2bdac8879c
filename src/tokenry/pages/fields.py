"""What a request has for a page: the parameters of its query, and the fields of its form."""

from urllib.parse import parse_qsl

from tokenry.domain.errors import Fault, Refusal

PARAMETERS_MAX = 1000


class Incomplete(Refusal):
    """A form that no page of ours sends: a field is missing that every browser sends, or is there twice."""

    def __init__(self) -> None:
        super().__init__(Fault("This form did not arrive whole. Nothing was done: open its page and try again."))


class Fields:
    """The parameters of a query. One without a value is there, and empty."""

    def __init__(self, encoded: str) -> None:
        """Raises ValueError for more parameters than any page has."""
        self.pairs = parse_qsl(encoded, keep_blank_values=True, max_num_fields=PARAMETERS_MAX)

    def get(self, name: str) -> str:
        """The first value of a parameter; empty if it is not there."""
        return next((value for key, value in self.pairs if key == name), "")

    def all(self, name: str) -> list[str]:
        """All values of a parameter, such as ticked boxes have."""
        return [value for key, value in self.pairs if key == name]

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.pairs)

    def __repr__(self) -> str:
        return f"<Fields: {', '.join(dict.fromkeys(key for key, _ in self.pairs))}>"  # a value may be a password


class Form(Fields):
    """The fields of a form. Nothing that was left out is taken for an empty one, which may mean "no limit" or "all".

    Browsers leave out what is not chosen: boxes have a hidden field of their name before them (`boxes_field`), which
    is empty and says that they were there; of what may be missing otherwise, `find` tells.
    """

    def get(self, name: str) -> str:
        """The value of a field that every browser sends, once. Raises Incomplete."""
        values = self.all(name)
        if len(values) != 1:
            raise Incomplete
        return values[0]

    def find(self, name: str) -> str:
        """The value of a button, or of what not every form here has; empty if it is not there."""
        return super().get(name)

    def boxes(self, name: str) -> list[str]:
        """The values of the boxes of this name that are ticked. Raises Incomplete."""
        if name not in self:
            raise Incomplete
        return [value for value in self.all(name) if value]

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked. Raises Incomplete."""
        return bool(self.boxes(name))
