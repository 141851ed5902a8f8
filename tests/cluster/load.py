"""A load of writes that never stops, and a ledger of what was answered.

Every writer changes records of its own, so that it knows their last state, and some that all writers share. A write that was
answered with 2xx is acknowledged: it must be in the database, once. One that was answered with 503, or not at all, may be there or
not, but not twice.
"""

import collections
import http.client
import json
import random
import threading
import time

import mutations

# What the load may be answered. 404 and 409 are answers of records that another writer has changed.
ALLOWED = {200, 201, 503}
TIMEOUT = 15


class Ledger:
    """What the writers have been answered."""

    def __init__(self):
        self.lock = threading.Lock()
        self.made = {}  # name -> table, of acknowledged creations whose deletion was not sent
        self.tried = {}  # name -> table, of all creations
        self.deleted = set()  # (table, name) of acknowledged deletions
        self.mutations = collections.Counter()  # name -> how often it was carried out
        self.last = {}  # (table, column, key) -> number of the last acknowledged change
        self.sent = {}  # (table, column, key) -> number of the last change that was sent
        self.added = collections.Counter()  # product -> acknowledged additions
        self.unsure = collections.Counter()  # product -> additions without an answer
        self.statuses = collections.Counter()
        self.strange = []
        self.acknowledged = []  # moments of acknowledged writes
        self.gone = 0  # requests whose process was away

    def copy(self):
        with self.lock:
            return {
                "made": dict(self.made), "tried": dict(self.tried), "deleted": set(self.deleted),
                "last": dict(self.last), "sent": dict(self.sent), "added": self.added.copy(),
                "unsure": self.unsure.copy(),
            }


def product(name):
    """The body that makes a product."""
    return {"name": name, "description": "x", "status": "active", "type": "none", "stock": 0, "group_id": 1,
            "pricing": {"monthly": {"price": 5, "setup": 1}}}


class Writer(threading.Thread):
    """One client. It goes to another process when one does not answer, as a load balancer would."""

    def __init__(self, number, processes, key, email, shared, ledger, stop):
        super().__init__(daemon=True)
        self.email, self.shared = email, shared
        self.number, self.processes, self.key, self.ledger, self.stop = number, processes, key, ledger, stop
        self.random = random.Random(number)
        self.connections = {}
        self.count = 0
        self.lives = mutations.Lives(self)

    def run(self):
        steps = [self.create_product, self.change_product, self.change_customer, self.add_to_stock,
                 self.suspend_service, self.create_group, self.create_coupon, self.suspend_customer, self.add_to_stock,
                 self.reactivate_customer, self.delete_product, self.lives.next]
        while not self.stop.is_set():
            self.count += 1
            self.tag = f"w{self.number}-{self.count}"
            steps[self.count % len(steps)]()

    def send(self, method, path, body, token=None):
        """The status and the parsed body; status 0 where nobody has answered."""
        process = self.random.randrange(len(self.processes))
        text = json.dumps(body)
        headers = {"Authorization": f"Bearer {token or self.key}", "Content-Type": "application/json", "Accept": "application/json"}
        try:
            connection = self.connections.get(process)
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.processes[process].port, timeout=TIMEOUT)
                self.connections[process] = connection
            connection.request(method, path, text, headers)
            answer = connection.getresponse()
            status, sent = answer.status, answer.read()
            retry = answer.headers.get("Retry-After")
        except (OSError, http.client.HTTPException):
            self.connections.pop(process, None)
            with self.ledger.lock:
                self.ledger.gone += 1
            time.sleep(0.02)
            return 0, None
        with self.ledger.lock:
            self.ledger.statuses[status] += 1
            if status in (200, 201):
                self.ledger.acknowledged.append(time.monotonic())
            elif status not in ALLOWED or (status == 503 and retry is None):
                self.ledger.strange.append((method, path, status, sent[:200]))
        if status == 503:
            time.sleep(0.05)
        return status, json.loads(sent) if sent else None

    def create(self, table, path, name, body):
        with self.ledger.lock:
            self.ledger.tried[name] = table
        status, answer = self.send("POST", path, body)
        if status in (200, 201):
            with self.ledger.lock:
                self.ledger.made[name] = table
            return answer
        return None

    def create_product(self):
        name = f"product-{self.tag}"
        answer = self.create("products", "/api/application/products", name, product(name))
        self.product = (name, answer["id"]) if answer else None

    def delete_product(self):
        if getattr(self, "product", None):
            name, key = self.product
            with self.ledger.lock:
                self.ledger.made.pop(name)
            status, _ = self.send("DELETE", f"/api/application/products/{key}", {})
            if status == 200:
                with self.ledger.lock:
                    self.ledger.deleted.add(("products", name))
            self.product = None

    def create_group(self):
        name = f"group-{self.tag}"
        self.create("groups", "/api/application/groups", name, {
            "name": name, "slug": name, "status": "active", "description": "x", "sort_order": 1})

    def create_coupon(self):
        code = f"coupon-{self.tag}"
        self.create("coupons", "/api/application/coupons", code, {
            "code": code, "type": "percent", "applied_month": 1, "free_setup": "0", "first_order_only": "0",
            "is_global": "1", "max_uses": 0, "max_uses_per_customer": 0, "usages": 0,
            "minimum_order_amount": 0,
            "pricing": {"monthly": {"price": 5, "setup": 0}}})

    def change(self, table, column, key, path, value):
        place = (table, column, key)
        with self.ledger.lock:
            self.ledger.sent[place] = self.count
        status, _ = self.send("PUT", path, {column: value})
        if status == 200:
            with self.ledger.lock:
                self.ledger.last[place] = self.count

    def change_product(self):
        key = 10 + self.number
        self.change("products", "description", key, f"/api/application/products/{key}", f"state {self.count}")

    def change_customer(self):
        key = 10 + self.number
        self.change("customers", "city", key, f"/api/application/customers/{key}", f"state {self.count}")

    def add_to_stock(self):
        """Adds one to the stock of a product that all writers share, if nobody has changed it since it was read."""
        key = self.shared[self.count % len(self.shared)]
        query = "query($id: ID!) { product(id: $id) { stock updatedAt } }"
        status, read = self.send("POST", "/graphql", {"query": query, "variables": {"id": key}})
        if status != 200 or not (read.get("data") or {}).get("product"):
            return
        product = read["data"]["product"]
        change = ("mutation($id: ID!, $at: DateTime, $stock: Int!) { productUpdate(id: $id, expectedUpdatedAt: $at, "
                  "input: {stock: $stock}) { product { stock } userErrors { code } } }")
        variables = {"id": key, "at": product["updatedAt"], "stock": product["stock"] + 1}
        status, answer = self.send("POST", "/graphql", {"query": change, "variables": variables})
        payload = ((answer or {}).get("data") or {}).get("productUpdate")
        with self.ledger.lock:
            for error in (answer or {}).get("errors", []):
                if error["extensions"]["code"] not in mutations.AWAY:
                    self.ledger.strange.append(("GraphQL", error))
            if payload and payload["product"]:
                self.ledger.added[key] += 1
            elif not payload:
                self.ledger.unsure[key] += 1

    def suspend_service(self):
        key = 1 + self.count % 3
        verb = "suspend" if self.random.random() < 0.5 else "unsuspend"
        self.send("POST", f"/api/application/services/{key}/{verb}", {"reason": self.tag})

    def suspend_customer(self):
        key = 1 + self.count % 3
        body = {"reason": self.tag, "force": False, "notify": False}
        self.send("POST", f"/api/application/customers/{key}/action/suspend", body)

    def reactivate_customer(self):
        key = 1 + self.count % 3
        self.send("POST", f"/api/application/customers/{key}/action/reactivate", {"notify": False})


