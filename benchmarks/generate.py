# /// script
# requires-python = ">=3.11"
# dependencies = ["cookiecutter>=2.7.1"]
# [tool.uv]
# exclude-newer = "2026-11-14"
# ///
"""How long a project takes to generate, and to get from nothing to a served prediction.

    uv run benchmarks/generate.py                # both, warm and cold; writes benchmarks/results/
    uv run benchmarks/generate.py --skip-cold    # without the run on an empty uv cache
    uv run benchmarks/generate.py --quick        # generation only, three runs; prints only

Cold means that uv has nothing in its cache; it then has to fetch every package.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from common import REPOSITORY, RESULTS, TEMPLATE, facts, say, table

LARGEST_RATIO = 1.5
WARM_RUNS = 3
CHOSEN = {"license": "MIT", "sample": "binary", "deploy": "registry"}  # cookiecutter.json's first
NOT_PUBLISHED = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", "__pycache__", "build", "uv.lock"
)
PLAIN_PACKAGE = "{{ cookiecutter.__slug | replace('-', '_') }}"
IN_PROJECT = {
    "ml train": ["uv", "run", "ml", "train"],
    "ml promote": ["uv", "run", "ml", "promote"],
    "ml serve --smoke": ["uv", "run", "ml", "serve", "--smoke"],
}


def copy_template(target: Path) -> Path:
    """The template as it would be published."""
    shutil.copytree(REPOSITORY, target, ignore=NOT_PUBLISHED)
    return target


def copy_bare(target: Path) -> Path:
    """The same without any code of ours: no hook, no extension; chosen files in their places."""
    copy_template(target)
    shutil.rmtree(target / "hooks")
    questions = json.loads((target / "cookiecutter.json").read_text(encoding="utf-8"))
    questions.pop("_extensions", None)
    questions["__package"] = PLAIN_PACKAGE
    (target / "cookiecutter.json").write_text(json.dumps(questions), encoding="utf-8")
    project = target / TEMPLATE.name
    for option, answer in CHOSEN.items():
        shutil.copytree(project / "_options" / option / answer, project, dirs_exist_ok=True)
    shutil.rmtree(project / "_options")
    return target


def run(command: Sequence[str], folder: Path, environment: dict[str, str]) -> float:
    """Seconds that a command takes; its output is shown only when it fails."""
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return seconds


def make_environment(scratch: Path, **more: str) -> dict[str, str]:
    """This environment, without what would change the result: a venv, the user's own answers."""
    config = scratch / "cookiecutter.yaml"
    config.write_text(
        f"cookiecutters_dir: '{scratch / 'templates'}'\nreplay_dir: '{scratch / 'replay'}'\n",
        encoding="utf-8",
    )
    drop = ("VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE", "MLFLOW_TRACKING_URI", "UV_PROJECT")
    kept = {key: value for key, value in os.environ.items() if key not in drop}
    return kept | {"COOKIECUTTER_CONFIG": str(config)} | more


def bake_by_command(template: Path, target: Path, environment: dict[str, str]) -> float:
    """Seconds of the `cookiecutter` command."""
    command = [sys.executable, "-m", "cookiecutter", "--no-input", str(template), "-o", str(target)]
    return run(command, target.parent, environment)


def bake_by_import(template: Path, target: Path, environment: dict[str, str]) -> float:
    """Seconds of the function behind the command: no start of Python, no imports."""
    from cookiecutter.main import cookiecutter

    config = environment["COOKIECUTTER_CONFIG"]
    start = time.perf_counter()
    cookiecutter(str(template), no_input=True, output_dir=str(target), config_file=config)
    return time.perf_counter() - start


def files(folder: Path) -> set[str]:
    """Paths of all files in the folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def compare(
    bake: Callable[[Path, Path, dict[str, str]], float], runs: int
) -> tuple[list[float], list[float], int]:
    """Seconds of the template and of bare cookiecutter, in turns, and how many files they write."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        environment = make_environment(scratch)
        template = copy_template(scratch / "template")
        bare = copy_bare(scratch / "bare")
        seconds: dict[Path, list[float]] = {template: [], bare: []}
        for number in range(runs + 1):
            pair = [template, bare] if number % 2 else [bare, template]
            for source in pair:
                seconds[source].append(
                    bake(source, scratch / f"{source.name}-{number}", environment)
                )
        written = [files(scratch / f"{source.name}-{runs}") for source in (template, bare)]
    if written[0] != written[1]:
        sys.exit(f"not the same files: {sorted(written[0] ^ written[1])}")
    return seconds[template][1:], seconds[bare][1:], len(written[0])  # the first run warms up


