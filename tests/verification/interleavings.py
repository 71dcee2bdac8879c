"""Every order in which processes can change, create, verify, repair and die, in the code that the service runs.

Also every order in which the epoch file can be replaced meanwhile, by a copy or an older one, and put back.

What the code asks of what processes share (the lock, the file, the database) is a request. A process is run from its
beginning with the answers to its requests so far, and stops at the next one. So what a process is about to do follows
from the answers it has had, the state of the whole world is a value, and none is explored twice.

The world is as unkind as the real one: a process may die wherever another could notice, and others may see the bytes of
one write of the word one after another, in either order.

Verifying changes nothing that is shared, so of the workers that verify one at a time is enough: all that others see of
another is its repair, and that is a process of its own here.
"""

import fcntl
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, partialmethod
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest

from tokenry.domain.secrets import Peppers, Secret
from tokenry.storage import epoch as epoch_module
from tokenry.storage import journal as journal_module
from tokenry.storage.credentials import Credential
from tokenry.storage.deadline import TIMEOUT_SECONDS
from tokenry.storage.epoch import Epoch
from tokenry.storage.journal import Journal
from tokenry.verification import follower as follower_module
from tokenry.verification import screen as screen_module
from tokenry.verification.cache import Cache, Known
from tokenry.verification.follower import mend
from tokenry.verification.screen import PreviewFilter, Screen
from tokenry.verification.sqlite import SqliteCredentials
from tokenry.verification.verifier import Verifier

RING_PREVIEWS = 2
RING_OFFSET = 64
STARTS = (0, RING_OFFSET + journal_module.PREVIEW_BYTES * RING_PREVIEWS)
FILE_BYTES = 2 * STARTS[1]
FILES = 2
"""That are at the path in turn; in memory one follows the other."""
ANOTHER = 2
"""The answer that another file is trusted, to those who ask. They hear it this often at most, and then wait."""
ANOTHER_MAX = 1
TOKENS_AT_ONCE = 2
FIRST_WORD = 254
"""The next change carries into another byte."""
LONG_AGO = 0
FAR_FUTURE = 1 << 40
PEPPERS = Peppers((b"p" * 32,))
SECRETS = {secret.preview: secret for secret in (Secret.generate() for _ in range(4))}
FIRST, SECOND, THIRD, LASTING = SECRETS
IDS = {preview: number for number, preview in enumerate(SECRETS, 1)}
AS_AT_FIRST = FIRST_WORD.to_bytes(8, "little").ljust(STARTS[1], b"\0") * 2
WRITERS = {"revoke", "create", "rotate"}
WORKERS = {"verify", "screen"}
HALF = "half"
"""An answer that is yet to come: others see some bytes of a write already."""

Request = tuple[Any, ...]


class Paused(BaseException):
    """The answers are used up. Not an Exception, so that no code handles it."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a process does again and again, so many `times`.

    `previews` are what it revokes or creates, or one of either for what it rotates, or what it verifies one after
    another, or how a file is replaced, one time after another. `remembered` and `seen` are a worker's cache, or its
    filter, which is filled while there is none. When it is `overtaken`, the worker verifies the first token once more
    between its look-up and keeping what was found, or while it fills its filter. It goes by the file that it `trusts`,
    and before each token it may look what is at the path, if it is `watchful`.
    """

    act: str
    previews: tuple[str, ...] = ()
    times: int = 1
    remembered: tuple[Any, ...] | None = ()
    seen: int = -1
    overtaken: bool = False
    watchful: bool = False
    trusts: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """A process at a request. There is one object for each such state.

    `half` is where and what it writes while others see half of it. `committed` is what was when a verification began,
    or was acknowledged, where files are replaced.
    """

    role: Role
    answers: tuple[Any, ...]
    request: Request
    half: tuple[int, bytes] | None = None
    committed: frozenset[str] = frozenset()


class World(NamedTuple):
    """All that matters for what can happen next."""

    memory: bytes
    committed: frozenset[str]
    acknowledged: frozenset[str]
    at_path: int
    locked_by: tuple[int | None, ...]
    trusted: tuple[int | None, ...]
    deaths: int
    processes: tuple[Process, ...]


class Violation(NamedTuple):
    """A promise that was broken, and how it came to it."""

    what: str
    story: tuple[str, ...]


