"""Cloud Firestore for the simulator: the documents of its databases behind the REST API; no I/O.

`rest` takes requests; `documents`, `commit`, `transactions` and `query` do what they ask; `store` keeps the documents;
`rules` says who asks, and what they may; `admin` has what concerns whole databases.
"""
