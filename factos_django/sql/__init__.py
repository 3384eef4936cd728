"""The SQL that lives in the database: functions, triggers, and the switch that the triggers read."""
