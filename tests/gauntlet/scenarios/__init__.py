"""All scenarios, in the order in which they are run."""

from tests.gauntlet.scenario import Scenario
from tests.gauntlet.scenarios.circumstances import CLOCKS, POOLERS
from tests.gauntlet.scenarios.deliveries import DELIVERIES
from tests.gauntlet.scenarios.histories import LEDGERS, LOGS
from tests.gauntlet.scenarios.mutants import HUNT
from tests.gauntlet.scenarios.outages import DISKS, KILLS, NETWORKS
from tests.gauntlet.scenarios.races import RACES
from tests.gauntlet.scenarios.suites import POINTS, REQUESTS

__all__ = ["SCENARIOS"]

SCENARIOS: tuple[Scenario, ...] = (
    RACES,
    LOGS,
    LEDGERS,
    KILLS,
    NETWORKS,
    DISKS,
    POOLERS,
    CLOCKS,
    DELIVERIES,
    REQUESTS,
    POINTS,
    HUNT,
)
