"""What Spark's web page and event log hide: settings whose name or value `spark.redaction.regex` finds."""

from __future__ import annotations

import pytest

S3A, AZURE = "spark.hadoop.fs.s3a", "spark.hadoop.fs.azure"


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        (f"{S3A}.secret.key", "x", True),
        (f"{S3A}.bucket.b.access.key", "x", True),
        (f"{S3A}.session.token", "x", True),
        (f"{S3A}.encryption.key", "x", True),
        (f"{AZURE}.account.key.a.dfs.core.windows.net", "x", True),
        (f"{AZURE}.sas.c.a", "x", True),
        (f"{AZURE}.x", "https://a/c?sv=1&sig=x", True),
        ("javax.net.ssl.keyStorePassword", "x", True),
        ("spark.my.passphrase", "x", True),
        ("spark.my.pwd", "x", True),
        ("spark.my.credential", "x", True),
        ("spark.my.apiKey", "x", True),
        ("spark.executorEnv.SLUICE_DATABASE_URL", "postgresql://u:x@h/d", True),
        ("spark.hadoop.url", "jdbc:postgresql://h/d?user=u&password=x", True),
        ("sun.java.command", "SparkSubmit --conf spark.hadoop.fs.s3a.secret.key=x", True),
        (
            f"{S3A}.aws.credentials.provider",
            "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
            False,
        ),
        (f"{S3A}.endpoint", "http://127.0.0.1:9000", False),
        ("spark.master", "spark://master:7077", False),
        ("spark.sql.shuffle.partitions", "16", False),
        ("java.class.path", "/a/jars/*:/b/keys.jar", False),
    ],
)
def test_settings_with_secrets_are_hidden(spark, name, value, hidden):
    pattern = spark._jvm.java.util.regex.Pattern.compile(spark.conf.get("spark.redaction.regex"))
    assert any(pattern.matcher(text).find() for text in (name, value)) is hidden
