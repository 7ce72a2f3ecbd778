"""docs/firestore.md names the tests that show each method; its examples are run by test_docs.py."""

from clients import ROOT
from named_tests import missing_tests, named_tests

PAGE = (ROOT / "docs" / "firestore.md").read_text()
# projects.databases.documents of the REST reference, and what it has for administrators.
METHODS = (
    "batchGet batchWrite beginTransaction commit createDocument delete executePipeline get list listCollectionIds "
    "listDocuments listen partitionQuery patch rollback runAggregationQuery runQuery write exportDocuments "
    "importDocuments collectionGroups.indexes collectionGroups.fields operations databases"
)


def test_every_test_that_the_page_names_is_there():
    assert len(named_tests(PAGE)) > 90
    assert all(file for file, _ in named_tests(PAGE))
    assert missing_tests(PAGE) == []


def test_the_page_has_every_method_of_the_reference():
    assert [method for method in METHODS.split() if f"`{method}`" not in PAGE] == []