class Explorer:
    """Runs processes request by request, in every order."""

    def __init__(self, path: Path, patch: pytest.MonkeyPatch) -> None:
        self._answers: Iterator[Any] = iter(())
        self._requests: list[Request] = []
        self._act = ""
        self._overtaker: Callable[[], object] | None = None
        patch.setattr(journal_module, "RING_PREVIEWS", RING_PREVIEWS)
        patch.setattr(journal_module, "randbits", lambda _: 0)  # what happens follows from the answers alone
        for module in (journal_module, epoch_module):
            patch.setattr(module, "STARTS", STARTS)
        self._epoch = Epoch(path, TIMEOUT_SECONDS)
        # One object stands for all processes' views of the files: what is in them comes from the world. A descriptor,
        # an identity and an inode number are the number of a file.
        self._epoch.close()
        self._is_replaced = False
        patch.setattr(Journal, "open", partialmethod(_open_journal, self._ask))
        patch.setattr(Journal, "close", lambda journal: setattr(journal, "word", (1,)))
        trust = SimpleNamespace(begin=lambda file: self._ask("trust", file), end=lambda: self._ask("trust", None))
        patch.setattr(self._epoch, "_trust", trust)
        patch.setattr(follower_module, "log", SimpleNamespace(error=lambda *_, **__: None))
        patch.setattr(epoch_module, "SharedMemory", Mapping)
        patch.setattr(epoch_module, "_opened", self._opened)
        patch.setattr(epoch_module, "_identity", lambda file: file)
        patch.setattr(epoch_module, "_inode", lambda file: file)
        patch.setattr(epoch_module, "_is_at", lambda file, _: not self._is_replaced or self._ask("at", file))
        patch.setattr(epoch_module, "is_another_trusted", self._is_another_trusted)
        patch.setattr(epoch_module._Wait, "pause", lambda *_: None)
        shared = {
            "pread": lambda file, length, offset: self._ask("bytes", file * FILE_BYTES + offset, length),
            "pwrite": lambda file, data, offset: self._ask("write", file * FILE_BYTES + offset, data),
        }
        patch.setattr(journal_module, "os", SimpleNamespace(**{**vars(os), **shared}))
        patch.setattr(epoch_module, "fcntl", SimpleNamespace(**{**vars(fcntl), "flock": self._flock}))
        patch.setattr(screen_module, "PreviewFilter", Exact)
        patch.setattr(screen_module, "TOKENS_AT_ONCE", TOKENS_AT_ONCE)
        patch.setattr(screen_module, "_make_way", self._make_way)
        self._process = cache(self._make_process)
        self.known = self._remember_all()
        """What a cache remembers that remembers all tokens."""

    # --- what the code asks for -----------------------------------------------------------------------------------

    def _ask(self, *request: Any) -> Any:
        for answer in self._answers:
            return answer
        self._requests.append(request)
        raise Paused

    @contextmanager
    def _opened(self, _: Path) -> Iterator[int]:
        yield self._ask("open") if self._is_replaced else 0

    def _flock(self, file: int, operation: int) -> None:
        """Whoever changes something asks again until it has the lock, which here is one request."""
        if operation & fcntl.LOCK_EX:
            if not self._ask("lock", file, self._act == "repair"):
                raise BlockingIOError
        elif self._is_replaced:
            self._ask("unlock", file)

    def _is_another_trusted(self, _: Path, file: int) -> bool:
        return self._is_replaced and bool(self._ask("another", file))

    async def find(self, preview: str) -> Credential | None:
        row = Credential(preview, PEPPERS.digest(SECRETS[preview]), 1, FAR_FUTURE, 1, "*", 1, "ada", None, 1, "E")
        found = self._ask("find", preview)
        overtake, self._overtaker = self._overtaker, None
        if overtake is not None:
            overtake()
        return row if found else None

    async def close(self) -> None:
        """Nothing to close."""

    def find_newest_token(self) -> int:
        return cast("int", self._ask("newest"))

    def list_previews(self, above: int, last: int) -> Sequence[bytes]:
        return cast("Sequence[bytes]", self._ask("list", above, last))

    async def _make_way(self) -> None:
        if self._overtaker is not None:
            self._overtaker()

    # --- what a process does --------------------------------------------------------------------------------------

    def _make_process(
        self, role: Role, answers: tuple[Any, ...], *, half: tuple[int, bytes] | None, committed: Any
    ) -> Process:
        request = self._run(role, answers) if role.times else ("nothing",)
        return Process(role, answers, request, half, committed)

    def _run(self, role: Role, answers: tuple[Any, ...]) -> Request:
        """The request that a process stops at, or ("done", what came of it)."""
        self._answers, self._requests, self._act = iter(answers), [], role.act
        try:
            done = getattr(self, f"_{role.act}")(role)
        except Paused:
            return self._requests[0]  # a `finally` may have asked for more
        assert not self._requests, "the code went on after its process had stopped"
        return ("done", done)

    def _revoke(self, role: Role) -> None:
        with self._epoch.change(changed=role.previews):
            self._ask("commit", frozenset(role.previews))

    def _create(self, role: Role) -> None:
        with self._epoch.change(created=role.previews):
            self._ask("commit", frozenset(role.previews))

    def _rotate(self, role: Role) -> None:
        old, new = role.previews
        with self._epoch.change(changed=[old], created=[new]):
            self._ask("commit", frozenset(role.previews))

    def _repair(self, role: Role) -> None:
        self._go_by(role.trusts)
        self._epoch.repair()

    def _replace(self, role: Role) -> None:
        """Somebody puts one file in the place of the other: a copy, one as it was at first, or one that was there."""
        self._ask("replace", role.previews[0])

    def _verify(self, role: Role) -> tuple[list[bool], tuple[Any, ...], int, int]:
        """What the worker finds of its next token, and its cache after that."""
        self._go_by(role.trusts)
        worker = Cache(self._epoch.changed)
        worker._entries, worker._seen = {key: self.known[key] for key in role.remembered or ()}, role.seen
        worker._fingerprints = {known.actor.preview.encode(): key for key, known in worker._entries.items()}
        verdicts: list[bool] = []
        self._overtaker = (lambda: verdicts.append(self._decide(worker, role.previews[0]))) if role.overtaken else None
        if role.watchful and self._ask("look"):
            looked = SimpleNamespace(
                refresh=self._epoch.refresh, repair=lambda: False, was_written_over=lambda _: False, path=""
            )
            mend(cast("Epoch", looked), [worker])
        verdicts.append(self._decide(worker, role.previews[0]))
        return verdicts, tuple(worker._entries), worker._seen, cast("int", self._epoch._identity)

    def _go_by(self, file: int) -> None:
        self._epoch._identity = cast("Any", file)
        self._epoch._memory = cast("Any", Mapping(file))
        for journal in (self._epoch.changed, self._epoch.created):
            journal.open(cast("Any", self._epoch._memory))

    def _screen(self, role: Role) -> tuple[list[bool], tuple[Any, ...] | None, int, int]:
        """Whether the worker's filter lets its next token through, and the filter after that."""
        self._go_by(role.trusts)
        worker = Screen(cast("SqliteCredentials", self), self._epoch.created)
        if role.remembered is not None:
            worker._filter, worker._seen = cast("PreviewFilter", Exact(role.remembered)), role.seen
        preview = role.previews[0].encode()
        verdicts: list[bool] = []
        self._overtaker = (lambda: verdicts.append(not worker.lacks(preview))) if role.overtaken else None
        if worker._filter is None:
            with suppress(StopIteration):
                worker._fill().send(None)
        verdicts.append(not worker.lacks(preview))
        kept = worker._filter
        filled = None if kept is None else tuple(sorted(cast("Exact", kept).previews))
        return verdicts, filled, worker._seen, cast("int", self._epoch._identity)

    def _decide(self, worker: Cache, preview: str) -> bool:
        verifier = Verifier(self, PEPPERS, lambda: 0.0, cache=worker)
        try:
            verifier.verify(f"Bearer {SECRETS[preview].reveal()}").send(None)
        except StopIteration as result:
            return result.value.denial is None
        raise AssertionError("nothing here waits")

    def _remember_all(self) -> dict[Any, Known]:
        self._go_by(0)
        worker = Cache(self._epoch.changed)
        worker._seen = FIRST_WORD
        for preview in SECRETS:
            self._answers = iter((FIRST_WORD, FIRST_WORD, True, FIRST_WORD))
            assert self._decide(worker, preview)
        return worker._entries

    # --- what can happen ------------------------------------------------------------------------------------------

    def begin(self, roles: Sequence[Role], *, deaths: int) -> World:
        """The world before any process has done anything."""
        self._is_replaced = any(role.act == "replace" for role in roles)
        trusted = tuple(role.trusts if role.act in WORKERS else None for role in roles)
        processes = tuple(self._process(role, (), half=None, committed=None) for role in roles)
        nothing: frozenset[str] = frozenset()
        return World(AS_AT_FIRST * FILES, nothing, nothing, 0, (None,) * FILES, trusted, deaths, processes)

    def explore(self, world: World) -> "Exploration":
        """Visit every world that this one can become; stop at the first violation, which is one of the shortest."""
        found = Exploration({world: (None, "")})
        waiting = deque([world])
        while waiting:
            before = waiting.popleft()
            for happened, after in self._steps(before):
                if isinstance(after, str):
                    found.violation = Violation(after, (*found.story(before), str(happened)))
                    return found
                if after not in found.origins:
                    found.origins[after] = (before, happened)
                    waiting.append(after)
        return found

    def _steps(self, world: World) -> Iterator[tuple[object, World | str]]:
        for number, process in enumerate(world.processes):
            if process.half is not None:
                whole = _with_bytes(world.memory, *process.half)
                yield (number, "the rest"), self._answer(world._replace(memory=whole), number, None)
                continue
            if world.deaths and self._may_die(world, number):
                yield (number, "dies"), self._die(world, number)
            for answer, changed in self._answers_to(self._begun(world, number), number, process.request):
                after = changed if answer == HALF else self._answer(changed, number, answer)
                yield (number, process.request, answer), after

    def _begun(self, world: World, number: int) -> World:
        """The world in which a verification that begins now knows what it may no longer accept."""
        process = world.processes[number]
        if process.role.act not in WORKERS or process.answers:
            return world
        known = world.acknowledged if self._is_replaced else world.committed
        return _put(world, number, self._process(process.role, (), half=None, committed=known))

    def _answers_to(self, world: World, number: int, request: Request) -> Iterator[tuple[Any, World]]:
        """What a process may be answered, and the world after that."""
        match request:
            case ("find" | "newest" | "list", *parameters):
                yield _in_database(world.committed, request[0], *parameters), world
            case ("commit", previews):
                yield None, world._replace(committed=world.committed | previews)
            case ("write", offset, data):
                yield from self._write(world, number, offset, data)
            case ("word", start):
                yield int.from_bytes(world.memory[start : start + 8], "little"), world
            case ("bytes", start, length):
                yield world.memory[start : start + length], world
            case _:
                yield from self._answers_about_files(world, number, request)

    def _answers_about_files(self, world: World, number: int, request: Request) -> Iterator[tuple[Any, World]]:
        match request:
            case ("lock", file, _) if world.locked_by[file] is None:
                yield True, world._replace(locked_by=_set(world.locked_by, file, number))
            case ("lock", _, True):
                yield False, world
            case ("unlock", file):
                yield None, world._replace(locked_by=_set(world.locked_by, file, None))
            case ("another", file):
                yield from _another(world, number, file)
            case ("open",):
                yield world.at_path, world
            case ("at", file):
                yield world.at_path == file, world
            case ("look",):
                yield from ((True, world), (False, world))
            case ("trust", file):
                yield None, world._replace(trusted=_set(world.trusted, number, file))
            case ("replace", kind):
                yield None, _with_replaced(world, kind)

    def _write(self, world: World, number: int, offset: int, data: bytes) -> Iterator[tuple[Any, World]]:
        memory = world.memory
        end = offset + len(data)
        whole = _with_bytes(memory, offset, data)
        halves = (
            {
                memory[:offset] + half + memory[end:]
                for half in (data[:1] + memory[offset + 1 : end], memory[offset : offset + 1] + data[1:])
            }
            - {whole, memory}
            if offset % FILE_BYTES in STARTS
            else ()
        )
        for half in halves:
            process = world.processes[number]
            begun = self._process(process.role, process.answers, half=(offset, data), committed=process.committed)
            yield HALF, _put(world._replace(memory=half), number, begun)
        if not halves:
            yield None, world._replace(memory=whole)

    def _answer(self, world: World, number: int, answer: Any) -> World | str:
        """The world when a process has an answer, and has come to its end if it asks for nothing more."""
        process = world.processes[number]
        after = self._process(process.role, (*process.answers, answer), half=None, committed=process.committed)
        if after.request[0] != "done":
            return _put(world, number, after)
        if after.role.act not in WORKERS:
            if after.role.act in WRITERS:
                world = world._replace(acknowledged=world.acknowledged | frozenset(after.role.previews))
            return self._end(world, number, after.role)
        verdicts, remembered, seen, trusts = after.request[1]
        preview, *rest = after.role.previews
        if after.role.act == "verify":
            if any(verdicts) and preview in after.committed:
                return f"{preview} was accepted after its revocation"
            if not all(verdicts) and preview not in world.committed:
                return f"{preview} was refused though nobody had revoked it"
        elif not all(verdicts) and preview in after.committed:
            return f"{preview} was lacked after its creation"
        role = replace(
            after.role, previews=tuple(rest), remembered=remembered, seen=seen, overtaken=False, trusts=trusts
        )
        return self._end(world, number, role)

    def _may_die(self, world: World, number: int) -> bool:
        """Whether that would make a difference: not before a process has begun, nor twice between two of its acts."""
        process = world.processes[number]
        begun = number in world.locked_by or (process.role.act in WRITERS and bool(process.answers))
        return begun and process.request[0] != "bytes"

    def _die(self, world: World, number: int) -> World:
        return self._end(world._replace(deaths=world.deaths - 1), number, world.processes[number].role)

    def _end(self, world: World, number: int, role: Role) -> World:
        """The world when a process has done once what it does, or died: then its place is taken by another."""
        if role.act != "repair":
            role = replace(role, times=role.times - 1)
        if role.act == "replace":
            role = replace(role, previews=role.previews[1:])
        world = world._replace(locked_by=tuple(None if by == number else by for by in world.locked_by))
        return _put(world, number, self._process(role, (), half=None, committed=None))


