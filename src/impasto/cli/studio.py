"""`impasto studio`: the same in a browser, and as an HTTP API."""

import os
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.options import Device, MaxMemory, Report, Threads, read_memory
from impasto.cli.report import print_json, print_line
from impasto.cli.signatures import takes_options

Host = Annotated[str, typer.Option(metavar="ADDRESS", help="address to listen on; other than loopback with a token")]
AllowHost = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="a further name of this server, that of a proxy for example")
]
Port = Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="port; 0: any that is free")]
NoOpen = Annotated[bool, typer.Option("--no-open", metavar="", help="do not open the browser")]
Folder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="folder of pictures and jobs; default: among the user's data")
]
TokenFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="tokens, one a line, each with a gallery of its own")
]
MaxUpload = Annotated[
    int, typer.Option(metavar="MB", min=1, help="largest file of a picture; films: eight times as much")
]
MaxSize = Annotated[int, typer.Option(metavar="N", min=16, help="longest edge that is painted, in pixels")]
MaxJobs = Annotated[int, typer.Option(metavar="N", min=1, help="unfinished jobs at most, of all galleries")]
MaxFilm = Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="longest film, in seconds")]


@takes_options
def studio(
    context: typer.Context,
    host: Host = "127.0.0.1",
    allow_host: AllowHost = None,
    port: Port = 8421,
    no_open: NoOpen = False,
    folder: Folder = None,
    token_file: TokenFile = None,
    device: Device = "auto",
    threads: Threads = None,
    max_memory: MaxMemory = None,
    max_upload: MaxUpload = 128,
    max_size: MaxSize = 16_384,
    max_jobs: MaxJobs = 1_000,
    max_film: MaxFilm = 600.0,
    *,
    report: Report,
) -> None:
    """Paint in a browser: drop pictures, watch, compare, change, take home.

    impasto studio
    impasto studio --port 0 --folder ./studio

    It needs the extra studio, and ends with Ctrl-C; what was unfinished goes on at the next start.
    """
    import_studio()
    from impasto.studio.access import Access, is_loopback, make_tokens, read_tokens
    from impasto.studio.server import bind, serve

    made = make_tokens() if token_file is None and not is_loopback(host) else {}
    tokens = made if token_file is None else read_tokens(token_file)
    names = tuple(name.lower() for name in allow_host or ())
    listening = bind(host, port)
    access = Access(host=host, port=listening.getsockname()[1], allowed_hosts=names, tokens=tokens)
    address = access.page_address(*made)

    from impasto.studio.app import create_app  # it takes a second; mistakes above are answered before that
    from impasto.studio.folder import default_folder
    from impasto.studio.guard import Guard
    from impasto.studio.limits import Limits

    upload_bytes = max_upload * 2**20
    limits = Limits(
        upload_bytes=upload_bytes, film_bytes=8 * upload_bytes, film_s=max_film, size=max_size, jobs=max_jobs
    )
    place = folder or default_folder()
    app = create_app(place, limits=limits, device=device, threads=threads, max_memory=read_memory(max_memory))

    def announce() -> None:
        if report.json:
            print_json({"address": address, "folder": str(place)})
        else:
            print_line(f"the studio is at {address} (Ctrl-C ends it)")
        # A token in the arguments of a browser could be read by other users of this machine.
        if not no_open and not tokens and has_browser():
            threading.Thread(target=open_browser, args=(address,), daemon=True).start()

    serve(Guard(app, access=access, limits=limits), listening, announce)


def import_studio() -> None:
    """Import what the studio needs. Raises MissingExtraError."""
    from impasto.errors import MissingExtraError

    try:
        import fastapi  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"the studio needs packages that are not installed ({error}).", 'Run: pip install "impasto[studio]"'
        ) from error


def has_browser() -> bool:
    """Return whether a browser with windows can be opened here."""
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def open_browser(address: str) -> Any:
    """Open the user's browser."""
    import webbrowser

    return webbrowser.open(address)
