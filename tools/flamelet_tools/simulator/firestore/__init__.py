"""Simulates Cloud Firestore: the documents of its databases behind the REST API; no I/O.

`rest` takes requests; `documents`, `commit`, `transactions` and `query` do what they ask; `store` keeps the documents;
`rules` decides who may do what; `admin` manages whole databases.
"""
