"""The machines of the runs: processes of guichet, nodes of Galera, PostgreSQL with standbys, HAProxy. Each is a process with a port and
a folder of its own, and can be killed, paused and started again."""

import collections
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

ports = iter(range(21000 + os.getpid() % 500 * 20, 60000))


def free_port():
    """A port that nobody listens on."""
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise RuntimeError("no free port")


def wait(what, holds, seconds):
    """Waits until `holds()` is true, and returns the seconds that it took."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(0.1)
    return time.monotonic() - began


def descendants(process):
    """The processes that a process has started, and those that these have started."""
    children = collections.defaultdict(list)
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children[int(fields[1])].append(int(status.parent.name))
    found, rest = [], [process]
    while rest:
        own = children[rest.pop()]
        found += own
        rest += own
    return found


class Machine:
    """A process that ends with the run."""

    process = None

    def __init__(self, folder, name):
        self.name, self.folder = name, folder / name
        self.folder.mkdir()
        self.port = free_port()

    def spawn(self, command, **options):
        self.log = open(self.folder / "log", "a")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True, **options)

    def signal(self, number):
        """Sends a signal to the process and all that it has started. Those of PostgreSQL are groups of their own."""
        for process in [self.process.pid, *descendants(self.process.pid)]:
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass

    def kill(self):
        """Like a machine that loses its power."""
        if self.process:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def pause(self, seconds):
        """Like a machine that is swapping or cut off from the network."""
        self.signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.signal(signal.SIGCONT)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


class Guichet(Machine):
    """A process of guichet."""

    def __init__(self, folder, name, program, environment):
        super().__init__(folder, name)
        self.metrics = free_port()
        self.program = program
        self.environment = {**environment, "GUICHET_LISTEN": f"127.0.0.1:{self.port}", "RUST_LOG": "warn",
                            "GUICHET_METRICS_LISTEN": f"127.0.0.1:{self.metrics}"}

    def start(self):
        self.spawn([self.program, "serve"], env=self.environment, cwd=self.folder)
        wait(f"{self.name} listens", self.listens, 20)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Rows:
    """Runs statements on one server and returns rows as lists of texts."""

    def __init__(self, command, quote):
        self.command, self.quote = command, quote

    def __call__(self, sql):
        ran = subprocess.run(self.command, input=sql, text=True, capture_output=True, timeout=20)
        if ran.returncode:
            raise RuntimeError(ran.stderr.strip())
        lines = [line.split("\t") for line in ran.stdout.splitlines()]
        return [["" if cell in ("NULL", "\\N") else cell for cell in line] for line in lines]

    def quoted(self, name):
        return f"{self.quote}{name}{self.quote}"


class GaleraNode(Machine):
    """A node of a Galera cluster of MariaDB. It runs as `mysql`: rsync, which copies the data to a new node, does not work as root."""

    def __init__(self, folder, name):
        super().__init__(folder, name)
        self.group, self.transfer, self.copy = free_port(), free_port(), free_port()
        self.nodes = []
        subprocess.run(["chown", "-R", "mysql", self.folder], check=True)
        self.data = self.folder / "data"
        # What was committed on any node before is in what it answers.
        self.rows = Rows(["mariadb", "--no-defaults", "-uroot", f"--socket={self.folder}/socket", "-N", "-B",
                          "--init-command=SET SESSION wsrep_sync_wait = 1", "shop"], "`")
        self.server = Rows(["mariadb", "--no-defaults", "-uroot", f"--socket={self.folder}/socket", "-N", "-B"], "`")

    def limit_disk(self):
        """Gives the node a disk of its own, which can be full. False where this machine cannot mount one."""
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "none", self.folder], capture_output=True)
        if mounted.returncode == 0:
            subprocess.run(["chown", "mysql", self.folder], check=True)
        return mounted.returncode == 0

    def fill_disk(self):
        with open(self.folder / "filling", "wb") as filling:
            try:
                while True:
                    filling.write(bytes(1 << 20))
            except OSError:
                pass

    def free_disk(self):
        (self.folder / "filling").unlink()

    def install(self):
        subprocess.run(["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--user=mysql",
                        "--skip-test-db", f"--datadir={self.data}"], check=True, stdout=subprocess.DEVNULL)

    def command(self):
        addresses = ",".join(f"127.0.0.1:{node.group}" for node in self.nodes)
        provider = {
            "base_port": self.group, "gmcast.listen_addr": f"tcp://127.0.0.1:{self.group}",
            "ist.recv_addr": f"127.0.0.1:{self.transfer}", "gcache.size": "64M",
            # A node that is silent for 1.5 seconds is suspected, and left out after 3.
            "evs.keepalive_period": "PT0.3S", "evs.inactive_check_period": "PT0.3S", "evs.suspect_timeout": "PT1.5S",
            "evs.inactive_timeout": "PT3S", "evs.install_timeout": "PT3S",
        }
        return [
            "mariadbd", "--no-defaults", "--user=mysql", "--bind-address=127.0.0.1", f"--datadir={self.data}", f"--port={self.port}",
            f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid", "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2", "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=2",
            "--max-connections=200", "--wsrep-on=ON", "--wsrep-provider=/usr/lib/galera/libgalera_smm.so",
            "--wsrep-cluster-name=shop", f"--wsrep-cluster-address=gcomm://{addresses}", "--wsrep-auto-increment-control=ON",
            f"--wsrep-node-name={self.name}", f"--wsrep-node-address=127.0.0.1:{self.group}", "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address=127.0.0.1:{self.copy}",
            "--wsrep-provider-options=" + ";".join(f"{name}={value}" for name, value in provider.items()),
        ]

    def start(self):
        self.spawn(self.command())

    def is_ready(self):
        try:
            [[_, state]] = self.server("SHOW STATUS LIKE 'wsrep_local_state_comment'")
            return state == "Synced"
        except (RuntimeError, ValueError):
            return False


class Galera:
    """Three nodes."""

    def __init__(self, folder):
        self.nodes = [GaleraNode(folder, f"node{number}") for number in (1, 2, 3)]
        self.has_disk = self.nodes[0].limit_disk()
        for node in self.nodes:
            node.install()
        # The first node founds the cluster; later it joins the others.
        self.nodes[0].start()
        wait("the first node is ready", self.nodes[0].is_ready, 60)
        for node in self.nodes:
            node.nodes = self.nodes
        for node in self.nodes[1:]:
            node.start()
            wait(f"{node.name} is ready", node.is_ready, 60)
        self.nodes[0].server("CREATE DATABASE shop COLLATE utf8mb4_unicode_ci; CREATE USER guichet@'127.0.0.1' IDENTIFIED BY 'secret'; "
                             "GRANT ALL ON shop.* TO guichet@'127.0.0.1'; CREATE USER haproxy@'127.0.0.1'")

    def rows(self):
        """The rows of a node that is ready. While nodes come and go, there may be none for a moment."""
        wait("a node is ready", lambda: any(node.is_ready() for node in self.nodes), 30)
        return next((node.rows for node in self.nodes if node.is_ready()), self.nodes[-1].rows)

    def url(self, nodes):
        return f"mysql://guichet:secret@{','.join(f'127.0.0.1:{node.port}' for node in nodes)}/shop"


class Postgres(Machine):
    """A PostgreSQL server. It runs as `postgres`."""

    def __init__(self, folder, name):
        super().__init__(folder, name)
        self.data = self.folder / "data"
        subprocess.run(["chown", "-R", "postgres", self.folder], check=True)
        url = f"postgres://postgres@127.0.0.1:{self.port}/"
        options = ["-X", "-A", "-t", "-q", "-F", "\t", "-v", "ON_ERROR_STOP=1"]
        self.rows = Rows(["psql", *options, f"{url}shop"], '"')
        self.server = Rows(["psql", *options, f"{url}postgres"], '"')

    def as_postgres(self, *command):
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *map(str, command)]

    def program(self, name):
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        return found[-1] if found else shutil.which(name)

    def install(self):
        command = [self.program("initdb"), "--auth=trust", "--username=postgres", "-D", self.data]
        subprocess.run(self.as_postgres(*command), check=True, stdout=subprocess.DEVNULL, cwd="/")

    def follow(self, primary):
        """Copies the primary, and follows it once it is started."""
        shutil.rmtree(self.data, ignore_errors=True)
        source = f"host=127.0.0.1 port={primary.port} user=postgres application_name={self.name}"
        command = [self.program("pg_basebackup"), "-R", "-X", "stream", "-c", "fast", "-d", source, "-D", self.data]
        subprocess.run(self.as_postgres(*command), check=True, cwd="/")

    def start(self):
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder,
                    "wal_level": "replica", "max_wal_senders": 10, "hot_standby": "on", "synchronous_commit": "on",
                    "wal_receiver_timeout": "3s", "wal_sender_timeout": "3s", "wal_retrieve_retry_interval": "200ms",
                    "wal_keep_size": "256MB", "max_connections": 150}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.spawn(self.as_postgres(self.program("postgres"), "-D", self.data, *flags), cwd="/")
        wait(f"{self.name} answers", self.is_ready, 60)

    def is_ready(self):
        try:
            return self.server("SELECT 1") == [["1"]]
        except RuntimeError:
            return False

    def promote(self):
        command = [self.program("pg_ctl"), "promote", "-w", "-D", self.data]
        subprocess.run(self.as_postgres(*command), check=True, stdout=subprocess.DEVNULL, cwd="/")

    def received(self):
        """How much of the primary's log it has, in bytes."""
        [[bytes_]] = self.server("SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')")
        return int(bytes_)


