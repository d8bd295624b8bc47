"""The sensors. Each waits for what a trigger of the same name watches."""
