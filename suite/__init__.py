"""Logmark: The suite file, the plan, the scheduler and the command line."""