class Standbys:
    """A primary and two standbys, of which one has every commit before it is acknowledged."""

    def __init__(self, folder):
        self.servers = [Postgres(folder, f"server{number}") for number in (1, 2, 3)]
        self.primary = self.servers[0]
        self.primary.install()
        self.primary.start()
        for sql in ("CREATE USER guichet", "CREATE DATABASE shop OWNER guichet"):
            self.primary.server(sql)
        for standby in self.servers[1:]:
            standby.follow(self.primary)
            standby.start()
        self.wait_for_one()

    def wait_for_one(self):
        """From now on, a commit waits until one standby has it."""
        names = ",".join(server.name for server in self.servers if server is not self.primary)
        self.primary.server(f"ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 ({names})'")
        self.primary.server("SELECT pg_reload_conf()")

    def fail_over(self):
        """Promotes the standby that has the most, and lets the other one follow it."""
        standbys = [server for server in self.servers if server is not self.primary]
        standbys.sort(key=Postgres.received)
        other, self.primary = standbys
        # Whom the standbys of the new primary are is set before it takes writes: else one is acknowledged that nobody else has.
        names = ",".join(server.name for server in self.servers if server is not self.primary)
        self.primary.server(f"ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 ({names})'")
        self.primary.server("SELECT pg_reload_conf()")
        self.primary.promote()
        other.server(f"ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port={self.primary.port} user=postgres application_name={other.name}'")
        other.server("SELECT pg_reload_conf()")

    def url(self, servers):
        return f"postgres://guichet@{','.join(f'127.0.0.1:{server.port}' for server in servers)}/shop"


class Haproxy(Machine):
    """HAProxy in front of the servers of a database."""

    def __init__(self, folder, servers, check):
        super().__init__(folder, "haproxy")
        lines = [f"  server {server.name} 127.0.0.1:{server.port} check inter 300ms fall 2 rise 1 on-marked-down shutdown-sessions"
                 f"{' backup' if number else ''}" for number, server in enumerate(servers)]
        (self.folder / "cfg").write_text("\n".join([
            "defaults", "  mode tcp", "  timeout connect 1s", "  timeout client 1h", "  timeout server 1h", "  retries 1", "  option redispatch",
            "listen shop", f"  bind 127.0.0.1:{self.port}", *(f"  {line}" for line in check), *lines, ""]))

    def start(self):
        self.spawn(["haproxy", "-W", "-f", self.folder / "cfg", "-p", self.folder / "pid"])

    def reload(self):
        self.process.send_signal(signal.SIGUSR2)
