"""Holds the texts of the InvalidArguments that a push can raise. Loaded with the first one."""

TEXTS = {
    "url": "%r is not a URL like https://host or https://host:port/path",
    "clear": "%r would send everything in the clear: use https://; in a program of your own insecure=True allows it",
    "text": "%s is a str that is not empty, not %s",
    "letter": "%s holds %r, which cannot be sent: remove it",
    "path": "a path is a str, not %r",
    "deep": "a path has at most %d keys",
    "key": "the key %r is not valid: it has 1 to 768 bytes, no . # $ [ ] /, no control character, no half surrogate",
    "fields": "a feed has fields, each with a name of its own: ((\"temp\", 1), (\"hum\", 0))",
    "field": "a field is (name, decimals), a key without quotes and 0 to 9, not %r",
    "reading": "%r cannot be sent: a reading is a number of at most 64 bits, a bool or None",
    "row": "a reading has %d values, one for each field",
    "token": "the token is neither an ID token (a JWT) nor an OAuth2 access token (ya29...): say what it is, as in "
    'Token({"database_secret": ...}); a file is read by Token.load("token.json")',
    "kinds": "a token is one of id_token, access_token and database_secret: flamelet mint writes token.json",
    "id_token": "the id_token is no JWT, so it is no ID token",
    "access_token": "an ID token is no access_token: give it as id_token",
    "custom": "a custom token is no ID token yet: exchange it for one, as flamelet mint does",
    "api_key": "a refresh_token needs the api_key of its project beside it",
    "private_key": "a private key must never be on a device: flamelet mint makes a token of it, on a desktop",
    "secret": "a database secret is only for the Realtime Database: mint an ID token",
    "pending": "nothing is pending: the last reading arrived, or was refused",
}
