"""guichet behind nginx, Apache and HAProxy, with the configurations of `contrib/`."""

import concurrent.futures
import json
import os
import signal
import subprocess
import threading
import time
import zlib

from front import ask, fill, run_apache, run_nginx
from processes import Processes, check, free_port

# The largest picture of a product: 2048 KB.
PICTURE = 2048 << 10
GUICHET = "127.0.0.1:8080"
CERTIFICATE = "/etc/ssl/certs/shop.example.pem"
KEY = "/etc/ssl/private/shop.example.key"


def nginx(repository, servers, guichet, public):
    text = fill(
        (repository / "contrib/nginx/guichet.conf").read_text(),
        (GUICHET, f"127.0.0.1:{guichet}"), (CERTIFICATE, f"{servers.folder}/cert.pem"), (KEY, f"{servers.folder}/key.pem"),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"), ("listen 443 ssl;", f"listen 127.0.0.1:{public} ssl;"))
    command = run_nginx(servers.folder, text)
    return command, [*command[:1], "-t", *command[1:]]


def apache(repository, servers, guichet, public):
    (servers.folder / "static").mkdir(exist_ok=True)
    text = fill(
        (repository / "contrib/apache/guichet.conf").read_text(),
        (GUICHET, f"127.0.0.1:{guichet}"), (CERTIFICATE, f"{servers.folder}/cert.pem"), (KEY, f"{servers.folder}/key.pem"),
        ("<VirtualHost *:443>", f"Listen 127.0.0.1:{public}\n<VirtualHost 127.0.0.1:{public}>"),
        ("/var/www/clientxcms/public", f"{servers.folder}/static"))
    command = run_apache(servers.folder, text)
    return command, [*command[:1], "-t", *command[3:]]


def haproxy(repository, servers, guichet, public):
    pem = servers.folder / "shop.pem"
    pem.write_text((servers.folder / "cert.pem").read_text() + (servers.folder / "key.pem").read_text())
    file = servers.folder / "haproxy.cfg"
    file.write_text(fill(
        (repository / "contrib/haproxy/haproxy.cfg").read_text(),
        (GUICHET, f"127.0.0.1:{guichet}"), ("bind :443 ssl crt /etc/haproxy/shop.pem", f"bind 127.0.0.1:{public} ssl crt {pem}")))
    return ["haproxy", "-db", "-f", str(file)], ["haproxy", "-c", "-f", str(file)]


FRONTS = {"nginx": nginx, "Apache": apache, "HAProxy": haproxy}


def picture(size):
    """A picture of exactly so many bytes: one dot, and a text that nobody reads."""
    def part(kind, content):
        return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)

    head = b"\x89PNG\r\n\x1a\n" + part(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0")
    rest = part(b"IDAT", zlib.compress(b"\0\0")) + part(b"IEND", b"")
    return head + part(b"tEXt", os.urandom(size - len(head) - len(rest) - 12)) + rest


def form(**parts):
    """A body of multipart/form-data, and its header."""
    content = b""
    for name, value in parts.items():
        file = b'; filename="picture.png"' if isinstance(value, bytes) else b""
        value = value if isinstance(value, bytes) else value.encode()
        content += b'--limit\r\nContent-Disposition: form-data; name="' + name.encode() + b'"' + file + b"\r\n\r\n" + value + b"\r\n"
    return content + b"--limit--\r\n", {"Content-Type": "multipart/form-data; boundary=limit"}


def upload(public, headers):
    query = """mutation($image: Upload) { productUpdate(id: 1, input: {image: $image}) {
        product { image { url } } userErrors { field message } } }"""
    operations = json.dumps({"query": query, "variables": {"image": None}})
    body, kind = form(operations=operations, map='{"0": ["variables.image"]}', **{"0": picture(PICTURE)})
    return ask(public, "POST", "/graphql", body, {**headers, **kind, "GraphQL-Require-Preflight": "1"})


def look(name, public, key):
    """Asks what a browser and an integration would ask; addresses in answers must be those that they used."""
    address = f"https://shop.example:{public}"
    headers = {"Host": f"shop.example:{public}", "Authorization": f"Bearer {key}"}
    answer, content = ask(public, "GET", "/api/application/products?per_page=1", headers=headers)
    page = json.loads(content)
    links = [page[link] for link in ["first_page_url", "last_page_url", "next_page_url", "path"]]
    check(f"{name}: links to pages are public", answer.status == 200 and all(link.startswith(f"{address}/api/") for link in links), links)
    answer, content = ask(public, "GET", "/docs/api-docs.json", headers=headers)
    check(f"{name}: so is the server in openapi.json", json.loads(content)["servers"][0]["url"].startswith(address), json.loads(content)["servers"])
    answer, content = ask(public, "GET", "/api/documentation", headers=headers)
    assets = [part.split(b'"')[0].decode() for part in content.split(b'src="')[1:]]
    statuses = [ask(public, "GET", asset.removeprefix(address), headers=headers)[0].status for asset in assets]
    check(f"{name}: Swagger UI and its files are there", answer.status == 200 and set(statuses) == {200}, assets)
    answer, content = ask(public, "GET", "/graphql", headers={**headers, "Accept": "text/html"})
    check(f"{name}: so is GraphiQL", answer.status == 200 and b"graphiql" in content.lower(), answer.status)
    answer, content = upload(public, headers)
    check(f"{name}: a picture of 2 MB is taken", answer.status == 200, content[:200])
    product = json.loads(content)["data"]["productUpdate"]["product"]
    check(f"{name}: its address is public", product["image"]["url"].startswith(f"{address}/storage/"), product)
    answer, content = ask(public, "GET", "/healthz", headers=headers)
    check(f"{name}: health is not for the public", b"ok" not in content, answer.status)

    def once(_):
        return ask(public, "GET", "/api/application/products?per_page=5", headers=headers)[0].status

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(once, range(50)))
    check(f"{name}: 50 requests at once", statuses == [200] * 50, set(statuses))


