"""Ways in which an almost right guard breaks, one deterministic test each.

The rows are those of a list of 35 scenarios that were made to happen on PostgreSQL against earlier designs
of the guard; A3 to A10 are faults of a catalogue of what broke other event stores. A docstring names its
row and says what it is about. Two or three real sessions meet, and a session that is said to wait is seen
waiting in the database's own tables.

What is not here, and why:

====================  ================================================================================
8, 9, 10, 11, 25      inline projections and rebuilds: they come with the projections
26                    inline rows; its opposite client ids are here (test_keys)
35                    wait_for comes with the projections
20                    the order of an earlier prototype (lock rows, insert the missing, lock again): there
                      are no rows of tags to lock; 18 and 19 hold what it was about
31, first half        select_for_update(no_key=True) on a row of a tag: as 20
15, a real crash      needs a server of its own to kill: tests/faults; here it is played by setval
14, import            the import command comes later; a raw INSERT above the sequence is here
reasoned: replicas    logical replicas: documented, nothing to run against
reasoned: followers   checkpoints, ordered effects, the swap of a rebuild: later
====================  ================================================================================

Row 3 needs max_prepared_transactions, and 4 a standby. Where the server has none, both are played by a
schema that stands before pg_catalog in the search path and shadows what the functions ask.
"""
