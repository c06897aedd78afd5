"""Fixtures that give tests an S3 server; import them into a conftest. Needs the extra ``testing``.

One server per test session, MiniStack on the loopback interface, and a bucket of its own for each test. Where
``FS_S3_ENDPOINT`` is set, that server is used instead, with the credentials in ``AWS_ACCESS_KEY_ID`` and
``AWS_SECRET_ACCESS_KEY``; they must be allowed to create buckets. ``FaultyProxy`` stands before a server and
answers wrongly, or not at all, where a test says so.
"""

from platform_objectstore.testing.proxy import Fault, FaultyProxy
from platform_objectstore.testing.server import running_s3_server, s3_client, s3_server, s3_settings

__all__ = ["Fault", "FaultyProxy", "running_s3_server", "s3_client", "s3_server", "s3_settings"]
