"""What makes a decision hold: the locks that an append takes before it reads.

Each guard is a strategy behind one small contract (``contract.Guard``): ``log`` lets one writer at a
time into the whole log, ``tags`` lets writers pass whose tags do not meet.
"""

from factos_django.guards.choice import guard_for, guard_name
from factos_django.guards.claim import Claim
from factos_django.guards.contract import Guard
from factos_django.guards.rows import hold_rows

__all__ = ["Claim", "Guard", "guard_for", "guard_name", "hold_rows"]
