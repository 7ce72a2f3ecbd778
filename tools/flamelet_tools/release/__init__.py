"""Makes and checks what is published: package, size, roots, the page of errors, ruff and mypy."""
