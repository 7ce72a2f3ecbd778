"""Starts a board that is played: its file system is the folder given, and these fakes come before what is frozen.

Arguments: the folder of the board's files, that of the state, and that of these fakes; and a module and a function in
it, or nothing for /main.py. Where main.py ends, a board has its REPL: here that is the end "repl".
"""

import sys

import uos as os  # not the one beside this file: its world is not there yet
import vfs

root, state, fakes = sys.argv[1:4]
vfs.umount("/")
for folder, place in ((root, "/"), (state, "/state"), (fakes, "/fakes")):
    vfs.mount(vfs.VfsPosix(folder), place)
os.chdir("/")
sys.path[:] = ["/fakes", "", ".frozen", "/lib"]

import chip_sys  # noqa: E402

arguments = sys.argv[4:]
sys.modules["sys"] = chip_sys.Sys(sys)
if arguments:
    getattr(__import__(arguments[0]), arguments[1])()
else:
    import world  # noqa: E402

    with open("main.py") as file:
        code = file.read()
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit as end:
        print("SystemExit", end)
    except BaseException as error:
        sys.print_exception(error)
    world.end("repl")
