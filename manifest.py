# Freezes the library into firmware of your own: include this file in a manifest beside the board's own one.
# (https://docs.micropython.org/en/latest/reference/manifest.html)
# It is the flat library that every board gets; what makes it needs nothing but CPython's standard library.
import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.join(os.getcwd(), "tools"))  # MicroPython's build runs this in the folder of this file
try:
    from flamelet_tools.shared.flat_build import FlatLibrary
finally:
    del sys.path[0]

metadata(description="A lightweight IoT client for Firebase", version="0.1.0")  # noqa: F821
folder = tempfile.mkdtemp(prefix="flamelet-")
atexit.register(shutil.rmtree, folder)
FlatLibrary(Path(os.getcwd())).write(Path(folder))
package("flamelet", base_path=folder)  # noqa: F821