class Load:
    """Writers that run until they are stopped."""

    def __init__(self, shop):
        self.ledger, self.stopped = Ledger(), threading.Event()
        # Without services: one that ends gives back to the stock.
        shared = [shop.make(product(f"shared {number}")) for number in range(3)]
        self.writers = [Writer(number, shop.processes, shop.key, email, shared, self.ledger, self.stopped)
                        for number, email in enumerate(shop.emails)]
        self.began = time.monotonic()
        for writer in self.writers:
            writer.start()

    def stop(self):
        self.stopped.set()
        for writer in self.writers:
            writer.join()

    def longest_gap(self, since, until):
        """The longest time without an acknowledged write, in seconds."""
        with self.ledger.lock:
            moments = [moment for moment in self.ledger.acknowledged if since <= moment <= until]
        moments = [since, *moments, until]
        return max(later - earlier for earlier, later in zip(moments, moments[1:]))


def compare(live, rows):
    """What is wrong in the rows of a database, against a copy of the ledger that is older than the rows. `rows` runs a statement and
    returns its rows as lists of texts. What a writer has begun to delete after the copy may be gone already: a customer that is
    deleted loses the name by which it is found."""
    ledger, wrong = live.copy(), []
    columns = {"products": "name", "groups": "name", "coupons": "code", "customers": "email", "support_departments": "name",
               "support_tickets": "subject", "servers": "name", "subdomains_hosts": "domain", "cancellation_reasons": "reason"}
    for table, column in columns.items():
        found = collections.Counter()
        for name, deleted in rows(f"SELECT {column}, deleted_at FROM {rows.quoted(table)} WHERE {column} LIKE '%-w%'"):
            found[name] += 1
            if (table, name) in ledger["deleted"] and not deleted:
                wrong.append(f"{name} was deleted and is there")
        for name, where in ledger["tried"].items():
            if where == table and found[name] > 1:
                wrong.append(f"{name} is there {found[name]} times")
        still_made = live.copy()["made"]
        for name, where in ledger["made"].items():
            if where == table and not found[name] and name in still_made:
                wrong.append(f"{name} was acknowledged and is not there")
    for product, currency, count in rows("SELECT related_id, currency, COUNT(*) FROM pricings WHERE related_type = 'product' "
                                         "AND deleted_at IS NULL GROUP BY related_id, currency HAVING COUNT(*) > 1"):
        wrong.append(f"product {product} has {count} prices in {currency}")
    for (table, column, key), last in ledger["last"].items():
        [[text]] = rows(f"SELECT {column} FROM {table} WHERE id = {key}")
        if int(text.split(" ")[1]) < last:
            wrong.append(f"{table} {key} has {text}, {last} was acknowledged")
    for model, key, count in rows(f"SELECT model_id, {rows.quoted('key')}, COUNT(*) FROM metadata GROUP BY model_type, model_id, "
                                  f"{rows.quoted('key')} HAVING COUNT(*) > 1"):
        wrong.append(f"metadata {key} of {model} is there {count} times")
    return wrong


def compare_stock(ledger, rows):
    """What is wrong in the stock that all writers share, once the load has stopped."""
    wrong = []
    for key, added in sorted(ledger["added"].items()):
        [[stock]] = rows(f"SELECT stock FROM products WHERE id = {key}")
        more = int(stock)
        if not added <= more <= added + ledger["unsure"][key]:
            wrong.append(f"{more} was added to product {key}, {added} acknowledged, {ledger['unsure'][key]} without an answer")
    return wrong
