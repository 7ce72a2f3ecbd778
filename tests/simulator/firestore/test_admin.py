"""The administration of the simulated Firestore, with the time in the test's hand.

Each answer is read by Google's own types (google-cloud-firestore's `firestore_admin_v1`), which refuse names and values
that the service does not have.
"""

import json

import pytest
import requests
from google.api_core import exceptions
from google.cloud.firestore_admin_v1 import FirestoreAdminClient, types
from google.cloud.firestore_admin_v1.services.firestore_admin.transports import FirestoreAdminRestTransport
from google.longrunning import operations_pb2
from google.oauth2.credentials import Credentials
from google.protobuf import json_format

from flamelet_tools.simulator.firestore.admin import Administration, concerns, perform
from flamelet_tools.simulator.firestore.documents import Refused
from flamelet_tools.simulator.firestore.store import Clock, Document, Store

DEADLINE_SECONDS = 20
D = "projects/demo/databases/(default)"
CITIES = D + "/collectionGroups/cities"
OVERRIDDEN = "indexConfig.usesAncestorConfig=false OR ttlConfig:*"
AUTOMATIC = [{"order": "ASCENDING"}, {"order": "DESCENDING"}, {"arrayConfig": "CONTAINS"}]


class Service:
    """The administration, asked at the second `now`; each operation takes ten."""

    def __init__(self):
        self.clock = Clock()
        self.administration = Administration({}, self.clock, operation_seconds=10)
        self.now = 1_700_000_000.0

    def ask(self, method, path, body=None, **query):
        answer = perform(self.administration, method, path, query, body, self.now)
        # A later change must not be seen in it, as in an answer that was sent.
        return json.loads(json.dumps(answer))

    def operation(self, method, path, body=None, **query):
        return _checked(self.ask(method, path, body, **query))

    def refused(self, method, path, body=None, **query):
        with pytest.raises(Refused) as refused:
            self.ask(method, path, body, **query)
        return refused.value.status, refused.value.code, refused.value.text

    def wait(self, operation):
        self.now += 10
        return _checked(self.ask("GET", operation["name"]))

    def write(self, *paths, name=D, n=1):
        store = self.administration.stores.setdefault(name, Store(name, self.clock))
        time = self.clock.tick()
        made = [Document(name, tuple(path.split("/")), {"n": {"integerValue": str(n)}}, time, time) for path in paths]
        store.put_all({document.path: document for document in made}, time)

    def documents(self, name=D):
        found = self.administration.stores[name].documents()
        return {"/".join(document.path): document.fields["n"]["integerValue"] for document in found}


def _checked(operation):
    json_format.ParseDict(operation, operations_pb2.Operation())
    return operation


@pytest.fixture
def service():
    return Service()


def index_of(*fields, scope="COLLECTION"):
    modes = {"asc": {"order": "ASCENDING"}, "desc": {"order": "DESCENDING"}, "array": {"arrayConfig": "CONTAINS"}}
    return {"queryScope": scope, "fields": [{"fieldPath": path, **modes[mode]} for path, mode in fields]}


TWO = index_of(("country", "asc"), ("pop", "desc"))


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [
        ("projects/p/databases", True),
        (D, True),
        (D + ":exportDocuments", True),
        (CITIES + "/indexes", True),
        (D + "/documents", False),
        (D + "/documents:commit", False),
        (D + "/documents/cities/LA", False),
        ("projects/p/accounts", False),
    ],
)
def test_what_is_asked_of_documents_is_not_administration(path, is_ours):
    assert concerns(path) == is_ours


def test_an_index_is_creating_until_its_operation_is_done(service):
    service.write("cities/LA", "cities/SF", "countries/US")
    begun = service.operation("POST", CITIES + "/indexes", TWO)
    assert "done" not in begun
    metadata = begun["metadata"]
    assert metadata["state"] == "PROCESSING"
    assert metadata["progressDocuments"] == {"estimatedWork": "2"}
    name = metadata["index"]
    creating = service.ask("GET", name)
    assert creating["state"] == "CREATING"
    assert service.administration.ready_indexes(D) == []
    service.now += 5
    half = service.operation("GET", begun["name"])
    assert half["metadata"]["progressDocuments"] == {"estimatedWork": "2", "completedWork": "1"}
    service.now -= 5
    done = service.wait(begun)
    assert done["done"] is True
    assert done["metadata"]["state"] == "SUCCESSFUL"
    assert done["metadata"]["progressDocuments"] == {"estimatedWork": "2", "completedWork": "2"}
    ready = service.ask("GET", name)
    assert ready == {**creating, "state": "READY"}
    assert done["response"] == {"@type": "type.googleapis.com/google.firestore.admin.v1.Index", **ready}
    assert service.administration.ready_indexes(D) == [ready]
    types.Index.from_json(json.dumps(ready), ignore_unknown_fields=False)


