"""Sessions of nox, each in an environment of its own: `nox` runs the checks of a change, `nox -l` lists all.

Versions are those of the extra `test` in pyproject.toml. Sessions that build the core take minutes.
"""

import re
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["lint", "types", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")
EXTRA = PROJECT["project"]["optional-dependencies"]["test"]
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14", "3.15"]
QUICK = ("-m", "not slow", "-n", "auto", "--dist", "worksteal")


def pinned(*names: str) -> list[str]:
    """Return what the extra says of packages."""
    return [wanted for wanted in EXTRA if re.split(r"[\\[><=]", wanted)[0] in names]


def oldest_numpy() -> str:
    """Return the oldest NumPy that the metadata allow."""
    (wanted,) = [each for each in PROJECT["project"]["dependencies"] if each.startswith("numpy")]
    return wanted.replace(">=", "==") + ".*"


@nox.session
def lint(session: nox.Session) -> None:
    """Check the layout and habits of the sources."""
    session.install(*pinned("ruff", "clang-format"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("clang-format", "--dry-run", "-Werror", *sources())


def sources() -> list[str]:
    """Return the C++ sources."""
    return [str(path) for folder in ("cpp", "tests/cpp") for path in sorted(Path(folder).rglob("*.?pp"))]


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly; nothing is built."""
    session.install(*pinned("mypy", "types-tqdm", "autograd"), *PROJECT["project"]["dependencies"])
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the quick selection with this Python, or what the arguments say."""
    session.install(".[test]")
    session.run("pytest", *(session.posargs or QUICK))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into build/site; a warning is an error."""
    session.install(".[docs]")
    session.run("sphinx-build", "-W", "docs", "build/site")


@nox.session
def links(session: nox.Session) -> None:
    """Ask whether the sites are there that pages and docstrings link to; those within are looked at by the tests."""
    session.install(".[docs]")
    session.run("sphinx-build", "-b", "linkcheck", "docs", "build/links")


@nox.session(python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """Run the same with every Python that is installed."""
    tests(session)


@nox.session(python=["3.10", "3.11"])
def oldest(session: nox.Session) -> None:
    """Run it with the oldest NumPy of the metadata, and without the other packages."""
    run_alone(session, oldest_numpy())


@nox.session(python=["3.14t", "3.15t"])
def free_threaded(session: nox.Session) -> None:
    """Run it with a Python that has no GIL, and without the other packages."""
    run_alone(session)


def run_alone(session: nox.Session, *wanted: str) -> None:
    """Run the quick selection with what is wanted; of optional packages there is autograd, which many tests need."""
    session.install(".", *wanted, *pinned("pytest", "pytest-xdist", "hypothesis", "pyelftools", "autograd"))
    session.run("pytest", *(session.posargs or QUICK))


@nox.session
def sdist(session: nox.Session) -> None:
    """Build the source distribution, and a wheel from it, without an index, into dist; look into the wheel."""
    session.install("build", *PROJECT["build-system"]["requires"], *pinned("cmake", "ninja", "pyelftools"))
    session.run("python", "-m", "build", "--sdist", "--no-isolation")
    (source,) = Path("dist").glob(f"fastlstm-{PROJECT['project']['version']}.tar.gz")
    from_it = ("--no-index", "--no-build-isolation", "--no-deps", "--wheel-dir", "dist", str(source))
    session.run("pip", "wheel", *session.posargs, *from_it)
    session.run("python", "tools/check_wheel.py", *map(str, Path("dist").glob("*.whl")))


@nox.session
def tidy(session: nox.Session) -> None:
    """Ask clang-tidy about the layers, or the files named."""
    session.install("clang-tidy>=20", *pinned("cmeel-eigen", "pybind11", "cmake", "ninja"))
    where = session.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", silent=True)
    session.run("cmake", "--preset", "core", env={"CMAKE_PREFIX_PATH": str(where).strip()})
    layers = [path for path in sources() if path.startswith("cpp/layers/") and path.endswith(".cpp")]
    session.run("clang-tidy", "-p", "build/core", "--quiet", *(session.posargs or layers))


@nox.session
def sanitize(session: nox.Session) -> None:
    """Run the tests of the core under sanitizers, or those named; needs Debian's doctest-dev and valgrind."""
    session.install(*pinned("cmeel-eigen", "cmake", "ninja"))
    session.run("python", "tools/sanitize.py", *(session.posargs or ["--short"]))
