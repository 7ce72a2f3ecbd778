"""The two servers that Firestore tests run against: Google's emulator, and the simulator; both judge by the same rules.

In: a server that runs. Out: a `Server`, from which a test takes what a client needs to be nobody, a device with an ID
token, or a backend with OAuth2; and by which it looks at the documents without the client that is tested.

Rules: anybody may do everything below public/; who has an ID token may do so everywhere but in locked/, and read every
collection group "landmarks"; OAuth2 passes the rules.
"""

import base64
import json

import requests

DEADLINE_SECONDS = 10
WHO = ("nobody", "ID token", "OAuth2")
PROJECT = "demo"
UID = "device-1"
RULES = """
rules_version = '2';
service cloud.firestore {
  match /databases/{database}/documents {
    match /public/{rest=**} { allow read, write; }
    match /{path=**}/landmarks/{document} { allow read: if request.auth != null; }
    match /{collection}/{rest=**} { allow read, write: if request.auth != null && collection != 'locked'; }
  }
}
"""
_DATASTORE = "https://www.googleapis.com/auth/datastore"


def allow(auth, method, path, document, new_document):
    """The same rules, as the simulator takes them: for a document, a collection, or `**/landmarks`."""
    collection = path.split("/")[0]
    if collection == "**":
        return auth is not None and path == "**/landmarks"
    return collection == "public" or auth is not None and collection != "locked"


class Server:
    """A Firestore for one test.

    `kind`: "emulator" or "simulator"; `url` as `flamelet.Firestore` takes it; `sim`: the simulator, or None.
    """

    def __init__(self, kind, origin, tokens, sim=None):
        self.kind = kind
        self.url = origin + "/v1"
        self.project = PROJECT
        self.name = f"projects/{PROJECT}/databases/(default)/documents"
        self.sim = sim
        self._tokens = tokens

    def options(self, who="OAuth2"):
        """Return the options of a `flamelet.Firestore` that is one of WHO."""
        return {"url": self.url, "token": self._tokens[who]}

    def call(self, method, path="", body=None):
        """Return the JSON that a backend is answered; `path` follows .../documents. AssertionError for a refusal."""
        headers = {"Authorization": "Bearer " + self._tokens["OAuth2"]["access_token"]}
        url = f"{self.url}/{self.name}{path}"
        answer = requests.request(method, url, json=body, headers=headers, timeout=DEADLINE_SECONDS)
        assert answer.ok, f"{method} {url}: {answer.status_code} {answer.text}"
        return answer.json()

    def put(self, path, **fields):
        """Write a document of integers, texts and such; return it as the server has it."""
        return self.call("PATCH", f"/{path}", {"fields": {name: to_value(fields[name]) for name in fields}})

    def document(self, path):
        """Return the document as the server has it, None where there is none."""
        [found] = self.call("POST", ":batchGet", {"documents": [f"{self.name}/{path}"]})
        return found.get("found")

    def fields(self, path):
        """Return the fields of the document in the REST API's form, None where there is none."""
        document = self.document(path)
        return document and document.get("fields", {})


def to_value(value):
    """Return `value` in the REST API's form: not by the library, which is tested by it."""
    if isinstance(value, dict):
        return {"mapValue": {"fields": {key: to_value(value[key]) for key in value}}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [to_value(item) for item in value]}}
    if type(value) is int:
        return {"integerValue": str(value)}
    kinds = {bool: "booleanValue", float: "doubleValue", str: "stringValue", type(None): "nullValue"}
    return {kinds[type(value)]: value}


def on_emulator(origin):
    """Return the `Server` of the emulator at `origin`, emptied."""
    requests.delete(
        f"{origin}/emulator/v1/projects/{PROJECT}/databases/(default)/documents", timeout=DEADLINE_SECONDS
    ).raise_for_status()
    tokens = {
        "nobody": None,
        "ID token": {"id_token": unsigned_jwt({"sub": UID, "user_id": UID, "aud": PROJECT, "exp": 9999999999})},
        # What the emulator takes for an administrator's.
        "OAuth2": {"access_token": "owner"},
    }
    return Server("emulator", origin, tokens)


def on_simulator(sim):
    """Return the `Server` of this simulator."""
    tokens = {"nobody": None, "ID token": sim.sign_in(UID), "OAuth2": sim.access_token((_DATASTORE,))}
    return Server("simulator", sim.url, tokens, sim)


def unsigned_jwt(claims):
    """Return a JWT with these claims and no signature, as the emulator takes it."""
    return ".".join([*(_base64url(json.dumps(part).encode()) for part in ({"alg": "none", "typ": "JWT"}, claims)), ""])


def _base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
