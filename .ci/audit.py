"""Ask the index whether a locked package has a known vulnerability. Where it cannot be asked, say so and pass."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> int:
    """The exit code: 1 where a vulnerability is known."""
    vulnerable = 0
    for lock in sorted(ROOT.glob("requirements*.lock")):
        command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format=json"]
        done = subprocess.run([*command, f"--requirement={lock.name}"], cwd=ROOT, capture_output=True, text=True)
        vulnerable += report(lock.name, done.stdout, done.stderr)
    return min(1, vulnerable)


def report(lock: str, told: str, complaint: str) -> int:
    """Print what pip-audit told of a lock; how many packages are vulnerable."""
    try:
        packages = json.loads(told)["dependencies"]
    except ValueError:
        print(f"{lock}: not audited, {(complaint.strip().splitlines() or ['no answer'])[-1]}")
        return 0
    asked = [package for package in packages if "skip_reason" not in package]
    found = [package for package in asked if package["vulns"]]
    for package in found:
        print(f"{lock}: {package['name']} {package['version']}: {', '.join(each['id'] for each in package['vulns'])}")
    state = f"{len(asked)} of {len(packages)} packages audited" if asked else "not audited, the index does not tell"
    print(f"{lock}: {state}, {len(found)} vulnerable")
    return len(found)


if __name__ == "__main__":
    sys.exit(main())