def reloads(process, public, key):
    """nginx reads its configuration again under load; every request is answered."""
    headers = {"Host": f"shop.example:{public}", "Authorization": f"Bearer {key}"}
    stop, lost, answered = threading.Event(), [], []

    def load():
        while not stop.is_set():
            try:
                answer, _ = ask(public, "GET", "/api/application/products?per_page=5", headers=headers)
                (answered if answer.status == 200 else lost).append(answer.status)
            except OSError as error:
                lost.append(repr(error))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.7)
        process.send_signal(signal.SIGHUP)
    time.sleep(0.7)
    stop.set()
    for thread in threads:
        thread.join()
    check("nginx: reading the configuration again under load loses nothing", not lost and len(answered) > 30, f"{len(answered)} answered, {lost[:3]}")


def unbelieved(repository, servers):
    """What the configurations say of a guichet that is not told who is in front."""
    _, port = servers.guichet()
    public = free_port()
    key = json.loads((servers.folder / f"demo{port}" / "keys.json").read_text())["all"]
    servers.start(nginx(repository, servers, port, public)[0], public)
    headers = {"Host": f"shop.example:{public}", "Authorization": f"Bearer 1|{key}"}
    _, content = ask(public, "GET", "/api/application/products?per_page=1", headers=headers)
    path = json.loads(content)["path"]
    check("nginx: without GUICHET_TRUSTED_PROXIES links say http://", path.startswith("http://"), path)


def run(repository, binary):
    servers = Processes(binary, "guichet-fronts-")
    try:
        servers.certify("shop.example")
        _, port = servers.guichet(GUICHET_TRUSTED_PROXIES="127.0.0.1")
        secrets = json.loads((servers.folder / f"demo{port}" / "keys.json").read_text())
        key = f"1|{secrets['all']}"
        for name, write in FRONTS.items():
            public = free_port()
            command, syntax = write(repository, servers, port, public)
            told = subprocess.run(syntax, capture_output=True, text=True)
            check(f"{name}: the configuration is valid", told.returncode == 0, told.stderr.strip().splitlines()[-1:])
            process = servers.start(command, public)
            look(name, public, key)
            if name == "nginx":
                reloads(process, public, key)
        unbelieved(repository, servers)
    finally:
        servers.stop()
