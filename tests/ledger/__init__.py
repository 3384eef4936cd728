"""An application of the tests: accounts, with projections of every kind over their facts."""
