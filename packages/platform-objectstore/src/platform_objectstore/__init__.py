"""``FileSystemInterface`` on object stores: S3 and what speaks like it, Google Cloud Storage, Azure."""

from platform_objectstore.azure import AzureFileSystem
from platform_objectstore.gcs import GcsFileSystem
from platform_objectstore.s3 import MinioFileSystem, S3FileSystem

__all__ = ["AzureFileSystem", "GcsFileSystem", "MinioFileSystem", "S3FileSystem"]