@pytest.mark.parametrize(
    ("fields", "last"),
    [
        ([("a", "asc"), ("b", "desc")], {"fieldPath": "__name__", "order": "DESCENDING"}),
        ([("a", "desc"), ("b", "array")], {"fieldPath": "__name__", "order": "ASCENDING"}),
        ([("a", "asc"), ("__name__", "desc")], {"fieldPath": "__name__", "order": "DESCENDING"}),
    ],
)
def test_an_index_ends_with_the_name_in_the_direction_of_its_last_field(service, fields, last):
    name = service.operation("POST", CITIES + "/indexes", index_of(*fields))["metadata"]["index"]
    kept = service.ask("GET", name)["fields"]
    assert kept[-1] == last
    assert [item["fieldPath"] for item in kept].count("__name__") == 1


def test_a_vector_index_may_have_one_field_and_keeps_it_last(service):
    vector = {"fieldPath": "embedding", "vectorConfig": {"dimension": 3, "flat": {}}}
    begun = service.operation("POST", CITIES + "/indexes", {"queryScope": "COLLECTION", "fields": [vector]})
    kept = service.ask("GET", begun["metadata"]["index"])
    assert kept["fields"] == [{"fieldPath": "__name__", "order": "ASCENDING"}, vector]
    types.Index.from_json(json.dumps(kept), ignore_unknown_fields=False)


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (index_of(("a", "asc")), "this index is not necessary"),
        ({**TWO, "queryScope": "HERE"}, "Index.QueryScope"),
        ({"fields": TWO["fields"]}, "queryScope"),
        ({"queryScope": "COLLECTION"}, "1 to 100 fields"),
        (index_of(("a", "asc"), ("a", "desc")), "only once"),
        (index_of(("a b", "asc"), ("c", "asc")), "Invalid property path"),
        ({**TWO, "speed": "fast"}, 'Unknown name "speed"'),
        ({"queryScope": "COLLECTION", "fields": [{"fieldPath": "a"}, {"fieldPath": "b"}]}, "one of order"),
        ({"queryScope": "COLLECTION", "fields": [{"fieldPath": "a", "order": "UP"}]}, "Index.IndexField.Order"),
        ({"queryScope": "COLLECTION", "fields": [{"order": "ASCENDING"}]}, "no fieldPath"),
        ({"queryScope": "COLLECTION", "fields": [{"fieldPath": "a", "vectorConfig": {"dimension": 0}}]}, "dimension"),
        ([], "Invalid value"),
        (None, "Invalid value"),
    ],
)
def test_an_index_that_cannot_be_is_refused(service, index, words):
    status, code, text = service.refused("POST", CITIES + "/indexes", index)
    assert (status, code) == (400, "INVALID_ARGUMENT")
    assert words in text
    assert service.ask("GET", CITIES + "/indexes") == {}


def test_an_index_that_is_there_already_is_refused_also_with_its_name_written_out(service):
    service.operation("POST", CITIES + "/indexes", TWO)
    already = (409, "ALREADY_EXISTS", "index already exists")
    assert service.refused("POST", CITIES + "/indexes", TWO) == already
    named = index_of(("country", "asc"), ("pop", "desc"), ("__name__", "desc"))
    assert service.refused("POST", CITIES + "/indexes", named) == already
    service.operation("POST", CITIES + "/indexes", {**TWO, "queryScope": "COLLECTION_GROUP"})
    service.operation("POST", D + "/collectionGroups/towns/indexes", TWO)


