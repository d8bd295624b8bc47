"""The smm.plus API (https://smm.plus/api): one call of `Client` or `AsyncClient`, from its arguments to its result.

1. `protocol` makes a `Call`: the action, its form fields, and how its answer is read.
2. The client waits for its turn (`rate_limit`) and sends the form to the `panel`. A call that must not be mixed up with
   another has a connection of its own (`single_answer`, `requests_session`, `async_connection`).
3. `redaction` removes the API key from the answer.
4. `responses` turns the bytes into JSON or into the error that they are. `error_wrappings` finds the words of an
   error, and `error_texts` says what they mean.
5. `action_results` and `price_list` read the result.
6. `retry` decides whether the call is repeated: reads after any transient error, calls with an effect only if they
   certainly never left or the panel said "not now".
"""
