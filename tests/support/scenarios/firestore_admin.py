"""The administration of Firestore: indexes, fields, operations, databases, export and import."""

from scenarios import outcome

SERVICE = "Firestore"
TWO = (("country", "ASCENDING"), ("pop", "DESCENDING"))
DEADLINE_MS = 20000


def index(connect, say, project, options):
    """An index from its making to its end; what was seen on the way."""
    with connect(project, **options) as fs:
        admin = fs.admin
        begun = admin.create_index("cities", TWO)
        name = begun["metadata"]["index"]
        seen = {"begun": begun, "creating": admin.get_index(name)}
        seen["made"] = admin.wait(begun, DEADLINE_MS)
        seen["again"] = outcome(admin.create_index, "cities", TWO)
        group = admin.create_index("towns", (("tags", "CONTAINS"), ("a.`b-c`", "ASCENDING")), "COLLECTION_GROUP")
        seen["group"] = admin.wait(group["name"], DEADLINE_MS)
        seen["vector"] = admin.wait(admin.create_index("towns", (("embedding", 8),)), DEADLINE_MS)
        seen["of cities"] = list(admin.indexes("cities"))
        seen["of all"] = len(list(admin.indexes()))
        admin.delete_index(name)
        seen["deleted"] = outcome(admin.get_index, name), list(admin.indexes("cities"))
        return seen


def pages(connect, say, project, options):
    """The second fields of all indexes."""
    with connect(project, **options) as fs:
        return [index["fields"][1]["fieldPath"] for index in fs.admin.indexes("cities")]


def fields(connect, say, project, options):
    """What fields are configured to be; what was seen meanwhile."""
    with connect(project, **options) as fs:
        admin = fs.admin
        seen = {"automatic": admin.field("cities", "pop")}
        ttl = admin.set_ttl("cities", "ends")
        seen["ttl begun"] = admin.field("cities", "ends")["ttlConfig"]
        seen["ttl"] = admin.wait(ttl, DEADLINE_MS)["ttlConfig"]
        admin.wait(admin.set_index_config("cities", "a.`b-c`", ()), DEADLINE_MS)
        own = (("ASCENDING", "COLLECTION_GROUP"), ("CONTAINS", "COLLECTION"))
        seen["own"] = admin.wait(admin.set_index_config("cities", "tags", own), DEADLINE_MS)["indexConfig"]["indexes"]
        seen["fields"] = [field["name"] for field in admin.fields()]
        seen["exempt"] = "indexes" in admin.field("cities", "a.`b-c`")["indexConfig"]
        admin.wait(admin.set_ttl("cities", "ends", False), DEADLINE_MS)
        admin.wait(admin.set_index_config("cities", "tags", None), DEADLINE_MS)
        admin.wait(admin.set_index_config("cities", "a.`b-c`", None), DEADLINE_MS)
        seen["after"] = list(admin.fields("cities"))
        seen["all"] = admin.field("__default__", "*")["indexConfig"]
        return seen


def operations(connect, say, project, options):
    """An operation that is not done in time, its cancelling, and its end."""
    with connect(project, **options) as fs:
        admin = fs.admin
        begun = admin.create_index("cities", TWO)
        name = begun["name"]
        seen = {"late": outcome(admin.wait, begun, 600), "listed": [found["name"] for found in admin.operations()]}
        seen["delete"] = outcome(admin.delete_operation, name)
        admin.cancel_operation(name)
        seen["cancelled"] = outcome(admin.wait, name, 600)
        seen["done"] = admin.operation(name)["done"]
        admin.delete_operation(name)
        seen["after"] = outcome(admin.operation, name), list(admin.operations())
        return seen


def failed(connect, say, project, options):
    """What is raised for an operation that fails, and what it left."""
    with connect(project, **options) as fs:
        from flamelet.errors import ResponseError

        begun = fs.admin.create_index("cities", TWO)
        state = None
        try:
            fs.admin.wait(begun, DEADLINE_MS)
        except ResponseError as error:
            state = [error.code, error.text, error.status, error.retry]
        return [state, fs.admin.get_index(begun["metadata"]["index"])["state"]]


def transfer(connect, say, project, options):
    """The database, those of the project, and what an export and an import of it said."""
    with connect(project, **options) as fs:
        admin = fs.admin
        seen = {"database": admin.database(), "databases": [found["name"] for found in admin.databases()]}
        exported = admin.wait(admin.export_documents("gs://bucket/noon", ("cities", "parks")), DEADLINE_MS)
        fs.delete("cities/LA")
        seen["imported"] = admin.wait(admin.import_documents(exported["outputUriPrefix"], ["cities"]), DEADLINE_MS)
        seen["document"] = fs.get("cities/LA")
        seen["again"] = outcome(admin.export_documents, "gs://bucket/noon")
        seen["nothing"] = outcome(admin.import_documents, "gs://bucket/other")
        return seen


def calls(connect, say, project, options, calls):
    """The outcome of each call, (method, arguments), of the administration."""
    with connect(project, **options) as fs:
        return [outcome(getattr(fs.admin, name), *arguments) for name, arguments in calls]


def lost(connect, say, project, options):
    """The outcome of a new index on a connection that has served a request, and how many there are then."""
    with connect(project, **options) as fs:
        fs.admin.database()
        return outcome(fs.admin.create_index, "cities", TWO), len(list(fs.admin.indexes()))
