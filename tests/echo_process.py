"""What a child process runs in tests: it sends back what it gets. In a module that the child can import."""

import os
from multiprocessing.connection import Connection


def echo(connection: Connection, word: str) -> None:
    while True:
        message = connection.recv()
        if message == "end":
            os._exit(3)
        connection.send((word, message, os.getpid()))
