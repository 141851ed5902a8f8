"""The package in a Debian of its own, before systemd runs there and while it does: installed, served, upgraded, removed, purged."""

import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import time
import urllib.parse

from fronts import form, picture
from processes import check, free_port

# What differs in every Debian whether or not a package was there.
NOISE = re.compile(r"^/(dev|proc|run|sys|tmp|etc/((passwd|group|g?shadow|subuid|subgid)-?|\.pwd\.lock)|var/(cache|log|tmp|lib/(apt|dpkg)))(/|$)")


class Database:
    """A database and a user of its own on the MariaDB of this machine, and the client that makes them."""

    def __init__(self):
        server = urllib.parse.urlsplit(os.environ.get("GUICHET_TEST_MYSQL_URL", "mysql://root@127.0.0.1:3306"))
        self.host, self.port = server.hostname, server.port or 3306
        self.name, self.password = f"guichet_package_{os.getpid()}", "pass $word"
        self.client = ["mariadb", f"--host={self.host}", f"--port={self.port}", f"--user={server.username}", "--protocol=tcp"]
        self.environment = {**os.environ, "MYSQL_PWD": server.password or ""}
        self.run(f"CREATE DATABASE {self.name}; CREATE USER '{self.name}'@'%' IDENTIFIED BY '{self.password}';"
                 f"GRANT ALL ON {self.name}.* TO '{self.name}'@'%'")

    def run(self, sql):
        subprocess.run([*self.client, f"--execute={sql}"], check=True, env=self.environment)

    def drop(self):
        self.run(f"DROP DATABASE {self.name}; DROP USER '{self.name}'@'%'")

    def settings(self):
        return (f"DB_HOST={self.host}\nDB_PORT={self.port}\nDB_DATABASE={self.name}\nDB_USERNAME={self.name}\n"
                f"DB_PASSWORD='{self.password}'\n")


class Debian:
    """A copy of a clean root. Commands run by chroot until it is booted, and inside of it from then on."""

    def __init__(self, clean, folder):
        self.root, self.booted = folder / "root", None
        subprocess.run(["cp", "-a", clean, self.root], check=True)
        # What the server is told at its start is found by the test too.
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")

    def run(self, *command, **options):
        inside = ["nsenter", "--target", str(self.leader), "--all"] if self.booted else ["chroot", str(self.root)]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
        return subprocess.run([*inside, *command], text=True, capture_output=True, env=environment, **options)

    def must(self, *command, **options):
        ran = self.run(*command, **options)
        if ran.returncode:
            raise SystemExit(f"{' '.join(command)}: {ran.returncode}\n{ran.stdout}{ran.stderr}")
        return ran.stdout

    def boot(self):
        """Starts systemd as the first process of a container that shares the network of this machine."""
        self.booted = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", f"--directory={self.root}", "--boot", "--console=pipe"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            children = pathlib.Path(f"/proc/{self.booted.pid}/task/{self.booted.pid}/children").read_text().split()
            if children:
                self.leader = int(children[0])
                if self.run("systemctl", "is-system-running").stdout.strip() in ["running", "degraded"]:
                    return
            time.sleep(0.1)
        raise SystemExit("systemd did not start in the container")

    def stop(self):
        if self.booted:
            self.run("systemctl", "poweroff", "--no-block")
            try:
                self.booted.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.booted.terminate()
                self.booted.wait(timeout=20)
            self.booted = None

    def files(self):
        """Everything that could be left behind, with owner and rights; of the user database its entries."""
        found = set()
        for folder, folders, files in os.walk(self.root):
            for path in [pathlib.Path(folder) / name for name in [*folders, *files]]:
                inside = f"/{path.relative_to(self.root)}"
                if not NOISE.match(inside):
                    status = path.lstat()
                    found.add(f"{inside} {status.st_uid}:{status.st_gid} {status.st_mode:o}")
        for name in ["passwd", "group"]:
            found |= {f"{name}: {line}" for line in (self.root / "etc" / name).read_text().splitlines()}
        return found

    def rights(self, path):
        return self.must("stat", "--format=%U:%G %a", path).strip()


def ask(port, method, path, key=None, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, {**({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})})
    answer = connection.getresponse()
    return answer.status, answer.read()


def answers(port, key):
    """Whether products are answered, within some seconds: what has just been started may still open its database."""
    for _ in range(100):
        try:
            status, content = ask(port, "GET", "/api/application/products?per_page=2", key)
            if status == 200:
                return json.loads(content)["total"] > 0
        except OSError:
            pass
        time.sleep(0.1)
    return False


