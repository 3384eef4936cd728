"""An application of the benchmark: what each of many subjects comes to, as a projection."""
