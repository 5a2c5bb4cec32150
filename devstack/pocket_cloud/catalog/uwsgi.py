# SPDX-License-Identifier: Apache-2.0
"""How an API runs under uWSGI."""

_FLAGS = (
    "--master --threads 4 --enable-threads --lazy-apps --need-app --die-on-term",
    # Big enough for a catalogue in a header.
    "--buffer-size 65535",
    # Else clients that keep connections get resets now and then.
    "--add-header 'Connection: close'",
)


def command(port: str, module: str, flags: str = "") -> str:
    """The command of an API: a template for :attr:`Service.command`."""
    return " ".join(
        (
            "${venv}/bin/uwsgi --virtualenv ${venv}",
            f"--http-socket ${{host}}:${{port_{port}}} --module {module}",
            *_FLAGS,
            flags,
        )
    )
