"""Every mutation of GraphQL, as lives of records: each is made, changed, and deleted.

A life ends where an answer is missing: what the next mutation would find is not known then.
"""

import pathlib
import re

SCHEMA = pathlib.Path(__file__).parents[2] / "schema.graphql"
# Codes of errors that tell of a database that is away, and of a request whose transaction may be written or not.
AWAY = {"UNAVAILABLE", "READ_ONLY", "TIMED_OUT"}


class Unanswered(Exception):
    """Whether a mutation was carried out is not known."""


def all_mutations():
    """The names of the mutations in the schema."""
    text = SCHEMA.read_text()
    fields = text[text.index("\ntype Mutation"):]
    return set(re.findall(r"^\t(\w+)[(:]", fields[:fields.index("\n}")], re.MULTILINE))


class Word(str):
    """A word of an enum."""


def literal(value):
    """A value as GraphQL writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {literal(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return '"' + value + '"' if type(value) is str else str(value)


class Lives:
    """The lives that one writer leads, in turn."""

    def __init__(self, writer):
        self.writer, self.ledger = writer, writer.ledger
        # Services cannot be made: each writer ends some of its own.
        self.services = iter(range(100 + 200 * writer.number, 300 + 200 * writer.number))
        self.lives = [self.coupon, self.customer, self.department, self.group, self.product, self.service, self.session, self.ticket,
                      self.server, self.subdomain, self.cancellation_reason]
        self.count = 0

    def next(self):
        self.count += 1
        try:
            self.lives[self.count % len(self.lives)]()
        except Unanswered:
            pass

    def mutate(self, mutation, select="", token=None, refusals=(), **arguments):
        """The payload of a mutation that was carried out, or was refused for one of these reasons. A refusal that is no user error
        leaves no payload."""
        given = ", ".join(f"{name}: {literal(value)}" for name, value in arguments.items())
        query = f"mutation {{ {mutation}{'(' + given + ')' if given else ''} {{ {select} userErrors {{ code message }} }} }}"
        status, answer = self.writer.send("POST", "/graphql", {"query": query}, token)
        errors = (answer or {}).get("errors", [])
        payload = ((answer or {}).get("data") or {}).get(mutation)
        wrong = [error for error in errors if error["extensions"]["code"] not in {*AWAY, *refusals}]
        wrong += [error for error in (payload or {}).get("userErrors", []) if error["code"] not in refusals]
        with self.ledger.lock:
            if wrong:
                self.ledger.strange.append((query, wrong[0]))
            if payload is not None and not wrong:
                self.ledger.mutations[mutation] += 1
        if payload is None or wrong:
            raise Unanswered
        return payload

    def make(self, table, kind, name, given, verb="Create", record=None):
        """Makes a record, and returns its key. `record` is its field of the payload, where that has another name."""
        record = record or kind
        with self.ledger.lock:
            self.ledger.tried[name] = table
        payload = self.mutate(f"{kind}{verb}", f"{record} {{ databaseId }}", input=given)
        with self.ledger.lock:
            self.ledger.made[name] = table
        return payload[record]["databaseId"]

    def delete(self, kind, name, key, **arguments):
        with self.ledger.lock:
            self.ledger.made.pop(name)
        self.mutate(f"{kind}Delete", "deletedId", id=key, **arguments)
        with self.ledger.lock:
            self.ledger.deleted.add((self.ledger.tried[name], name))

    def coupon(self):
        code = f"coupon-{self.writer.tag}"
        given = {"code": code, "type": Word("PERCENT"), "appliedMonth": 1, "maxUses": 0, "maxUsesPerCustomer": 0, "isGlobal": True,
                 "minimumOrderAmount": 0, "pricing": {"monthly": {"price": 5, "setup": 0}}}
        key = self.make("coupons", "coupon", code, given)
        self.mutate("couponUpdate", "coupon { maxUses }", id=key, input={**given, "maxUses": 3})
        self.delete("coupon", code, key)

    def customer(self):
        email = f"customer-{self.writer.tag}@example.com"
        given = {"firstname": "Ada", "lastname": "Byron", "address": "1 road", "city": "Lille", "zipcode": "59000", "region": "Nord",
                 "country": "FR", "locale": "fr_FR", "email": email}
        key = self.make("customers", "customer", email, {**given, "password": "secret-word"})
        del given["locale"]
        self.mutate("customerUpdate", "customer { city }", id=key, input={**given, "city": "Roubaix"})
        self.mutate("customerResendConfirmation", id=key)
        self.mutate("customerConfirm", id=key)
        self.mutate("customerSendPassword", id=key)
        self.mutate("customerDisableTwoFactor", id=10 + self.writer.number, refusals=["NO_SECOND_FACTOR"])
        self.mutate("customerSuspend", id=key, input={"reason": self.writer.tag, "notify": False})
        self.mutate("customerBan", id=key, input={"reason": self.writer.tag, "notify": False})
        self.mutate("customerReactivate", id=key, notify=False)
        self.delete("customer", email, key, force=True)

    def department(self):
        name = f"department-{self.writer.tag}"
        given = {"name": name, "description": "x", "icon": "x"}
        key = self.make("support_departments", "department", name, given)
        self.mutate("departmentUpdate", id=key, input={**given, "description": "y"})
        self.delete("department", name, key)

    def group(self):
        name = f"group-{self.writer.tag}"
        given = {"name": name, "slug": name, "status": Word("ACTIVE"), "description": "x", "sortOrder": 1}
        key = self.make("groups", "group", name, given)
        self.mutate("groupUpdate", id=key, input={"slug": name, "description": "y"})
        self.delete("group", name, key)

    def product(self):
        """A product, and prices of it in a second currency."""
        name = f"product-{self.writer.tag}"
        given = {"name": name, "description": "x", "status": Word("ACTIVE"), "groupId": 1, "stock": 1, "type": "none",
                 "pricing": [{"currency": "EUR", "monthly": {"price": 5, "setup": 1}}]}
        key = self.make("products", "product", name, given)
        self.mutate("productUpdate", id=key, input={"description": "y"})
        prices = {"relatedId": str(key), "relatedType": Word("PRODUCT"), "currency": "USD", "monthly": 5}
        made = self.mutate("pricingCreate", "pricing { databaseId }", input=prices)
        pricing = made["pricing"]["databaseId"]
        self.mutate("pricingUpdate", id=pricing, input={**prices, "monthly": 6})
        self.mutate("pricingDelete", id=pricing)
        self.delete("product", name, key)

    def service(self):
        key = next(self.services)
        self.mutate("serviceUpdate", id=key, input={"notes": self.writer.tag})
        self.mutate("serviceSuspend", id=key, input={"reason": "x", "notify": False}, refusals=["SERVICE_NOT_SUSPENDABLE"])
        self.mutate("serviceUnsuspend", id=key, refusals=["SERVICE_IN_USE"])
        self.mutate("serviceExpire", id=key, refusals=["SERVICE_NOT_EXPIRABLE"])
        self.mutate("serviceDelete", "deletedId", id=key)

    def session(self):
        given = {"kind": Word("CUSTOMER"), "email": self.writer.email, "password": "password"}
        tokens = "session { accessToken refreshToken }"
        begun = self.mutate("sessionCreate", tokens, refusals=["RATE_LIMITED"], input=given)["session"]
        renewed = self.mutate("sessionRefresh", tokens, refreshToken=begun["refreshToken"])["session"]
        self.mutate("sessionRevoke", refreshToken=renewed["refreshToken"])
        begun = self.mutate("sessionCreate", tokens, refusals=["RATE_LIMITED"], input=given)["session"]
        self.mutate("sessionRevokeAll", token=begun["accessToken"])

    def ticket(self):
        subject = f"ticket-{self.writer.tag}"
        given = {"departmentId": "1", "priority": Word("LOW"), "subject": subject}
        first = {**given, "content": "Nothing works.", "customerId": str(1 + self.writer.number)}
        key = self.make("support_tickets", "ticket", subject, first, verb="Open")
        self.mutate("ticketUpdate", id=key, input={**given, "priority": Word("HIGH")})
        self.mutate("ticketAssign", id=key, input={"assignedTo": "1"})
        self.mutate("ticketReply", id=key, input={"content": f"An answer of {self.writer.tag}."})
        self.mutate("ticketCommentAdd", id=key, input={"comment": self.writer.tag})
        self.mutate("ticketClose", id=key, input={"reason": "x"})
        self.mutate("ticketReopen", id=key)
        self.mutate("ticketClose", id=key)
        self.delete("ticket", subject, key)

    def server(self):
        name = f"server-{self.writer.tag}"
        given = {"hostname": f"{name}.example.com", "address": "127.0.0.1"}
        key = self.make("servers", "server", name, {**given, "name": name, "username": "root", "password": "secret-word", "type": "none"})
        self.mutate("serverUpdate", id=key, input={**given, "port": 8443})
        self.mutate("serverTest", input={"address": "127.0.0.1", "port": self.writer.processes[0].port})
        self.delete("server", name, key)

    def subdomain(self):
        domain = f"subdomain-{self.writer.tag}.example.com"
        key = self.make("subdomains_hosts", "subdomain", domain, {"domain": domain}, record="subdomainHost")
        self.mutate("subdomainUpdate", id=key, input={"domain": domain, "products": ["1"]})
        self.delete("subdomain", domain, key)

    def cancellation_reason(self):
        reason = f"reason-{self.writer.tag}"
        key = self.make("cancellation_reasons", "cancellationReason", reason, {"reason": reason, "status": Word("ACTIVE")})
        self.mutate("cancellationReasonUpdate", id=key, input={"status": Word("HIDDEN")})
        self.delete("cancellationReason", reason, key)