class Mapping:
    """What stands for a file in memory."""

    was_cut = False

    def __init__(self, file: int, _length: int = 0) -> None:
        self.file = file

    @property
    def view(self) -> "Mapping":
        return self

    def close(self) -> None:
        """Nothing to close."""


class Exploration:
    """What was found: each world with the one before it and what happened between them."""

    def __init__(self, origins: dict[World, tuple[World | None, object]]) -> None:
        self.origins = origins
        self.violation: Violation | None = None

    def story(self, world: World) -> list[str]:
        """How it came to this."""
        told = []
        at: World | None = world
        while at is not None:
            at, happened = self.origins[at]
            told.append(str(happened))
        return told[-2::-1]


class Exact:
    """What a filter knows of many previews, of these few without mistaking one for another."""

    is_full = False

    def __init__(self, previews: int | tuple[bytes, ...]) -> None:
        self.previews = set() if isinstance(previews, int) else set(previews)

    def add(self, previews: Sequence[bytes]) -> None:
        self.previews.update(previews)

    def lacks(self, preview: bytes) -> bool:
        return preview not in self.previews


class Probe:
    """A sequence whose every look is a request."""

    def __init__(self, look: Callable[[Any], Any]) -> None:
        self._look = look

    def __getitem__(self, place: Any) -> Any:
        return self._look(place)


