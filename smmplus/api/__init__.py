"""The smm.plus API v2: calls, answers and two clients, one synchronous and one asynchronous."""
