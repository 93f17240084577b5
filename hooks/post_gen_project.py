"""Lays the files of each chosen option over the project and gives the tests its package's name."""

import shutil
from pathlib import Path

CHOSEN = {
    "license": "{{cookiecutter.license}}",
    "sample": "{{cookiecutter.sample}}",
    "deploy": "{{cookiecutter.deploy}}",
    "orchestrator": "{{cookiecutter.orchestrator}}",
    "other_ci": "{{cookiecutter.other_ci}}",
}
for question, answer in CHOSEN.items():
    for part in () if answer == "none" else ("shared", answer):  # shared: any answer brings it
        if (folder := Path("_options", question, part)).is_dir():
            shutil.copytree(folder, ".", dirs_exist_ok=True)
shutil.rmtree("_options")
for test in Path("tests").rglob("*.py"):
    text = test.read_text(encoding="utf-8").replace("your_package", "{{cookiecutter.__package}}")
    test.write_text(text, encoding="utf-8", newline="\n")