def test_indexes_are_listed_in_pages_of_one_group_or_of_all(service):
    for group in ("cities", "towns"):
        for last in "bcd":
            index = index_of(("a", "asc"), (last, "asc"))
            service.operation("POST", f"{D}/collectionGroups/{group}/indexes", index)
    seen, token, pages = [], "", 0
    while pages == 0 or token:
        page = service.ask("GET", CITIES + "/indexes", pageSize="2", pageToken=token)
        types.ListIndexesResponse.from_json(json.dumps(page), ignore_unknown_fields=False)
        seen += page["indexes"]
        token = page.get("nextPageToken")
        pages += 1
    assert pages == 2
    assert {index["name"].partition("/indexes/")[0] for index in seen} == {CITIES}
    assert sorted(index["fields"][1]["fieldPath"] for index in seen) == ["b", "c", "d"]
    assert "nextPageToken" not in service.ask("GET", CITIES + "/indexes", pageSize="3")
    assert len(service.ask("GET", D + "/collectionGroups/-/indexes")["indexes"]) == 6
    assert service.refused("GET", CITIES + "/indexes", pageToken="x")[:2] == (400, "INVALID_ARGUMENT")
    assert service.refused("GET", CITIES + "/indexes", pageSize="-1")[:2] == (400, "INVALID_ARGUMENT")
    assert service.refused("GET", CITIES + "/indexes", filter="state=READY")[:2] == (400, "INVALID_ARGUMENT")


def test_a_deleted_index_is_gone_and_its_operation_is_cancelled(service):
    begun = service.operation("POST", CITIES + "/indexes", TWO)
    name = begun["metadata"]["index"]
    assert service.ask("DELETE", name) == {}
    assert service.operation("GET", begun["name"])["error"]["code"] == 1
    assert service.refused("GET", name)[:2] == (404, "NOT_FOUND")
    assert service.refused("DELETE", name)[:2] == (404, "NOT_FOUND")
    service.operation("POST", CITIES + "/indexes", TWO)


def test_an_index_whose_operation_fails_needs_repair_and_says_why(service):
    service.write("cities/LA")
    service.administration.failure = "The data does not fit."
    begun = service.operation("POST", CITIES + "/indexes", TWO)
    service.administration.failure = None
    failed = service.wait(begun)
    assert failed["error"] == {"code": 13, "message": "The data does not fit."}
    assert failed["metadata"]["state"] == "FAILED"
    assert failed["metadata"]["progressDocuments"] == {"estimatedWork": "1"}
    assert "response" not in failed
    name = begun["metadata"]["index"]
    assert service.ask("GET", name)["state"] == "NEEDS_REPAIR"
    assert service.administration.ready_indexes(D) == []
    # As the reference says: delete it, and make it again.
    service.ask("DELETE", name)
    again = service.operation("POST", CITIES + "/indexes", TWO)
    assert service.wait(again)["response"]["state"] == "READY"


def test_a_cancelled_operation_is_done_and_a_done_one_can_be_deleted(service):
    begun = service.operation("POST", CITIES + "/indexes", TWO)
    assert service.refused("DELETE", begun["name"])[:2] == (400, "FAILED_PRECONDITION")
    assert service.ask("POST", begun["name"] + ":cancel", {}) == {}
    cancelled = service.operation("GET", begun["name"])
    assert (cancelled["done"], cancelled["error"]["code"]) == (True, 1)
    assert cancelled["metadata"]["state"] == "CANCELLED"
    assert service.ask("GET", begun["metadata"]["index"])["state"] == "NEEDS_REPAIR"
    assert service.wait(begun) == cancelled
    assert [item["name"] for item in service.ask("GET", D + "/operations")["operations"]] == [begun["name"]]
    assert service.ask("DELETE", begun["name"]) == {}
    assert service.ask("GET", D + "/operations") == {}
    for method, name in (("GET", begun["name"]), ("DELETE", begun["name"]), ("POST", begun["name"] + ":cancel")):
        assert service.refused(method, name)[:2] == (404, "NOT_FOUND")


def test_a_field_has_the_automatic_indexes_of_all_fields(service):
    field = service.ask("GET", CITIES + "/fields/pop")
    types.Field.from_json(json.dumps(field), ignore_unknown_fields=False)
    config = field["indexConfig"]
    assert config["usesAncestorConfig"] is True
    assert config["ancestorField"] == D + "/collectionGroups/__default__/fields/*"
    assert [index["fields"] for index in config["indexes"]] == [[{"fieldPath": "*", **mode}] for mode in AUTOMATIC]
    default = service.ask("GET", D + "/collectionGroups/__default__/fields/*")
    assert default["indexConfig"] == {"indexes": config["indexes"]}


