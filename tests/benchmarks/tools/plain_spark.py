"""Plain PySpark and Delta, as scripts of a data engineer: each step is run by spark-submit."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

FOLDER = os.environ["FOLDER"]


def session(spark: SparkSession) -> None:
    """Nothing: what the start of Spark takes."""


def products(spark: SparkSession, path: str) -> None:
    rows = spark.read.schema("name string, sku string, description string").csv(
        path, header=True, multiLine=True, escape='"'
    )
    merge(spark, last_of_each_key(rows, "sku"), "products", "sku")


def products_agg(spark: SparkSession) -> None:
    counts = read(spark, "products").groupBy("name").agg(F.count("*").alias("no_of_products"))
    counts.write.format("delta").mode("overwrite").save(f"{FOLDER}/products_agg")


def export(spark: SparkSession) -> None:
    server = urlsplit(os.environ["DATABASE_URL"])
    database, user, password = f"{server.hostname}:{server.port}{server.path}", server.username, server.password
    options = {
        "url": f"jdbc:postgresql://{database}?reWriteBatchedInserts=true",
        "user": unquote(user or ""),
        "password": unquote(password or ""),
        "driver": "org.postgresql.Driver",
        "dbtable": f"{os.environ['SCHEMA']}.products_agg",
        "batchsize": "10000",
    }
    read(spark, "products_agg").write.format("jdbc").options(**options).mode("overwrite").save()


def requests(spark: SparkSession, path: str) -> None:
    parts = F.split("value", " ")
    rows = spark.read.text(path).select(
        F.to_timestamp(F.concat_ws(" ", parts[0], parts[1])).alias("requested_at"),
        F.to_date(parts[0]).alias("date"),
        parts[2].alias("customer_id"),
        parts[3].alias("request_path"),
        parts[4].cast("int").alias("status_code"),
        parts[5].cast("double").alias("duration"),
    )
    rows.write.format("delta").mode("append").partitionBy("date").save(f"{FOLDER}/requests")


def statistics(spark: SparkSession) -> None:
    success = "status_code BETWEEN 200 AND 299"
    rows = (
        read(spark, "requests")
        .groupBy("customer_id", "date")
        .agg(
            F.expr(f"count_if({success})").alias("success_requests"),
            F.expr(f"count_if(NOT {success})").alias("failed_requests"),
            F.expr("percentile_disc(0.5) WITHIN GROUP (ORDER BY duration)").alias("duration_p50"),
            F.expr("percentile_disc(0.99) WITHIN GROUP (ORDER BY duration)").alias("duration_p99"),
            F.avg("duration").alias("duration_mean"),
        )
    )
    rows.write.format("delta").mode("overwrite").save(f"{FOLDER}/resource_statistics_by_day")


def scores(spark: SparkSession, path: str) -> None:
    rows = spark.read.schema("id string, value decimal(38,9)").csv(path, sep="_")
    merge(spark, last_of_each_key(rows, "id"), "scores", "id")


def query(spark: SparkSession) -> None:
    ordered = read(spark, "products_agg").orderBy(F.desc("no_of_products"), "name").limit(20)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["name", "count"])
    writer.writerows(ordered.collect())


def read(spark: SparkSession, table: str) -> DataFrame:
    return spark.read.format("delta").load(f"{FOLDER}/{table}")


def last_of_each_key(rows: DataFrame, key: str) -> DataFrame:
    newest_first = Window.partitionBy(key).orderBy(F.desc("place"))
    placed = rows.withColumn("place", F.monotonically_increasing_id())
    return placed.withColumn("rank", F.row_number().over(newest_first)).where("rank = 1").drop("place", "rank")


def merge(spark: SparkSession, rows: DataFrame, table: str, key: str) -> None:
    path = f"{FOLDER}/{table}"
    if not DeltaTable.isDeltaTable(spark, path):
        rows.write.format("delta").save(path)
        return
    stored = DeltaTable.forPath(spark, path).alias("t").merge(rows.alias("s"), f"t.{key} = s.{key}")
    stored.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


STEPS: dict[str, Callable[..., None]] = {
    step.__name__: step for step in (session, products, products_agg, export, requests, statistics, scores, query)
}

if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    spark = SparkSession.builder.appName(name).getOrCreate()
    STEPS[name](spark, *arguments)
    spark.stop()
