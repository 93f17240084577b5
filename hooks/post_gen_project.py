"""Lays the files of each chosen option over the project and gives the tests its package's name."""

import shutil
from pathlib import Path

CHOSEN = ["license/{{cookiecutter.license}}", "sample/{{cookiecutter.sample}}"]
for option in [*CHOSEN, "deploy/{{cookiecutter.deploy}}"]:
    shutil.copytree(Path("_options", option), ".", dirs_exist_ok=True)
shutil.rmtree("_options")
for test in Path("tests").rglob("*.py"):
    text = test.read_text(encoding="utf-8").replace("your_package", "{{cookiecutter.__package}}")
    test.write_text(text, encoding="utf-8", newline="\n")
