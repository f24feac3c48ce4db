from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from diagnostics.lab.server.faults import Faults
from diagnostics.lab.server.ledger import Account, RequestLedger

TRIALS = st.sampled_from("abc")
CONNECTIONS = st.integers(0, 4)
DEFAULT = Faults(latency=1.0)


class LedgerAgainstAList(RuleBasedStateMachine):
    """The ledger against the plainest model: a list of what arrived, and the connections that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger: RequestLedger[int] = RequestLedger(DEFAULT)
        self.arrived: dict[str, list[tuple[int, bool]]] = {}
        self.open: dict[str, set[int]] = {}
        self.made: dict[str, int] = {}
        self.faults: dict[str, Faults] = {}

    @rule(trial=TRIALS, connection=CONNECTIONS, retry=st.booleans())
    def arrive(self, trial: str, connection: int, retry: bool) -> None:
        arrived = self.arrived.setdefault(trial, [])
        number, faults = self.ledger.arrive(trial, connection, retry=retry)
        assert (number, faults) == (len(arrived), self.faults.get(trial, DEFAULT))
        # A lost connection never carries anything again, so a number that comes back is a new connection.
        open_ = self.open.setdefault(trial, set())
        arrived.append((connection, retry))
        if connection not in open_:
            open_.add(connection)
            self.made[trial] = self.made.get(trial, 0) + 1

    @rule(connection=CONNECTIONS)
    def lost(self, connection: int) -> None:
        self.ledger.lost(connection)
        for open_ in self.open.values():
            open_.discard(connection)

    @rule(trial=TRIALS, seconds=st.floats(0, 9))
    def plan(self, trial: str, seconds: float) -> None:
        self.faults[trial] = Faults(latency=seconds)
        self.ledger.plan(trial, self.faults[trial])

    @rule(trial=TRIALS)
    def forget(self, trial: str) -> None:
        assert self.ledger.forget(trial) == self.expected(trial)
        for book in (self.arrived, self.open, self.faults, self.made):
            book.pop(trial, None)

    def expected(self, trial: str) -> Account:
        arrived = self.arrived.get(trial, [])
        retries = sum(retry for _, retry in arrived)
        made = self.made.get(trial, 0)
        return Account(len(arrived), retries, made, len(self.open.get(trial, ())))

    @invariant()
    def accounts_agree(self) -> None:
        for trial in "abc":
            assert self.ledger.account(trial) == self.expected(trial)
            assert set(self.ledger.connections(trial)) == self.open.get(trial, set())

    def teardown(self) -> None:
        for trial in "abc":
            self.ledger.forget(trial)
        assert len(self.ledger) == 0, "a forgotten trial still takes memory"


TestLedger = LedgerAgainstAList.TestCase