def test_an_exemption_has_no_indexes_and_ends_with_an_empty_patch(service):
    begun = service.operation("PATCH", CITIES + "/fields/log", {"indexConfig": {"indexes": []}})
    deltas = begun["metadata"]["indexConfigDeltas"]
    assert [delta["changeType"] for delta in deltas] == ["REMOVE"] * 3
    done = service.wait(begun)
    field = service.ask("GET", CITIES + "/fields/log")
    assert done["response"] == {"@type": "type.googleapis.com/google.firestore.admin.v1.Field", **field}
    assert field["indexConfig"] == {"ancestorField": D + "/collectionGroups/__default__/fields/*"}
    assert service.ask("GET", CITIES + "/fields", filter=OVERRIDDEN)["fields"] == [field]
    begun = service.operation("PATCH", CITIES + "/fields/log", {})
    assert service.ask("GET", CITIES + "/fields/log")["indexConfig"]["reverting"] is True
    service.wait(begun)
    assert service.ask("GET", CITIES + "/fields/log")["indexConfig"]["usesAncestorConfig"] is True
    assert service.ask("GET", CITIES + "/fields", filter=OVERRIDDEN) == {}


def test_indexes_of_a_field_are_creating_where_they_are_new(service):
    indexes = [
        {"queryScope": "COLLECTION", "fields": [{"order": "ASCENDING"}]},
        {"queryScope": "COLLECTION_GROUP", "fields": [{"fieldPath": "tags", "arrayConfig": "CONTAINS"}]},
    ]
    body = {"indexConfig": {"indexes": indexes[:1]}}
    service.wait(service.operation("PATCH", CITIES + "/fields/tags", body, updateMask="indexConfig"))
    body = {"indexConfig": {"indexes": indexes}}
    begun = service.operation("PATCH", CITIES + "/fields/tags", body, updateMask="index_config")
    [delta] = begun["metadata"]["indexConfigDeltas"]
    assert (delta["changeType"], delta["index"]) == ("ADD", indexes[1])
    shown = service.ask("GET", CITIES + "/fields/tags")["indexConfig"]["indexes"]
    assert [index["state"] for index in shown] == ["READY", "CREATING"]
    assert shown[0]["fields"] == [{"fieldPath": "tags", "order": "ASCENDING"}]
    service.wait(begun)
    shown = service.ask("GET", CITIES + "/fields/tags")["indexConfig"]["indexes"]
    assert [index["state"] for index in shown] == ["READY", "READY"]


def test_a_field_of_a_map_has_what_the_map_has(service):
    service.wait(service.operation("PATCH", CITIES + "/fields/a.`b c`", {"indexConfig": {"indexes": []}}))
    inner = service.ask("GET", CITIES + "/fields/a.%60b%20c%60.d")
    assert inner["indexConfig"] == {"usesAncestorConfig": True, "ancestorField": CITIES + "/fields/a.`b c`"}
    other = service.ask("GET", CITIES + "/fields/a.b")
    assert other["indexConfig"]["ancestorField"] == D + "/collectionGroups/__default__/fields/*"


def test_the_settings_of_a_group_stand_before_those_of_all(service):
    indexes = [{"queryScope": "COLLECTION", "fields": [{"order": "ASCENDING"}]}]
    service.wait(service.operation("PATCH", CITIES + "/fields/*", {"indexConfig": {"indexes": indexes}}))
    config = service.ask("GET", CITIES + "/fields/a.b")["indexConfig"]
    assert config["ancestorField"] == CITIES + "/fields/*"
    assert [index["fields"] for index in config["indexes"]] == [[{"fieldPath": "*", "order": "ASCENDING"}]]
    assert len(service.ask("GET", D + "/collectionGroups/towns/fields/a")["indexConfig"]["indexes"]) == 3


def test_the_settings_of_all_fields_can_be_changed_and_given_back(service):
    everything = D + "/collectionGroups/__default__/fields/*"
    service.wait(service.operation("PATCH", everything, {"indexConfig": {"indexes": []}}))
    assert "indexes" not in service.ask("GET", CITIES + "/fields/pop")["indexConfig"]
    service.wait(service.operation("PATCH", everything, {}))
    assert len(service.ask("GET", CITIES + "/fields/pop")["indexConfig"]["indexes"]) == 3


