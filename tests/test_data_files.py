"""The step that fills the Keras cache: every source, damaged files, and no source at all."""

import gzip
import http.server
import pathlib
import shutil
import socket
import subprocess
import threading

import pytest

LABELS = "t10k-labels-idx1-ubyte.gz"


@pytest.fixture
def offline(notebook, monkeypatch):
    """Take all sources but FASHION_MNIST_DIR away."""
    monkeypatch.setattr(notebook, "DEBIAN_FOLDER", pathlib.Path("/nonexistent/fashion-mnist"))
    monkeypatch.setattr(notebook, "DOWNLOAD_HOSTS", {})
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("FASHION_MNIST_DIR", raising=False)


@pytest.fixture
def serve():
    """Serve files over HTTP on this machine: serve({path: bytes}) returns the address."""
    servers = []

    def start(files):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                content = files.get(self.path.lstrip("/"), b"<html>Please log in</html>")
                self.send_response(200)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments):
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def cache(tmp_path, data_folder):
    """A cache folder of our own that holds the four intact files."""
    return pathlib.Path(shutil.copytree(data_folder, tmp_path / "缓存 cache"))


def test_cache_folder_is_the_one_that_keras_uses(notebook, tmp_path):
    probe = tmp_path / "probe.txt"
    probe.write_text("probe")
    cached = pathlib.Path(notebook.keras.utils.get_file(
        origin=probe.as_uri(), cache_subdir="datasets/fashion-mnist"))
    assert cached.parent == notebook.keras_cache_folder()
    cached.unlink()


def test_intact_cache_is_left_alone(notebook, cache, offline):
    before = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert notebook.ensure_dataset(cache) == "Keras cache"
    assert before == {path: path.stat().st_mtime_ns for path in cache.iterdir()}


@pytest.mark.parametrize("damage", [
    lambda genuine: genuine[:-100],  # a killed download
    lambda genuine: b"",
    lambda genuine: b"<html>Please log in</html>",
    lambda genuine: gzip.compress(gzip.decompress(genuine)[:8] + bytes(10_000)),  # other labels
    lambda genuine: genuine[:1_000] + bytes(1_000) + genuine[2_000:],
    None,  # the file is missing
], ids=["truncated", "empty", "web page", "other data", "overwritten", "missing"])
def test_damaged_file_is_replaced_from_the_local_folder(
        notebook, cache, data_folder, offline, monkeypatch, damage):
    genuine = (cache / LABELS).read_bytes()
    if damage:
        (cache / LABELS).write_bytes(damage(genuine))
    else:
        (cache / LABELS).unlink()
    assert notebook.damaged_or_missing(cache) == [LABELS]
    monkeypatch.setenv("FASHION_MNIST_DIR", str(data_folder))
    assert notebook.ensure_dataset(cache) == "FASHION_MNIST_DIR"
    assert (cache / LABELS).read_bytes() == genuine
    assert len(list(cache.iterdir())) == 4


def test_folder_that_lacks_some_files_supplies_the_others(
        notebook, tmp_path, data_folder, offline, serve, monkeypatch):
    half = pathlib.Path(shutil.copytree(data_folder, tmp_path / "half"))
    first, *_, last = notebook.PAYLOAD_SHA256
    (half / first).unlink()
    (half / last).write_bytes(b"damaged")
    monkeypatch.setenv("FASHION_MNIST_DIR", str(half))
    mirror = serve({name: (data_folder / name).read_bytes() for name in (first, last)})
    monkeypatch.setattr(notebook, "DOWNLOAD_HOSTS", {"mirror": mirror})
    assert notebook.ensure_dataset(tmp_path / "cache") == "mirror"
    assert notebook.damaged_or_missing(tmp_path / "cache") == []


def test_wrong_answer_of_one_host_is_not_used_and_the_next_host_is_asked(
        notebook, cache, offline, serve, monkeypatch):
    genuine = (cache / LABELS).read_bytes()
    (cache / LABELS).unlink()
    monkeypatch.setattr(notebook, "DOWNLOAD_HOSTS", {"login page": serve({}), "mirror": serve({LABELS: genuine})})
    assert notebook.ensure_dataset(cache) == "mirror"
    assert (cache / LABELS).read_bytes() == genuine


def test_host_that_never_answers_is_given_up(notebook, monkeypatch):
    monkeypatch.setattr(notebook, "NETWORK_TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(TimeoutError):
            notebook.download(f"http://127.0.0.1:{silent.getsockname()[1]}/{LABELS}")


def test_without_any_source_the_message_says_what_to_do_and_nothing_is_lost(notebook, cache, offline):
    (cache / LABELS).write_bytes(b"damaged")
    others = {path: path.read_bytes() for path in cache.iterdir() if path.name != LABELS}
    with pytest.raises(FileNotFoundError) as error:
        notebook.ensure_dataset(cache)
    message = str(error.value)
    for part in ("请从", "Get the four .gz files", "zalandoresearch", str(cache), "FASHION_MNIST_DIR", LABELS):
        assert part in message
    assert others == {path: path.read_bytes() for path in others}


def test_cache_that_cannot_be_written_is_explained(notebook, tmp_path, data_folder, offline, monkeypatch):
    (tmp_path / "file").write_text("a file where the cache folder should be")
    monkeypatch.setenv("FASHION_MNIST_DIR", str(data_folder))
    with pytest.raises(FileNotFoundError, match="(?s)请从.*FASHION_MNIST_DIR, .*[Nn]ot a directory"):
        notebook.ensure_dataset(tmp_path / "file" / "fashion-mnist")


def test_full_disk_leaves_the_old_file_and_no_half_written_one(notebook, tmp_path, monkeypatch):
    path = tmp_path / LABELS
    path.write_bytes(b"old")
    write_bytes = pathlib.Path.write_bytes

    def write_half(self, content):
        write_bytes(self, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_bytes", write_half)
    with pytest.raises(OSError, match="No space left"):
        notebook.replace_file(path, b"new content")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs Debian's dpkg-deb")
def test_debian_package_is_fetched_with_fresh_lists_when_the_system_has_none(
        notebook, tmp_path, data_folder, monkeypatch):
    package = tmp_path / "package"
    files = package / notebook.DEBIAN_FOLDER.relative_to("/")
    shutil.copytree(data_folder, files)
    (package / "DEBIAN").mkdir()
    (package / "DEBIAN" / "control").write_text(
        "Package: dataset-fashion-mnist\nVersion: 1\nArchitecture: all\n"
        "Maintainer: Test <test@example.org>\nDescription: test\n")
    subprocess.run(["dpkg-deb", "-Znone", "-b", package, tmp_path / "data.deb"], check=True, capture_output=True)

    # An apt-get that, like the real one, finds the package only after an update of the lists it uses.
    (tmp_path / "bin").mkdir()
    apt_get = tmp_path / "bin" / "apt-get"
    apt_get.write_text(f"""#!/bin/sh
echo "$*" >> "{tmp_path}/calls"
case "$*" in
  *update*) case "$*" in *Dir::State::Lists=*) touch lists/updated ;; esac ;;
  *download*) [ -e lists/updated ] && cp "{tmp_path}/data.deb" . ;;
esac
""")
    apt_get.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    folder = tmp_path / "temporary"
    folder.mkdir()
    assert not notebook.damaged_or_missing(notebook.unpack_debian_package(folder))
    assert len((tmp_path / "calls").read_text().splitlines()) == 3
