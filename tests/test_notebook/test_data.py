"""The step that fills Keras's cache: every source, damaged files, and no source at all."""

import gzip
import http.server
import pathlib
import shutil
import subprocess
import threading

import pytest

LABELS = "t10k-labels-idx1-ubyte"


@pytest.fixture
def offline(notebook, monkeypatch):
    """Take all sources but FASHION_MNIST_DIR away."""
    monkeypatch.setattr(notebook, "SOURCES", [])
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("FASHION_MNIST_DIR", raising=False)


@pytest.fixture
def serve():
    """Serve files over HTTP on this machine: serve({path: bytes}) returns the address and the list of requests."""
    servers = []

    def start(files):
        requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                requests.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(files.get(self.path.lstrip("/"), b"<html>Please log in</html>"))

            def log_message(self, *arguments):
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}", requests

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def cache(tmp_path, data_folder):
    """A cache folder of our own that holds the four intact files."""
    return pathlib.Path(shutil.copytree(data_folder, tmp_path / "缓存 cache"))


def unpacked(path):
    return gzip.decompress(path.read_bytes())


def test_intact_cache_is_left_alone(notebook, cache, offline):
    before = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    notebook.complete_cache(cache)
    assert before == {path: path.stat().st_mtime_ns for path in cache.iterdir()}


@pytest.mark.parametrize("damage", [
    lambda genuine: genuine[:-100],  # a killed download
    lambda genuine: b"",
    lambda genuine: b"<html>Please log in</html>",
    lambda genuine: gzip.compress(gzip.decompress(genuine)[:8] + bytes(10_000)),  # other labels
    lambda genuine: genuine[:1_000] + bytes(1_000) + genuine[2_000:],
    None,  # the file is missing
], ids=["truncated", "empty", "web page", "other data", "overwritten", "missing"])
@pytest.mark.parametrize("is_packed", [True, False], ids=["packed", "unpacked"])
def test_damaged_file_is_replaced_from_a_folder_of_ones_own(
        notebook, cache, data_folder, tmp_path, offline, monkeypatch, damage, is_packed):
    path = cache / f"{LABELS}.gz"
    genuine = unpacked(path)
    path.unlink() if damage is None else path.write_bytes(damage(path.read_bytes()))
    own = tmp_path / "home" / "data"
    own.mkdir(parents=True)
    (own / (f"{LABELS}.gz" if is_packed else LABELS)).write_bytes(gzip.compress(genuine) if is_packed else genuine)
    monkeypatch.setenv("HOME", str(own.parent))
    monkeypatch.setenv("USERPROFILE", str(own.parent))
    monkeypatch.setenv("FASHION_MNIST_DIR", "~/data")
    notebook.complete_cache(cache)
    assert unpacked(path) == genuine and len(list(cache.iterdir())) == 4


def test_wrong_answer_of_one_host_is_not_used_and_the_next_host_is_asked(notebook, cache, offline, serve, monkeypatch):
    path = cache / f"{LABELS}.gz"
    genuine = path.read_bytes()
    path.unlink()
    login_page, mirror = serve({}), serve({path.name: genuine})
    monkeypatch.setattr(notebook, "SOURCES", [login_page[0], mirror[0]])
    notebook.complete_cache(cache)
    assert unpacked(path) == gzip.decompress(genuine)


def test_host_that_does_not_help_is_asked_once_only(notebook, tmp_path, offline, serve, monkeypatch):
    login_page, requests = serve({})
    monkeypatch.setattr(notebook, "SOURCES", [login_page])
    with pytest.raises(FileNotFoundError):
        notebook.complete_cache(tmp_path)
    assert len(requests) == 1


def test_without_any_source_the_message_says_what_to_do_and_nothing_is_lost(notebook, cache, offline):
    (cache / f"{LABELS}.gz").write_bytes(b"damaged")
    others = {path: path.read_bytes() for path in cache.iterdir() if LABELS not in path.name}
    with pytest.raises(FileNotFoundError) as error:
        notebook.complete_cache(cache)
    for part in ("请从", "get the four .gz files", "zalandoresearch", str(cache), "FASHION_MNIST_DIR", LABELS):
        assert part in str(error.value)
    assert others == {path: path.read_bytes() for path in others}


def test_cache_that_cannot_be_written_is_explained(notebook, tmp_path, data_folder, offline, monkeypatch):
    (tmp_path / "file").write_text("a file where the cache folder should be")
    monkeypatch.setenv("FASHION_MNIST_DIR", str(data_folder))
    with pytest.raises(FileNotFoundError, match="(?s)请从.*KERAS_HOME.*[Nn]ot a directory"):
        notebook.complete_cache(tmp_path / "file" / "fashion-mnist")


def test_full_disk_leaves_the_old_file_and_no_half_written_one(notebook, cache, data_folder, offline, monkeypatch):
    path = cache / f"{LABELS}.gz"
    path.write_bytes(b"old")
    monkeypatch.setenv("FASHION_MNIST_DIR", str(data_folder))
    write_bytes = pathlib.Path.write_bytes

    def write_half(self, content):
        write_bytes(self, content[:len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_bytes", write_half)
    with pytest.raises(FileNotFoundError, match="No space left on device"):
        notebook.complete_cache(cache)
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs Debian's dpkg-deb")
def test_debian_package_is_fetched_with_package_lists_of_its_own(notebook, tmp_path, data_folder, offline, monkeypatch):
    package = tmp_path / "package"
    shutil.copytree(data_folder, package / "usr" / "share" / "datasets" / "fashion-mnist")
    (package / "DEBIAN").mkdir()
    (package / "DEBIAN" / "control").write_text(
        "Package: dataset-fashion-mnist\nVersion: 1\nArchitecture: all\n"
        "Maintainer: Test <test@example.org>\nDescription: test\n")
    subprocess.run(["/usr/bin/dpkg-deb", "-Znone", "-b", package, tmp_path / "data.deb"], check=True, capture_output=True,
                   env={"PATH": "/usr/bin:/bin"})

    # An apt-get that, like the real one, finds the package only after an update of the lists it is told to use.
    (tmp_path / "bin").mkdir()
    apt_get = tmp_path / "bin" / "apt-get"
    apt_get.write_text(f"""#!/bin/sh
case "$*" in
  *Dir::State::Lists="$PWD"*update) [ -d partial ] && touch updated ;;
  *download*) [ -e updated ] && cp "{tmp_path}/data.deb" . ;;
esac
""")
    apt_get.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    notebook.complete_cache(tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 4
