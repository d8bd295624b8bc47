"""The triggers of deferrable operators and sensors."""
