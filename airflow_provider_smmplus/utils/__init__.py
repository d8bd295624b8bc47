"""What hooks, operators, sensors and triggers share: arguments, connection, task identity, pollers, failures, XCom."""