def listens(port):
    try:
        ask(port, "GET", "/healthz")
    except OSError:
        return False
    return True


def next_version(package, folder):
    """The package again, with a higher version and another file of settings."""
    contents = folder / "next"
    subprocess.run(["dpkg-deb", "--raw-extract", package, contents], check=True)
    control = contents / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", lambda found: f"{found[0]}.1", control.read_text(), flags=re.MULTILINE))
    with (contents / "etc/guichet/guichet.env").open("a") as settings:
        settings.write("\n# A setting of the next version.\n")
    file = folder / "next.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", "-Zgzip", "-z1", contents, file], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(contents)
    return file


def put(debian, package):
    """A package where dpkg finds it."""
    shutil.copy(package, debian.root / "var/tmp/guichet.deb")
    return "/var/tmp/guichet.deb"


def without_systemd(debian, package):
    """Installed, run by its own user, removed and purged in a root where no systemd runs."""
    debian.must("dpkg", "--install", put(debian, package))
    check("installed without systemd", "guichet" in debian.must("guichet", "--version"))
    check("its settings are for root and the server alone", debian.rights("/etc/guichet/guichet.env") == "root:guichet 640")
    check("its state is its own", debian.rights("/var/lib/guichet") == "guichet:guichet 750")
    account = debian.must("getent", "passwd", "guichet").strip().split(":")
    check("its user cannot sign in", account[5:] == ["/var/lib/guichet", "/usr/sbin/nologin"], account)
    debian.must("dpkg", "--purge", "guichet")


def configure(debian, database, port):
    """The settings of an operator, in the installed file."""
    settings = debian.root / "etc/guichet/guichet.env"
    settings.write_text(f"{settings.read_text()}\n# Mine.\n{database.settings()}GUICHET_LISTEN=127.0.0.1:{port}\n"
                        f"APP_KEY={'k' * 32}\nGUICHET_RATE_LIMIT=0\n")
    command = ["runuser", "--user", "guichet", "--", "guichet", "--env-file", "/etc/guichet/guichet.env"]
    debian.must(*command, "migrate")
    debian.must(*command, "seed", "--customers=5", "--products=12", "--services=10", "--invoices=5", "--tickets=1")
    told = debian.run(*command, "doctor")
    check("doctor finds no error in these settings", told.returncode == 0, told.stdout if told.returncode else "")
    made = debian.must(*command, "create-api-key", "package", "admin@example.com", "--json")
    return json.loads(made)["token"]


def property_of(debian, name):
    return debian.must("systemctl", "show", "guichet", f"--property={name}", "--value").strip()


def serving(debian, port, key):
    """The unit as it is installed, under a real systemd."""
    check("it is not started by its installation", property_of(debian, "ActiveState") == "inactive")
    debian.must("systemctl", "enable", "--now", "guichet")
    check("the unit serves the shop", answers(port, key))
    status, content = ask(port, "POST", "/graphql", key, '{"query":"{ products(perPage: 1) { totalCount } }"}', {"Content-Type": "application/json"})
    check("GraphQL too", status == 200 and json.loads(content)["data"]["products"]["totalCount"] == 12, content)
    process = debian.must("cat", f"/proc/{property_of(debian, 'MainPID')}/status")
    state = dict(line.split(":\t", 1) for line in process.splitlines() if ":\t" in line)
    user = debian.must("id", "--user", "guichet").strip()
    check("as its own user", set(state["Uid"].split()) == {user}, state["Uid"])
    check("without rights, and behind a filter of system calls", (state["CapBnd"], state["NoNewPrivs"], state["Seccomp"]) == ("0" * 16, "1", "2"))
    limits = debian.must("cat", f"/proc/{property_of(debian, 'MainPID')}/limits")
    [files] = [line.split()[3:5] for line in limits.splitlines() if line.startswith("Max open files")]
    # A machine that may not raise its own bound gives that one.
    bound = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    check("with as many files as the unit says", files[0] == files[1] and int(files[0]) in [65536, min(bound, 65536)], files)
    lines = debian.must("journalctl", "--unit=guichet", "--output=cat")
    check("its log is in the journal, without a warning", '"INFO"' in lines and '"WARN"' not in lines and '"ERROR"' not in lines, lines[-600:])
    check("health is told from the command line", debian.run("guichet", "health", "--address", f"127.0.0.1:{port}").returncode == 0)
    query = 'mutation { sessionCreate(input: {kind: STAFF, email: "x@example.com", password: "y"}) { userErrors { code } } }'
    status, content = ask(port, "POST", "/graphql", None, json.dumps({"query": query}), {"Content-Type": "application/json"})
    check("a sign-in is answered", status == 200 and b"userErrors" in content, content)
    old = property_of(debian, "MainPID")
    debian.must("systemctl", "kill", "--signal=KILL", "guichet")
    # RestartSec of the unit.
    time.sleep(5)
    check("what is killed is started again", answers(port, key) and property_of(debian, "MainPID") not in [old, "0"])