def generation(runs: int) -> tuple[str, float]:
    """The table of generation times, and the ratio of the command's medians."""
    rows, ratios = [], []
    for name, bake in (("the command", bake_by_command), ("the function", bake_by_import)):
        ours, bare, count = compare(bake, runs)
        ratios.append(statistics.median(ours) / statistics.median(bare))
        rows.append([name, str(count), spread(ours), spread(bare), f"{ratios[-1]:.2f}"])
    header = ["cookiecutter", "files", "this template, s", "bare, s", "ratio"]
    return table(header, rows), ratios[0]


def spread(seconds: Sequence[float]) -> str:
    """Median and range."""
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"


def from_nothing(*, cold: bool) -> tuple[dict[str, float], int]:
    """Seconds of each step from nothing to a served prediction; megabytes in a cold run's cache."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        cache = {"UV_CACHE_DIR": str(scratch / "cache")} if cold else {}
        environment = make_environment(scratch, **cache)
        template = copy_template(scratch / "template")
        baked = scratch / "projects"
        bake = ["uvx", "cookiecutter", "--no-input", str(template), "-o", str(baked)]
        seconds = {"uvx cookiecutter": run(bake, scratch, environment)}
        (project,) = baked.iterdir()
        for name, command in IN_PROJECT.items():
            seconds[name] = run(command, project, environment)
        cached = (scratch / "cache").rglob("*")
        megabytes = sum(path.stat().st_size for path in cached if path.is_file()) // 1_000_000
    if cold and not megabytes:
        sys.exit("uv used another cache than it was given: the cold run was warm.")
    return seconds, megabytes


def serve_times(*, skip_cold: bool) -> str:
    """Both kinds of run, as Markdown."""
    measured, note = {}, ""
    if not skip_cold:
        measured["cold"], megabytes = from_nothing(cold=True)
        note = (
            f"Cold: the cache is empty, so the connection counts; it held {megabytes:,} MB after."
        )
    from_nothing(cold=False)  # fills the cache
    warm = [from_nothing(cold=False)[0] for _ in range(WARM_RUNS)]
    measured["warm"] = {name: statistics.median(run[name] for run in warm) for name in warm[0]}
    rows = [[name, *(f"{run[name]:.1f}" for run in measured.values())] for name in warm[0]]
    total = ["together", *(f"{sum(run.values()):.1f}" for run in measured.values())]
    return f"""Nothing means: uv and a Python. Warm: the packages are in uv's cache; medians of \
{WARM_RUNS} runs. {note} `ml train` makes the lock and the environment first.

{table(["seconds", *measured], [*rows, total])}"""


def report(times: str, ratio: float, runs: int, served: str) -> str:
    """The whole result as Markdown."""
    command = f"generate.py --runs {runs}"
    held = "yes" if ratio <= LARGEST_RATIO else "NO"
    return f"""# Time to generate, and to a served prediction

{facts(command, ["cookiecutter"])} {os.cpu_count()} cores.

## Against bare cookiecutter

The same template without its hook and its extension, with the chosen options' files \
already in their places; both write the same files. Medians (and ranges) of {runs} runs in turns. \
The command at most {LARGEST_RATIO} times bare cookiecutter's: **{held}**. The function is what \
the command does after Python has started; its difference is the Python that the hook starts.

{times}

## From nothing to a served prediction

{served}
"""


def read_options() -> argparse.Namespace:
    """The command's options. `--quick` writes nothing unless told where."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=9, help="of each template")
    parser.add_argument("--skip-cold", action="store_true", help="not with an empty uv cache")
    parser.add_argument("--quick", action="store_true", help="generation only, three runs")
    parser.add_argument("--results", type=Path, help="folder for generate.md")
    options = parser.parse_args()
    if options.quick:
        options.runs = 3
    elif options.results is None:
        options.results = RESULTS
    return options


def main() -> int:
    """Measure, print, write; fails when generation is slower than promised."""
    options = read_options()
    times, ratio = generation(options.runs)
    served = "Not measured." if options.quick else serve_times(skip_cold=options.skip_cold)
    text = report(times, ratio, options.runs, served)
    say(text)
    if options.results:
        options.results.mkdir(parents=True, exist_ok=True)
        (options.results / "generate.md").write_text(text, encoding="utf-8")
    return 0 if ratio <= LARGEST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
