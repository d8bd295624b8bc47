"""What readers and writers share: zip archives, worksheet XML, CSV records, text of cells."""
