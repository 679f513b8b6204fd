"""The step that fills Keras's cache: every source, damaged files, and no source at all."""

import gzip
import http.server
import pathlib
import shutil
import subprocess
import threading
import urllib.request

import pytest

LABELS = "t10k-labels-idx1-ubyte"


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No network and no apt: the proxies are ports where nobody listens, PATH has no programs."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(urllib.request, "_opener", None)  # It remembers the proxies of before.


@pytest.fixture
def one_file(notebook, monkeypatch):
    """Let a single, small file be all of the data set; this makes the tests fast."""
    monkeypatch.setattr(notebook, "SHA256", {LABELS: notebook.SHA256[LABELS]})


@pytest.fixture
def genuine(data_folder):
    """The packed bytes of the small file."""
    return (data_folder / f"{LABELS}.gz").read_bytes()


@pytest.fixture
def cache(tmp_path):
    """A cache folder of our own, still empty, whose name has to be quoted in URLs."""
    folder = tmp_path / "缓存 {cache} 100%"
    folder.mkdir()
    return folder


@pytest.fixture
def proxy(monkeypatch):
    """Answer all that is asked by plain HTTP: proxy(bytes) returns the list of requested URLs."""
    servers = []

    def start(answer):
        requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                requests.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{servers[-1].server_port}")
        return requests

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def content(folder):
    """Return {name: bytes} of all that lies in a folder, hidden files and folders too."""
    return {path.name: path.read_bytes() if path.is_file() else None for path in folder.iterdir()}


def test_intact_cache_is_left_alone_and_needs_no_network(notebook, data_folder, tmp_path):
    cache = pathlib.Path(shutil.copytree(data_folder, tmp_path / "cache"))
    before = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    notebook.complete_cache(cache)
    assert before == {path: path.stat().st_mtime_ns for path in cache.iterdir()}


DAMAGES = {
    "truncated": lambda genuine: genuine[:-100],  # a killed download
    "empty": lambda genuine: b"",
    "web page": lambda genuine: b"<html>Please log in</html>",
    "other labels": lambda genuine: gzip.compress(gzip.decompress(genuine)[:8] + bytes(10_000)),
    "overwritten": lambda genuine: genuine[:1_000] + bytes(1_000) + genuine[2_000:],
}


@pytest.mark.parametrize("damage", [*DAMAGES, "missing"])
@pytest.mark.parametrize("is_packed", [True, False], ids=["packed", "unpacked"])
def test_damaged_file_is_replaced_by_the_intact_one_of_a_folder(
    notebook, one_file, cache, genuine, tmp_path, damage, is_packed
):
    if damage in DAMAGES:
        (cache / f"{LABELS}.gz").write_bytes(DAMAGES[damage](genuine))
    own = tmp_path / "own data"
    own.mkdir()
    own_file = own / (f"{LABELS}.gz" if is_packed else LABELS)
    own_file.write_bytes(genuine if is_packed else gzip.decompress(genuine))
    before = content(own)
    notebook.complete_cache(cache, tmp_path / "no such folder", str(own))
    [(name, written)] = content(cache).items()
    assert name == f"{LABELS}.gz" and gzip.decompress(written) == gzip.decompress(genuine)
    assert content(own) == before


def test_intact_file_is_taken_where_another_source_has_a_damaged_one(
    notebook, one_file, cache, genuine, tmp_path
):
    for number, own_content in enumerate([genuine[:-100], genuine]):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / f"{LABELS}.gz").write_bytes(own_content)
    notebook.complete_cache(cache, tmp_path / "0", tmp_path / "1")
    assert gzip.decompress(content(cache)[f"{LABELS}.gz"]) == gzip.decompress(genuine)


def test_second_host_is_asked_where_the_first_cannot_be_reached(
    notebook, one_file, cache, genuine, proxy
):
    requests = proxy(genuine)
    notebook.complete_cache(cache)
    assert len(requests) == 1 and requests[0].endswith(f"/{LABELS}.gz")
    assert gzip.decompress(content(cache)[f"{LABELS}.gz"]) == gzip.decompress(genuine)


def test_wrong_answer_of_a_host_is_not_kept_and_the_host_is_asked_once_only(notebook, cache, proxy):
    requests = proxy(b"<html>Please log in</html>")
    with pytest.raises(FileNotFoundError):
        notebook.complete_cache(cache)
    assert len(requests) == 1 and not content(cache)


def test_without_any_source_the_message_says_what_to_do_and_nothing_is_lost(
    notebook, data_folder, cache, tmp_path
):
    intact = "t10k-images-idx3-ubyte.gz"
    shutil.copy(data_folder / intact, cache)
    (cache / f"{LABELS}.gz").write_bytes(b"damaged")
    before = content(cache)
    with pytest.raises(FileNotFoundError) as error:
        notebook.complete_cache(cache, tmp_path / "own data")
    message = str(error.value)
    for part in (
        "请从",
        "get the four .gz files",
        "https://github.com/zalandoresearch/fashion-mnist",
    ):
        assert part in message
    for source in (cache, tmp_path / "own data"):
        assert f"{source.as_uri()}/{LABELS}" in message
    for host in ("storage.googleapis.com", "amazonaws.com"):
        assert host in message
    assert intact not in message, "what is not missing is not complained about"
    assert content(cache) == before


def test_full_disk_is_named_and_nothing_stays(notebook, one_file, cache, genuine, tmp_path):
    """A limit on the size of files stands for a full disk or a quota; both raise OSError."""
    resource = pytest.importorskip("resource")
    (tmp_path / f"{LABELS}.gz").write_bytes(genuine)
    (cache / f"{LABELS}.gz").write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(OSError) as error:
            notebook.complete_cache(cache, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "File too large" in str(error.value) and not isinstance(error.value, FileNotFoundError)
    assert content(cache) == {f"{LABELS}.gz": b"old"}


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs Debian's dpkg-deb")
def test_debian_package_is_fetched_with_package_lists_of_its_own(
    notebook, one_file, cache, genuine, tmp_path, monkeypatch
):
    files = tmp_path / "package" / "usr" / "share" / "datasets" / "fashion-mnist"
    files.mkdir(parents=True)
    (files / f"{LABELS}.gz").write_bytes(genuine)
    control = tmp_path / "package" / "DEBIAN" / "control"
    control.parent.mkdir()
    control.write_text(
        "Package: dataset-fashion-mnist\nVersion: 1\nArchitecture: all\n"
        "Maintainer: Test <test@example.org>\nDescription: test\n"
    )
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    package = tmp_path / "data.deb"
    command = ["dpkg-deb", "-Znone", "-b", tmp_path / "package", package]
    subprocess.run(command, check=True, capture_output=True)

    # Like the real one, this apt-get finds the package only after an update of the same lists.
    apt_get = tmp_path / "bin" / "apt-get"
    apt_get.parent.mkdir()
    apt_get.write_text(f"""#!/bin/sh
case "$*" in
  *Dir::State::Lists="$PWD"*update) [ -d partial ] && touch updated ;;
  *download*) [ -e updated ] && cp "{package}" . ;;
esac
""")
    apt_get.chmod(0o755)
    notebook.complete_cache(cache)
    assert [*content(cache)] == [f"{LABELS}.gz"]
