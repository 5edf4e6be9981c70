"""What every service of Relato needs to run, and nothing of what it is for."""