def test_ttl_is_creating_then_active_and_a_mask_keeps_the_rest(service):
    service.wait(service.operation("PATCH", CITIES + "/fields/ends", {"indexConfig": {"indexes": []}}))
    begun = service.operation("PATCH", CITIES + "/fields/ends", {"ttlConfig": {}}, updateMask="ttlConfig")
    assert begun["metadata"]["ttlConfigDelta"] == {"changeType": "ADD"}
    assert service.ask("GET", CITIES + "/fields/ends")["ttlConfig"] == {"state": "CREATING"}
    service.wait(begun)
    field = service.ask("GET", CITIES + "/fields/ends")
    assert field["ttlConfig"] == {"state": "ACTIVE"}
    assert "usesAncestorConfig" not in field["indexConfig"]
    begun = service.operation("PATCH", CITIES + "/fields/ends", {}, updateMask="ttlConfig")
    assert begun["metadata"]["ttlConfigDelta"] == {"changeType": "REMOVE"}
    service.wait(begun)
    assert service.ask("GET", CITIES + "/fields/ends") == {"name": field["name"], "indexConfig": field["indexConfig"]}


def test_a_ttl_whose_operation_fails_needs_repair(service):
    service.administration.failure = "No."
    service.wait(service.operation("PATCH", CITIES + "/fields/ends", {"ttlConfig": {"expirationOffset": "60s"}}))
    ttl = service.ask("GET", CITIES + "/fields/ends")["ttlConfig"]
    assert ttl == {"expirationOffset": "60s", "state": "NEEDS_REPAIR"}


def test_a_collection_group_has_one_ttl_field(service):
    service.wait(service.operation("PATCH", CITIES + "/fields/ends", {"ttlConfig": {}}))
    refused = service.refused("PATCH", CITIES + "/fields/over", {"ttlConfig": {}})
    assert refused[:2] == (400, "FAILED_PRECONDITION")
    service.operation("PATCH", D + "/collectionGroups/towns/fields/over", {"ttlConfig": {}})


@pytest.mark.parametrize(
    ("path", "body", "query", "words"),
    [
        ("log", {"ttl": {}}, {}, 'Unknown name "ttl"'),
        ("log", {"ttlConfig": {}}, {"updateMask": "ttl"}, "field mask"),
        ("log", {"ttlConfig": {"expirationOffset": "1.5s"}}, {}, "expirationOffset"),
        ("*", {"ttlConfig": {}}, {}, "all fields"),
        ("log", {"name": "other"}, {}, "name in the body"),
        ("a-b", {"indexConfig": {"indexes": []}}, {}, "Invalid property path"),
        ("log", {"indexConfig": {"indexes": [TWO]}}, {}, "log alone"),
        ("log", {"indexConfig": {"indexes": [index_of(("other", "asc"))]}}, {}, "log alone"),
        ("log", {"indexConfig": []}, {}, "Invalid value"),
    ],
)
def test_a_change_of_a_field_that_cannot_be_is_refused(service, path, body, query, words):
    status, code, text = service.refused("PATCH", CITIES + "/fields/" + path, body, **query)
    assert (status, code) == (400, "INVALID_ARGUMENT")
    assert words in text
    assert service.ask("GET", CITIES + "/fields", filter=OVERRIDDEN) == {}
    assert service.ask("GET", D + "/operations") == {}


def test_a_field_that_changes_refuses_another_change(service):
    begun = service.operation("PATCH", CITIES + "/fields/log", {"indexConfig": {"indexes": []}})
    assert service.refused("PATCH", CITIES + "/fields/log", {})[:2] == (400, "FAILED_PRECONDITION")
    service.wait(begun)
    service.operation("PATCH", CITIES + "/fields/log", {})


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (OVERRIDDEN, ["ends", "log"]),
        ("indexConfig.usesAncestorConfig:false", ["log"]),
        ("ttlConfig:*", ["ends"]),
    ],
)
def test_fields_are_listed_by_what_they_have_of_their_own(service, condition, found):
    service.operation("PATCH", CITIES + "/fields/ends", {"ttlConfig": {}}, updateMask="ttlConfig")
    service.operation("PATCH", CITIES + "/fields/log", {"indexConfig": {"indexes": []}}, updateMask="indexConfig")
    for group in ("cities", "-"):
        page = service.ask("GET", f"{D}/collectionGroups/{group}/fields", filter=condition)
        types.ListFieldsResponse.from_json(json.dumps(page), ignore_unknown_fields=False)
        assert [field["name"].rpartition("/")[2] for field in page["fields"]] == found
    assert service.ask("GET", D + "/collectionGroups/towns/fields", filter=condition) == {}


