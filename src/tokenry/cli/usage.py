"""What is said of a command line that cannot be read: in our words, whatever library reads it, and all that is missing.

The library's classes are recognised by name: the modules they live in change with its versions.
"""

import re
from typing import Any

from typer.exceptions import TyperException

_UNKNOWN_COMMAND = re.compile(r"No such command '(.*?)'\.(?: Did you mean (.*)\?)?$", re.DOTALL)
_CREDENTIALS = re.compile(r"(?<=://)\S++")
"""Of an address that was given in the wrong place; a password may hold whatever separates its parts."""
_TOO_MUCH = re.compile(r"Got unexpected extra argument\(s\) \((.*)\)$", re.DOTALL)


def explain_usage(error: TyperException) -> str:
    """What is wrong with a command line, where, and where to read more. A password in an address is not repeated."""
    context: Any = getattr(error, "ctx", None)
    more = "" if context is None else f" `{context.command_path} --help` says more."
    fault = _CREDENTIALS.sub(_without_credentials, _fault(error, context))
    return f"{fault}{'' if fault.endswith(('.', '?')) else '.'}{more}"


def is_plea_for_help(error: TyperException) -> bool:
    """Whether a command with subcommands was called without any."""
    return _is(error, "NoArgsIsHelpError")


def _without_credentials(address: re.Match[str]) -> str:
    _, at, rest = address[0].rpartition("@")
    return f"…@{rest}" if at else rest


def _fault(error: Any, context: Any) -> str:
    if _is(error, "MissingParameter") and context is not None:
        # What was given is read before the rest, so whatever has not been read by now was not given.
        missing = [each for each in context.command.params if each.required and each.name not in context.params]
        return f"{' and '.join(map(_name, missing))} {'is' if len(missing) == 1 else 'are'} missing"
    if _is(error, "BadParameter"):
        name = error.param_hint or (None if error.param is None else _name(error.param))
        wanted = _wanted(error.param) or error.message
        return wanted if name is None else f"{name}: {wanted}"
    if _is(error, "NoSuchOption"):
        near = f" Did you mean {' or '.join(error.possibilities)}?" if error.possibilities else ""
        return f"There is no option {error.option_name}.{near}"
    if _is(error, "BadOptionUsage"):
        return f"{error.option_name} {'takes no value' if 'not take' in error.message else 'needs a value'}"
    return _in_our_words(error.format_message())


def _in_our_words(text: str) -> str:
    """What the library only tells in words."""
    if found := _UNKNOWN_COMMAND.match(text):
        near = (found[2] or "").replace("'", "").replace(", ", " or ")
        return f"There is no command {found[1]}.{near and f' Did you mean {near}?'}"
    if found := _TOO_MUCH.match(text):
        return f"Unexpected argument: {found[1]}"
    return text


def _is(error: Exception, name: str) -> bool:
    return any(kind.__name__ == name for kind in type(error).__mro__)


def _name(parameter: Any) -> str:
    """How somebody types it: an option by its name, an argument by what stands for it in the help."""
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    shown = str(parameter.metavar or parameter.name).upper()
    return shown if shown[0].isalpha() else f"The argument {shown}"


def _wanted(parameter: Any) -> str | None:
    """What a parameter of a kind that the library reads takes; None if it is read by a function of ours."""
    kind = getattr(parameter, "type_descriptor", None)
    if kind is None or kind.parameter_info.parser is not None:
        return None
    if kind.is_choice:
        return f"use one of {', '.join(map(str, kind.choices))}"
    if kind.is_ranged:
        least, most = kind.parameter_info.min, kind.parameter_info.max
        return "use a whole number" + ("" if None in {least, most} else f" from {least} to {most}")
    return None
