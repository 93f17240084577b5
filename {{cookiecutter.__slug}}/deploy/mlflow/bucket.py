"""Makes the bucket of the bundles, or finds it made; the store may still be starting."""

import os
import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

SECONDS = 60


def make() -> None:
    """Ask for the bucket, and make it where it is missing."""
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    if "mlflow" not in {one["Name"] for one in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket="mlflow")


for left in reversed(range(SECONDS)):
    try:
        make()
        break
    except (BotoCoreError, ClientError) as error:
        if not left:
            sys.exit(f"The store gives no bucket: {error}")
        time.sleep(1)
