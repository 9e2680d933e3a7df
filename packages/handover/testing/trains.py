"""Runs train.py of folders, one after the other in one process: `trains.py CASES`, as JSON a list
of a folder and arguments each. The last line says of each what it refused, or null.
"""

import json
import os
import runpy
import sys

refused = []
for folder, arguments in json.loads(sys.argv[1]):
    os.chdir(folder)
    sys.argv = ["train.py", *arguments]
    try:
        runpy.run_path("train.py", run_name="__main__")
        refused.append(None)
    except SystemExit as error:
        refused.append(str(error))
print(json.dumps(refused))
