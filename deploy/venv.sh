#!/bin/sh
# Makes the virtual environment in $1 and installs the platform into it, with the versions of constraints.txt.
# A Debian machine may lack python3-venv (no ensurepip) or pip; each lack has its own way round.
set -eu
venv=$1
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11" >&2; exit 2; }

if [ ! -x "$venv/bin/python" ]; then
    if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
        rm -rf "$venv"
        if "$python" -m pip --version >/dev/null 2>&1; then
            "$python" -m venv --without-pip "$venv"
            "$python" -m pip --quiet --python "$venv/bin/python" install pip
        elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get -qq update && apt-get -qq install -y python3-venv >/dev/null
            "$python" -m venv "$venv"
        else
            echo "This Python can make no virtual environment. As root: apt-get install python3-venv" >&2
            exit 2
        fi
    fi
fi

PIP_CONSTRAINT="$(pwd)/constraints.txt" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --editable '.[dev]'
