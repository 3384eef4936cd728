"""What every worker needs: leases by the database's clock, and a place to wait at."""
