# Install into the environment of the Python given first: with uv where it is there and reaches the registry, else with pip.
python=$1
shift
if command -v uv >/dev/null 2>&1; then
    uv pip install --quiet --python "$python" "$@" && exit 0
    echo "uv could not install; trying pip" >&2
fi
"$python" -m pip install --quiet --disable-pip-version-check "$@"