@pytest.mark.parametrize("condition", ["", "name:*", "ttlConfig:false", "ttlConfig:* AND name:*"])
def test_fields_cannot_be_listed_by_anything_else(service, condition):
    assert service.refused("GET", CITIES + "/fields", filter=condition)[:2] == (400, "INVALID_ARGUMENT")


def test_a_database_is_made_shown_and_listed(service):
    body = {"type": "FIRESTORE_NATIVE", "locationId": "eur3"}
    begun = service.operation("POST", "projects/demo/databases", body, databaseId="plants")
    assert begun["name"].startswith("projects/demo/databases/plants/operations/")
    done = service.wait(begun)
    shown = service.ask("GET", "projects/demo/databases/plants")
    assert done["response"]["uid"] == shown["uid"]
    assert (shown["locationId"], shown["type"], shown["freeTier"]) == ("eur3", "FIRESTORE_NATIVE", False)
    listed = service.ask("GET", "projects/demo/databases")
    types.ListDatabasesResponse.from_json(json.dumps(listed), ignore_unknown_fields=False)
    names = ["(default)", "plants"]
    assert [item["name"] for item in listed["databases"]] == [f"projects/demo/databases/{name}" for name in names]
    assert service.refused("POST", "projects/demo/databases", body, databaseId="plants")[:2] == (409, "ALREADY_EXISTS")
    assert service.ask("GET", "projects/other/databases")["databases"][0]["name"].startswith("projects/other/")


@pytest.mark.parametrize(
    ("database_id", "body", "words"),
    [
        ("", {"locationId": "eur3"}, "databaseId"),
        ("abc", {"locationId": "eur3"}, "databaseId"),
        ("1plants", {"locationId": "eur3"}, "databaseId"),
        ("plants", {}, "locationId"),
        ("plants", {"locationId": "eur3", "type": "SQL"}, "Database.Type"),
        ("plants", {"locationId": "eur3", "size": 1}, 'Unknown name "size"'),
    ],
)
def test_a_database_that_cannot_be_is_not_made(service, database_id, body, words):
    status, code, text = service.refused("POST", "projects/demo/databases", body, databaseId=database_id)
    assert (status, code) == (400, "INVALID_ARGUMENT")
    assert words in text


