"""What every worker needs: leases by the database's clock, and places to wait at."""
