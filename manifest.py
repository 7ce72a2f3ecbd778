# Freezes the library into firmware of your own: include this file in a manifest beside the board's own one.
# (https://docs.micropython.org/en/latest/reference/manifest.html)
import os

metadata(description="A lightweight IoT client for Firebase", version="0.1.0")  # noqa: F821
# _cpython.py is for desktops.
files = [name for name in sorted(os.listdir("lib/flamelet")) if name.endswith(".py") and name != "_cpython.py"]
package("flamelet", files=files, base_path="lib")  # noqa: F821
