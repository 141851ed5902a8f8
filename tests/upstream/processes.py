"""Programs that a test starts, each on a free port, in a folder that is removed with them."""

import http.client
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

failures = []


def check(name, holds, told=""):
    print(f"{'ok  ' if holds else 'FAIL'} {name}{': ' + str(told) if told != '' else ''}", flush=True)
    if not holds:
        failures.append(name)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on {port}")


class Processes:
    """What runs, and where."""

    def __init__(self, binary, prefix):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
        self.binary, self.running = binary, []
        # nginx reads as another user where it is started by root.
        self.folder.chmod(0o755)

    def certify(self, name):
        """A certificate for a name, which is no authority: cert.pem and key.pem."""
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
             "-addext", f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=critical,CA:FALSE",
             "-keyout", self.folder / "key.pem", "-out", self.folder / "cert.pem"],
            check=True, capture_output=True)

    def start(self, command, port, **environment):
        process = subprocess.Popen(
            command, env=dict(os.environ, **environment), stdout=subprocess.DEVNULL, stderr=open(self.folder / "log", "ab"))
        self.running.append(process)
        wait_for(port)
        return process

    def guichet(self, **settings):
        """A demo shop."""
        port = free_port()
        environment = {"GUICHET_RATE_LIMIT": "0", "RUST_LOG": "warn", **settings, "GUICHET_DEMO_DIR": str(self.folder / f"demo{port}")}
        process = self.start([self.binary, "serve", "--demo", "--listen", f"127.0.0.1:{port}"], port, **environment)
        return process, port

    def stop(self):
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def ask(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content