def test_the_settings_of_a_database_change_by_mask(service):
    body = {
        "pointInTimeRecoveryEnablement": "POINT_IN_TIME_RECOVERY_ENABLED",
        "deleteProtectionState": "DELETE_PROTECTION_ENABLED",
    }
    assert service.ask("GET", D)["versionRetentionPeriod"] == "3600s"
    service.wait(service.operation("PATCH", D, body, updateMask="pointInTimeRecoveryEnablement"))
    shown = service.ask("GET", D)
    assert shown["pointInTimeRecoveryEnablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert shown["deleteProtectionState"] == "DELETE_PROTECTION_DISABLED"
    assert shown["versionRetentionPeriod"] == "604800s"
    assert service.refused("PATCH", D, body, updateMask="uid")[:2] == (400, "INVALID_ARGUMENT")
    assert service.refused("PATCH", D, {**body, "etag": "other"})[:2] == (400, "FAILED_PRECONDITION")
    service.operation("PATCH", D, {**body, "etag": shown["etag"]})


def test_a_database_that_is_not_there_has_nothing(service):
    nowhere = "projects/demo/databases/nowhere"
    expected = (404, "NOT_FOUND", "Project 'demo' or database 'nowhere' does not exist.")
    for path in ("", "/operations", "/collectionGroups/cities/indexes", "/collectionGroups/cities/fields/a"):
        assert service.refused("GET", nowhere + path) == expected
    assert service.refused("POST", nowhere + ":exportDocuments", {"outputUriPrefix": "gs://bucket"}) == expected


def test_an_export_holds_what_was_there_when_it_began(service):
    service.write("cities/LA", "cities/LA/parks/x", "towns/Ely")
    begun = service.operation("POST", D + ":exportDocuments", {"outputUriPrefix": "gs://bucket/noon"})
    assert begun["metadata"]["operationState"] == "PROCESSING"
    assert begun["metadata"]["outputUriPrefix"] == "gs://bucket/noon"
    service.write("cities/LA", "cities/SF", n=2)
    # Its output may only be used once it is done.
    body = {"inputUriPrefix": "gs://bucket/noon"}
    assert service.refused("POST", D + ":importDocuments", body)[:2] == (404, "NOT_FOUND")
    done = service.wait(begun)
    assert done["response"]["outputUriPrefix"] == "gs://bucket/noon"
    imported = service.operation("POST", D + ":importDocuments", body)
    assert service.documents()["cities/LA"] == "2"
    service.now += 10
    service.administration.settle(service.now)
    assert service.documents() == {"cities/LA": "1", "cities/LA/parks/x": "1", "towns/Ely": "1", "cities/SF": "2"}
    done = service.operation("GET", imported["name"])
    assert done["metadata"]["progressDocuments"] == {"estimatedWork": "3", "completedWork": "3"}


def test_an_export_of_collections_can_be_imported_in_part_into_another_database(service):
    service.write("cities/LA", "cities/LA/parks/x", "towns/Ely")
    other = "projects/demo/databases/other"
    service.administration.stores[other] = Store(other, service.clock)
    body = {"outputUriPrefix": "gs://bucket", "collectionIds": ["parks", "towns"]}
    done = service.wait(service.operation("POST", D + ":exportDocuments", body))
    assert done["metadata"]["collectionIds"] == ["parks", "towns"]
    assert done["metadata"]["progressDocuments"]["estimatedWork"] == "2"
    uri = done["response"]["outputUriPrefix"]
    assert uri.startswith("gs://bucket/2023-11-14T22:13:20_")
    body = {"inputUriPrefix": uri, "collectionIds": ["parks"]}
    service.wait(service.operation("POST", other + ":importDocuments", body))
    assert service.documents(other) == {"cities/LA/parks/x": "1"}
    [document] = service.administration.stores[other].documents()
    assert document.name == other + "/documents/cities/LA/parks/x"
    body = {"inputUriPrefix": uri, "collectionIds": ["cities"]}
    assert "not available" in service.refused("POST", other + ":importDocuments", body)[2]


def test_an_import_is_an_update_of_what_is_there_and_makes_what_is_not(service):
    service.write("cities/LA", "cities/SF")
    body = {"outputUriPrefix": "gs://bucket/a"}
    service.wait(service.operation("POST", D + ":exportDocuments", body))
    store = service.administration.stores[D]
    store.put_all({("cities", "SF"): None}, service.clock.tick())
    before = store.get(("cities", "LA"))
    service.wait(service.operation("POST", D + ":importDocuments", {"inputUriPrefix": "gs://bucket/a"}))
    after, made = (store.get(("cities", name)) for name in ("LA", "SF"))
    assert after.create_time == before.create_time < after.update_time
    assert made.create_time == made.update_time == after.update_time


def test_a_failed_export_leaves_nothing_to_import(service):
    service.administration.failure = "The bucket is full."
    done = service.wait(service.operation("POST", D + ":exportDocuments", {"outputUriPrefix": "gs://bucket/a"}))
    assert done["metadata"]["operationState"] == "FAILED"
    assert service.administration.exports == {}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"outputUriPrefix": "bucket"},
        {"outputUriPrefix": "gs://"},
        {"outputUriPrefix": "gs://bucket", "collectionIds": "cities"},
        {"outputUriPrefix": "gs://bucket", "collectionIds": ["a", "a"]},
        {"outputUriPrefix": "gs://bucket", "collectionIds": ["a/b"]},
        {"outputUriPrefix": "gs://bucket", "collectionIds": [[]]},
        {"outputUriPrefix": "gs://bucket", "to": "x"},
    ],
)
def test_an_export_that_cannot_be_is_refused(service, body):
    assert service.refused("POST", D + ":exportDocuments", body)[:2] == (400, "INVALID_ARGUMENT")


def test_an_export_is_not_written_over_another_one(service):
    service.wait(service.operation("POST", D + ":exportDocuments", {"outputUriPrefix": "gs://bucket/a"}))
    text = service.refused("POST", D + ":exportDocuments", {"outputUriPrefix": "gs://bucket/a/"})[2]
    assert text == "Path already exists: /bucket/a/a.overall_export_metadata"


