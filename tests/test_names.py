"""Wild answers: each yields a working project, or one line of refusal and nothing on disk."""

import subprocess
import sys
import tomllib
from html import escape, unescape
from pathlib import Path

import pytest
from click import ClickException
from conftest import TEMPLATE, bake_into
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WORKING = {
    "plain": ("Customer model", "customer-model", "customer_model"),
    "quotes": ('It\'s "my" `model`', "it-s-my-model", "it_s_my_model"),
    "accents": ("Modèle élevé", "modele-eleve", "modele_eleve"),
    "other script": ("日本語", "ri-ben-yu", "ri_ben_yu"),
    "emoji alone": ("🚀", "my-model", "my_model"),
    "emoji beside": ("Rocket 🚀 model", "rocket-model", "rocket_model"),
    "newlines": ("two\nlines", "two-lines", "two_lines"),
    "leading digits": ("3D model", "3d-model", "m_3d_model"),
    "backslash": ("a\\b", "a-b", "a_b"),
    "path": ("../../etc/passwd", "etc-passwd", "etc_passwd"),
    "dots": ("..", "my-model", "my_model"),
    "200 characters": ("word " * 40, None, None),
    "shell": ("$(touch pwned); `id`", "touch-pwned-id", "touch_pwned_id"),
    "markup": ("<script>alert(1)</script> & x", "script-alert-1-script-x", None),
}
REFUSED = ["class", "import", "json", "random", "test", "numpy", "mlflow", "scikit-learn"]
REFUSED += ["con", "nul", "lpt1", "polars", "uvicorn", "_", "__"]


@pytest.mark.parametrize(("title", "slug", "package"), WORKING.values(), ids=WORKING)
def test_a_wild_name_yields_a_project(title, slug, package, tmp_path):
    project = bake_into(tmp_path, project_name=title)
    assert [path.name for path in tmp_path.iterdir()] == [project.name]
    assert slug in (None, project.name)
    assert len(project.name) <= 50
    found = next(path.name for path in (project / "src").iterdir())
    assert found.isidentifier()
    assert package in (None, found)
    shown = unescape((project / "README.md").read_text(encoding="utf-8"))
    assert " ".join(title.split()) in shown


@pytest.mark.parametrize(
    "slug", ["a/b", "../up", "/etc/x", "C:\\x", "My Model", "x" * 200, "..", ""]
)
def test_a_wild_slug_stays_inside_the_folder(slug, tmp_path):
    (tmp_path / "here").mkdir()
    project = bake_into(tmp_path / "here", project_slug=slug)
    assert project.parent.resolve() == (tmp_path / "here").resolve()
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


@pytest.mark.parametrize("slug", REFUSED)
def test_a_name_that_cannot_work_is_refused_and_leaves_nothing(slug, tmp_path):
    with pytest.raises(ClickException) as refusal:
        bake_into(tmp_path, project_slug=slug)
    assert len(refusal.value.message.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "answers",
    [{"project_slug": "json"}, {"github_owner": "not an owner"}, {"author": "bell\x07"}],
    ids=["slug", "owner", "control characters"],
)
def test_the_command_refuses_in_one_line(answers, tmp_path):
    extra = [f"{key}={value}" for key, value in answers.items()]
    command = [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", *extra]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert len((done.stdout + done.stderr).strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


SENTENCES = {
    "quotes": """It's "quoted", 'twice' and ```thrice```""",
    "backslashes": r"C:\new\table \" \\ \N{BULLET} \u0041",
    "newlines": "one\ntwo\r\nthree\u2028four",
    "braces": "{% raw %}{{ 7*7 }}{# x #}",
    "markup": "<b>bold</b> & <script>alert(1)</script> [x](javascript:1) # h",
    "toml": 'x"\n[project]\nname = "evil',
    "emoji": "ship it 🚀 ✨",
    "python": '""" ; import os; os.abort() # """',
}


@pytest.mark.parametrize("sentence", SENTENCES.values(), ids=SENTENCES)
def test_a_description_is_data_everywhere(sentence, tmp_path):
    # Without a prompt cookiecutter takes an answer for a template: say the braces as one.
    given_answer = sentence.replace("{", "{{ '{' }}")
    project = bake_into(tmp_path, description=given_answer, author=given_answer)
    line = " ".join(sentence.split())
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["description"] == line
    assert metadata["authors"] == [{"name": line}]
    readme = (project / "README.md").read_text(encoding="utf-8")
    assert escape(line) in readme.replace("&#34;", "&quot;").replace("&#39;", "&#x27;")
    assert "<script>" not in readme
    assert line in (project / "LICENSE").read_text(encoding="utf-8")


ANSWERS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}#"), max_size=60)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(title=ANSWERS, slug=ANSWERS, sentence=ANSWERS)
def test_any_answer_is_a_project_or_a_refusal(title, slug, sentence, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    try:
        project = bake_into(folder, project_name=title, project_slug=slug, description=sentence)
    except ClickException as raised:
        refusal = raised.message
    else:
        refusal = None
    if refusal is not None:
        assert len(refusal.splitlines()) == 1
        assert not list(folder.iterdir())
        return
    assert list(folder.iterdir()) == [project]
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert metadata["project"]["description"] == " ".join(sentence.split())
    assert next(Path(project, "src").iterdir()).name.isidentifier()
