"""The server under the broker: gunicorn's processes, with a worker that slow clients cannot hold up.

docs/decisions/0012 says why it is not another server, with the figures. What happens to one request: the poller (one
thread of each process) collects all of it, a thread of the pool answers it into memory and gives the answer to the
kernel, or the poller does when the client is slow; only then is `close()` of the answer called, which lets a waiting
revocation go on.
"""
