"""Runs the configurations of web servers that docs/switching.md gives, with the ports and folders of a test filled in."""

import http.client
import json
import pathlib
import re
import ssl

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "switching.md"


def snippet(language):
    """The one block of code of a language."""
    [text] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return text


def fill(text, *changes):
    """The text with each change made, which must be possible."""
    for old, new in changes:
        if old not in text:
            raise SystemExit(f"a documented configuration has no {old!r} any more")
        text = text.replace(old, new)
    return text


def run_nginx(folder, text):
    """The command that runs nginx with these servers."""
    temporary = "".join(
        f"{name}_temp_path {folder}/front-{name};\n" for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    file = folder / "front-nginx.conf"
    file.write_text(
        f"daemon off; pid {folder}/front.pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{text}}}\n")
    return ["nginx", "-c", str(file), "-p", str(folder)]


def run_apache(folder, text):
    """The command that runs Apache with these hosts."""
    modules = "/usr/lib/apache2/modules"
    loaded = "".join(
        f"LoadModule {name}_module {modules}/mod_{name}.so\n"
        for name in ["mpm_event", "authz_core", "headers", "proxy", "proxy_http", "ssl", "socache_shmcb", "dir"])
    file = folder / "front-apache.conf"
    file.write_text(
        f"{loaded}ServerName shop.example\nPidFile {folder}/apache.pid\nErrorLog {folder}/error.log\n"
        f"DefaultRuntimeDir {folder}\n<Directory {folder}/static>\nRequire all granted\n</Directory>\n{text}")
    return ["apache2", "-D", "FOREGROUND", "-f", str(file)]


def nginx(servers, guichet, public, shop):
    certificate = f"ssl_certificate {servers.folder}/cert.pem; ssl_certificate_key {servers.folder}/key.pem;"
    text = fill(
        snippet("nginx"),
        ("127.0.0.1:8225", f"127.0.0.1:{guichet}"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{public} ssl; {certificate}"),
        ("listen 127.0.0.1:8000;", f"listen 127.0.0.1:{shop};"),
        ("# … the shop as before", 'location / { return 200 "the shop"; }'),
        ("# … root, index and PHP as in the public one",
         f"location / {{ proxy_pass http://127.0.0.1:{servers.php}; proxy_set_header Host $http_host; }}"))
    return run_nginx(servers.folder, text)


def apache(servers, guichet, public, shop):
    text = fill(
        snippet("apache"),
        ("127.0.0.1:8225", f"127.0.0.1:{guichet}"),
        ("<VirtualHost *:443>",
         f"Listen 127.0.0.1:{public}\n<VirtualHost 127.0.0.1:{public}>\nSSLEngine on\n"
         f"SSLCertificateFile {servers.folder}/cert.pem\nSSLCertificateKeyFile {servers.folder}/key.pem"),
        ("127.0.0.1:8000", f"127.0.0.1:{shop}"),
        ("# … the shop as before", f"DocumentRoot {servers.folder}/static"),
        ("# … DocumentRoot and PHP as in the public one",
         f"ProxyPreserveHost On\nProxyAddHeaders Off\nProxyPass / http://127.0.0.1:{servers.php}/"))
    (servers.folder / "static" / "index.html").write_text("the shop")
    return run_apache(servers.folder, text)


def haproxy(servers, guichet, public, shop):
    pem = servers.folder / "shop.pem"
    pem.write_text((servers.folder / "cert.pem").read_text() + (servers.folder / "key.pem").read_text())
    text = fill(
        snippet("haproxy"),
        ("127.0.0.1:8225", f"127.0.0.1:{guichet}"),
        ("bind :443 ssl crt /etc/haproxy/shop.pem", f"bind 127.0.0.1:{public} ssl crt {pem}"),
        ("server shop 127.0.0.1:8000", f"server shop 127.0.0.1:{servers.php}"))
    file = servers.folder / "front-haproxy.cfg"
    file.write_text(
        f"defaults\n mode http\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n{text}")
    return ["haproxy", "-db", "-f", str(file)]


FRONTS = {"nginx": nginx, "Apache": apache, "HAProxy": haproxy}


def ask(port, method, path, body=None, headers=None):
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=ssl._create_unverified_context())
    connection.request(method, path, body=body, headers={"Host": "shop.example", **(headers or {})})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def look(check, front, public):
    """Asks what a browser and an integration would ask."""
    answer, content = ask(public, "GET", "/api/client/tickets?page=2", headers={"X-Forwarded-For": "203.0.113.9"})
    told = {name.lower(): value for name, value in json.loads(content)["headers"].items()}
    check(f"{front}: a route that guichet lacks is the shop's", answer.status == 200 and "guichet" in answer.headers["Via"])
    check(f"{front}: the shop learns how it was asked",
          (told["host"], told["x-forwarded-proto"], told["x-forwarded-host"]) == ("shop.example", "https", "shop.example"),
          {name: value for name, value in told.items() if name.startswith("x-f") or name == "host"})
    addresses = [address.strip() for address in told["x-forwarded-for"].split(",")]
    check(f"{front}: and by whom", addresses[-2:] == ["127.0.0.1", "127.0.0.1"], addresses)
    answer, content = ask(public, "GET", "/api/application/products")
    check(f"{front}: a route of guichet is its own", answer.status == 401 and answer.headers["X-Request-Id"], content)
    answer, content = ask(public, "POST", "/graphql", b'{"query":"{__typename}"}', {"Content-Type": "application/json"})
    check(f"{front}: GraphQL answers", answer.status == 200 and b"__typename" in content, content)
    answer, content = ask(public, "GET", "/docs/api-docs.json")
    check(f"{front}: the contract is served", answer.status == 200 and json.loads(content)["openapi"].startswith("3."))
    body = b"x" * (3 << 20)
    answer, content = ask(public, "POST", "/api/client/upload", body)
    check(f"{front}: 3 MB arrive", json.loads(content)["length"] == len(body), answer.status)


def run(check, servers, free_port):
    for front, write in FRONTS.items():
        public, shop = free_port(), free_port()
        upstream = servers.php if front == "HAProxy" else shop
        _, port = servers.guichet(f"http://127.0.0.1:{upstream}", GUICHET_TRUSTED_PROXIES="127.0.0.1")
        servers.start(write(servers, port, public, shop), public)
        look(check, front, public)
        answer, content = ask(public, "GET", "/")
        if front != "HAProxy":
            check(f"{front}: the shop's pages are its own", content.strip() == b"the shop" and not answer.headers["Via"])
        else:
            check(f"{front}: the shop's pages are its own", b'"target":"\\/"' in content and not answer.headers["Via"])
