"""Whatever workers are told and asked at once, one order of it all explains every answer: revocation is immediate."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

from sqlalchemy import URL

from tests.faulty import STALE
from tests.histories import Act, Operation, find_contradiction
from tests.observation import ANSWERS_EACH, ENDINGS, Observation, Operator, Owner, count_meanwhile
from tests.servers import Server
from tests.workers import serving_workers

OWNERS = 3
ROUNDS = 4


def test_every_answer_of_four_workers_was_true_after_its_question(four: Server) -> None:
    observation = Observation(four)
    observe(observation, rounds=ROUNDS, operators=[Operator(observation)])
    assert_busy(observation)
    assert contradictions(observation) == []


def test_every_answer_on_postgresql_was_true_after_its_question(tmp_path: Path, new_postgres_database: URL) -> None:
    variables = {"TOKENRY_DATABASE_URL": new_postgres_database.render_as_string(hide_password=False)}
    with serving_workers(tmp_path / "data", 2, variables) as server:
        observation = Observation(server)
        observe(observation, rounds=1)
    assert_busy(observation)
    assert contradictions(observation) == []


def test_service_that_forgets_nothing_is_found_out(faulty: tuple[Server, Path]) -> None:
    """Whoever finds nothing has looked."""
    server, file = faulty
    observation = Observation(server)
    file.write_text(STALE)
    try:
        observe(observation, rounds=1)
    finally:
        file.unlink()
    assert [each.act for each in contradictions(observation)] == [Act.ACCEPTED] * len(observation.tokens)


def observe(observation: Observation, *, rounds: int, operators: Sequence[Operator] = ()) -> None:
    """Let owners make and end tokens in every way, and operators too, while all workers are asked."""

    def own(owner: Owner) -> None:
        for _ in range(rounds):
            for ending in ENDINGS:
                owner.live(ending)

    with ExitStack() as stack:
        owners = [stack.enter_context(closing(Owner(observation))) for _ in range(OWNERS + len(operators))]
        stack.enter_context(observation.running())
        pool = stack.enter_context(ThreadPoolExecutor(len(owners)))
        jobs = [pool.submit(own, owner) for owner in owners[:OWNERS]]
        jobs += [pool.submit(each.live, owner) for each, owner in zip(operators, owners[OWNERS:], strict=True)]
        for job in jobs:
            job.result()


def contradictions(observation: Observation) -> Sequence[Operation]:
    """What nothing explains: the first of each token."""
    return list(filter(None, (find_contradiction(token.history) for token in observation.tokens)))


def assert_busy(observation: Observation) -> None:
    """There were questions before, during and after what was done, and no other answers than yes and no."""
    assert observation.unexpected == Counter()
    assert len(observation.tokens) >= OWNERS * len(ENDINGS)
    for token in observation.tokens:
        said = Counter(operation.act for operation in token.history)
        assert min(said[Act.ACCEPTED], said[Act.REFUSED]) >= ANSWERS_EACH
    assert sum(map(count_meanwhile, observation.tokens)) >= len(observation.tokens)