def block(kind):
    """The one block of docs/install.md that is marked so."""
    page = pathlib.Path(__file__).resolve().parents[2] / "docs/install.md"
    [text] = re.findall(rf"^```{kind}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return text


def shop_files(debian, database, port, key):
    """The folder and the .env of the shop's own user, opened as docs/install.md says."""
    shop = debian.root / "var/www/clientxcms"
    public = "/var/www/clientxcms/storage/app/public"
    (shop / "storage/app/public").mkdir(parents=True)
    (shop / ".env").write_text(database.settings())
    (shop / ".env").chmod(0o600)
    debian.must("chown", "-R", "www-data:www-data", "/var/www/clientxcms")
    drop_in = debian.root / "etc/systemd/system/guichet.service.d/shop.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(block("ini shop"))
    settings = debian.root / "etc/guichet/guichet.env"
    settings.write_text(f"{settings.read_text().replace(database.settings(), '')}{block('sh storage')}")
    debian.must("sh", "-ec", block("sh shop"))
    check("the shop's own .env names the database", answers(port, key))
    body, kind = form(image=picture(1000))
    status, content = ask(port, "POST", "/api/application/products/1", key, body, kind)
    check("a picture goes to the shop's folder", status == 200, content)
    files = debian.must("find", public, "-type", "f").split()
    check("it is there", len(files) == 1, files)
    for file in files:
        check("the shop's user reads and removes it", debian.rights(file).split(":")[1].startswith("www-data 6"), debian.rights(file))
        debian.must("runuser", "--user", "www-data", "--", "sh", "-ec", f"cat {file} > /dev/null; rm {file}")


def upgraded(debian, package, port, key):
    old = property_of(debian, "MainPID")
    mine = (debian.root / "etc/guichet/guichet.env").read_text()
    debian.must("dpkg", "--install", "--force-confdef", "--force-confold", put(debian, package))
    check("an upgrade starts the new program", answers(port, key) and property_of(debian, "MainPID") != old)
    check("and keeps changed settings", (debian.root / "etc/guichet/guichet.env").read_text() == mine)
    check("with their rights", debian.rights("/etc/guichet/guichet.env") == "root:guichet 640")
    check("beside those of the new version", (debian.root / "etc/guichet/guichet.env.dpkg-dist").exists())


def removed(debian, before, port):
    (debian.root / "var/lib/guichet/mine").write_text("kept")
    debian.must("dpkg", "--remove", "guichet")
    check("removing it stops the server", not listens(port))
    kept = [(debian.root / path).exists() for path in ["etc/guichet/guichet.env", "var/lib/guichet/mine", "usr/bin/guichet"]]
    check("and keeps settings and state", kept == [True, True, False], kept)
    debian.must("dpkg", "--purge", "guichet")
    shutil.rmtree(debian.root / "etc/systemd/system/guichet.service.d")
    shutil.rmtree(debian.root / "var/www")
    check("purging leaves nothing", debian.files() == before, sorted(debian.files() ^ before)[:10])


def unit(debian):
    """The unit by systemd's own checks, with the program it starts where it names it."""
    installed = "/usr/lib/systemd/system/guichet.service"
    told = debian.run("systemd-analyze", "verify", "--man=no", installed)
    check("the unit is valid", told.returncode == 0 and not told.stderr, told.stderr)
    told = debian.run("systemd-analyze", "security", "--offline=true", "--threshold=20", installed)
    check("its exposure is below 2.0", told.returncode == 0, told.stdout.strip().splitlines()[-1:])


def run(clean, package, folder):
    database, debian = Database(), Debian(clean, folder)
    try:
        before = debian.files()
        without_systemd(debian, package)
        check("purging leaves nothing there", debian.files() == before, sorted(debian.files() ^ before)[:10])
        debian.boot()
        before = debian.files()
        port = free_port()
        debian.must("dpkg", "--install", put(debian, package))
        unit(debian)
        key = configure(debian, database, port)
        serving(debian, port, key)
        shop_files(debian, database, port, key)
        upgraded(debian, next_version(package, folder), port, key)
        removed(debian, before, port)
    finally:
        debian.stop()
        database.drop()
