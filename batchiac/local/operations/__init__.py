"""One handler an API operation: `handler(batch, request) -> response`, both in wire form.

`batch` is the account and region (backend.BatchBackend). The request has passed the model's constraints and is the
handler's own copy. A handler raises ApiError where AWS says no, and has then changed nothing.
`dispatch.OPERATIONS` says which handler answers which operation.
"""
