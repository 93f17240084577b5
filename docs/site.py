"""The site's pages lie where they lie in the repository, so every link holds in both places.

mkdocs.yml names this file as a hook; `make site` builds.
"""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PRODUCT = ROOT / "{{cookiecutter.__slug}}" / "docs"
SHOWN = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
FOLDERS = [ROOT / "docs", ROOT / "benchmarks" / "results", PRODUCT]


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Take the pages and pictures of the whole repository instead of docs/ alone."""
    theme = [file for file in files if not file.abs_src_path.startswith(str(ROOT / "docs"))]
    kinds = {".md", ".png", ".svg", ".json"}
    found = [ROOT / name for name in SHOWN]
    for folder in FOLDERS:
        found += [p for p in sorted(folder.rglob("*")) if p.suffix in kinds]
    return Files([*theme, *(_file(path, config) for path in found)])


def _file(path: Path, config: MkDocsConfig) -> File:
    name = path.relative_to(ROOT).as_posix()
    if path.is_relative_to(PRODUCT):
        name = f"product/{path.relative_to(PRODUCT).as_posix()}"
    return File.generated(config, name, abs_src_path=str(path))