def test_an_operation_that_takes_no_time_is_done_in_its_first_answer(service):
    service.administration.operation_seconds = 0
    assert service.operation("POST", CITIES + "/indexes", TWO)["response"]["state"] == "READY"


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", D), ("GET", D + ":exportDocuments"), ("GET", D + "/x"), ("GET", CITIES), ("POST", CITIES + "/fields")],
)
def test_what_is_not_served_is_not_found(service, method, path):
    assert service.refused(method, path, {})[:2] == (404, "NOT_FOUND")


@pytest.mark.parametrize("group", ["__x__", "..", "-", "__default__"])
def test_a_group_that_cannot_be_has_no_indexes_made(service, group):
    status, code, _ = service.refused("POST", f"{D}/collectionGroups/{group}/indexes", TWO)
    assert (status, code) == (400, "INVALID_ARGUMENT")


@pytest.fixture
def google(sim):
    """Google's own client of the administration, at work over HTTP."""
    sim.firestore.administration.operation_seconds = 0.2
    transport = FirestoreAdminRestTransport(
        host=f"127.0.0.1:{sim.port}", url_scheme="http", credentials=Credentials(token="owner")
    )
    return FirestoreAdminClient(transport=transport)


@pytest.mark.timeout(60)
def test_googles_own_client_makes_lists_and_deletes_an_index(google):
    field = types.Index.IndexField
    fields = [field(field_path="a", order=field.Order.ASCENDING), field(field_path="b", order=field.Order.DESCENDING)]
    index = types.Index(query_scope=types.Index.QueryScope.COLLECTION_GROUP, fields=fields)
    made = google.create_index(parent=CITIES, index=index).result(timeout=DEADLINE_SECONDS)
    assert made.state == types.Index.State.READY
    assert list(google.list_indexes(parent=CITIES)) == [made] == [google.get_index(name=made.name)]
    with pytest.raises(exceptions.Conflict, match="index already exists"):
        google.create_index(parent=CITIES, index=index)
    google.delete_index(name=made.name)
    assert list(google.list_indexes(parent=CITIES)) == []


@pytest.mark.timeout(60)
def test_googles_own_client_changes_a_field_and_lists_it(google):
    field = types.Field(name=CITIES + "/fields/ends", ttl_config=types.Field.TtlConfig())
    operation = google.update_field(types.UpdateFieldRequest(field=field, update_mask={"paths": ["ttl_config"]}))
    assert operation.result(timeout=DEADLINE_SECONDS).ttl_config.state == types.Field.TtlConfig.State.ACTIVE
    assert operation.metadata.state == types.OperationState.SUCCESSFUL
    request = types.ListFieldsRequest(parent=CITIES, filter="ttlConfig:*")
    assert list(google.list_fields(request)) == [google.get_field(name=field.name)]


@pytest.mark.timeout(60)
def test_googles_own_client_makes_a_database_and_moves_documents_into_it(google, sim):
    sim.firestore.set("cities/LA", {"n": 1})
    database = types.Database(location_id="nam5", type_=types.Database.DatabaseType.FIRESTORE_NATIVE)
    made = google.create_database(parent="projects/demo", database=database, database_id="copy")
    name = made.result(timeout=DEADLINE_SECONDS).name
    assert sorted(found.name for found in google.list_databases(parent="projects/demo").databases) == [D, name]
    exported = google.export_documents(types.ExportDocumentsRequest(name=D, output_uri_prefix="gs://bucket"))
    uri = exported.result(timeout=DEADLINE_SECONDS).output_uri_prefix
    google.import_documents(types.ImportDocumentsRequest(name=name, input_uri_prefix=uri)).result(DEADLINE_SECONDS)
    assert sim.firestore.documents(database="copy") == {"cities/LA": {"n": 1}}


@pytest.mark.parametrize("path", ["projects/demo/databases", D, D + "/operations", CITIES + "/indexes"])
def test_only_an_oauth2_token_administers(sim, path):
    for token, status in (("", 403), (sim.sign_in("d1")["id_token"], 403), ("owner", 200)):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = requests.get(f"{sim.url}/v1/{path}", headers=headers, timeout=DEADLINE_SECONDS)
        assert answer.status_code == status
        if status == 403:
            assert answer.json()["error"]["status"] == "PERMISSION_DENIED"
