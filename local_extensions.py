"""Looks at the answers before anything is written: a refusal is one line, with nothing on disk.

A hook that fails would make cookiecutter print its own traceback around our line.
"""

import keyword
import re
import sys

from click import ClickException
from cookiecutter.utils import simple_filter

# Top-level modules of what the project installs, and devices of Windows; a test keeps it true.
TAKEN = """
aiohappyeyeballs aiohttp aiosignal alembic annotated_doc annotated_types anyio attr attrs aux
blinker cachetools certifi cffi cfgv charset_normalizer click cloudpickle colorama com1 com2 com3
com4 com5 com6 com7 com8 com9 con contourpy cookiecutter cruft cryptography cycler databricks
databricks_sdk dateutil distlib docker dotenv execnet fastapi fastexcel filelock flask flask_cors
flatbuffers fonttools frozenlist fsspec git gitdb gitpython google google_auth graphene graphql
graphql_core graphql_relay gunicorn h11 httptools huey hypothesis identify idna importlib_metadata
iniconfig itsdangerous jinja2 joblib kiwisolver lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9 mako
markdown_it markdown_it_py markupsafe matplotlib mdurl ml_dtypes mlflow mlflow_skinny mlflow_tracing
mpl_toolkits multidict narwhals nodeenv nul numpy onnx onnxruntime opentelemetry opentelemetry_api
opentelemetry_proto opentelemetry_sdk opentelemetry_semantic_conventions orjson packaging pandas pil
pillow pip platformdirs pluggy polars polars_runtime_32 pre_commit prettytable prn prometheus_client
propcache protobuf psycopg py pyarrow pyasn1 pyasn1_modules pycparser pydantic pydantic_core
pygments pylab pyparsing pytest python_dateutil python_discovery python_dotenv pythoncom pywin32
pyyaml requests rich ruamel ruamel_yaml ruff rust_just s3fs scikit_learn scipy setuptools
shellingham six skl2onnx sklearn skops smmap sortedcontainers sqlalchemy sqlparse starlette test
tests threadpoolctl ty typer typing_extensions typing_inspection tzdata urllib3 uv uvicorn uvloop
virtualenv waitress wcwidth werkzeug wheel win32api win32con xdist yaml yarl zipp
""".split()
CONTROLS = r"[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff\ufffe\uffff]"


@simple_filter
def package_name(answers: dict[str, str]) -> str:
    """The import name that fits the slug.

    Raises:
        ClickException: an answer would make a broken project.
    """
    slug, owner = answers["__slug"], answers["github_owner"]
    package = ("m_" if slug[0].isdigit() else "") + slug.replace("-", "_")
    if not re.fullmatch("[a-z_]*[a-z][a-z0-9_]*", package):
        raise ClickException(f"project_slug {slug!r}: use letters, digits and hyphens.")
    if package in {*TAKEN, *sys.stdlib_module_names, *keyword.kwlist}:
        raise ClickException(
            f"project_slug {slug!r} names a module or a device; try '{slug}-model'."
        )
    if not re.fullmatch("[A-Za-z0-9](-?[A-Za-z0-9]){0,38}", owner):
        raise ClickException(
            f"github_owner {owner!r}: letters, digits and single hyphens, at most 39."
        )
    for key in ("project_name", "description", "author"):
        if re.search(CONTROLS, answers[key]):
            raise ClickException(f"{key} has control characters: type it without them.")
    return package
