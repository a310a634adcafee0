"""What is known about each device, one TOML file each."""
