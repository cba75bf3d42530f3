"""Packages from the npm registry that this machine is configured for, as package-lock.json has them."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent


def folder_for(script):
    """A folder where this script of ours can be run: what it imports is installed there, once per version of the lock file."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = Path(os.environ.get("TANDEM_NPM") or HERE.parents[2] / "build/npm") / hashlib.sha256(lock).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as held:  # several tests at once
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, folder)
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True, timeout=300,
                           stdout=subprocess.DEVNULL)
            (folder / "done").touch()
        shutil.copy(HERE / script, folder)
    return folder
