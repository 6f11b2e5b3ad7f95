"""The server under the broker: gunicorn's processes, with a worker that slow clients cannot hold up.

docs/decisions/0012 says why it is not another server, with the figures. The order of things, for one request: the poller
(one thread for each process) collects the whole request, a thread of the pool answers it into memory, whoever can hands
the answer to the kernel, and only then is `close()` of the answer called, which lets a waiting revocation go on.
"""