def _open_journal(journal: Journal, ask: Callable[..., Any], mapping: Mapping) -> None:
    """What `Journal.open` does: every look at the file is a request."""
    offset = mapping.file * FILE_BYTES
    journal.word = cast("Sequence[int]", Probe(lambda _: ask("word", offset + journal._start)))
    journal._memory = cast("Any", Probe(lambda place: ask("bytes", offset + place.start, place.stop - place.start)))


def _in_database(committed: frozenset[str], asked: str, *parameters: Any) -> Any:
    """What one look into the database finds when this was committed: revocations, or creations."""
    if asked == "find":
        return parameters[0] not in committed
    if asked == "newest":
        return max((IDS[preview] for preview in committed), default=0)
    above, last = parameters
    return tuple(preview.encode() for preview in SECRETS if preview in committed and above < IDS[preview] <= last)


def _another(world: World, number: int, file: int) -> Iterator[tuple[Any, World]]:
    """Whether another file is trusted: whoever has heard that so often hears only when it is over."""
    if {None, file}.issuperset(world.trusted):
        yield False, world
    elif world.processes[number].answers.count(ANOTHER) < ANOTHER_MAX:
        yield ANOTHER, world


def _with_replaced(world: World, kind: str) -> World:
    """The world with the other file at the path: the one that was there, a copy, or one as it was at first."""
    at = 1 - world.at_path
    files = [world.memory[:FILE_BYTES], world.memory[FILE_BYTES:]]
    if kind != "back":
        files[at] = {"copy": files[world.at_path], "older": AS_AT_FIRST}[kind]
    return world._replace(memory=b"".join(files), at_path=at)


def _with_bytes(memory: bytes, offset: int, data: bytes) -> bytes:
    return memory[:offset] + data + memory[offset + len(data) :]


def _set(values: tuple[Any, ...], number: int, value: Any) -> tuple[Any, ...]:
    return (*values[:number], value, *values[number + 1 :])


def _put(world: World, number: int, process: Process) -> World:
    return world._replace(processes=(*world.processes[:number], process, *world.processes[number + 1 :]))
