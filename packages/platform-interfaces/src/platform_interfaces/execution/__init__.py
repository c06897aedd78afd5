"""What executors are made of; only adapters of ``ExecutorInterface`` import it."""

from platform_interfaces.execution.messages import MAX_MESSAGE_BYTES, check_call, dump_message
from platform_interfaces.execution.remote_executor import RemoteExecutor
from platform_interfaces.execution.worker import Worker
from platform_interfaces.execution.worker_log import WorkerLogger, replay

__all__ = [
    "MAX_MESSAGE_BYTES",
    "RemoteExecutor",
    "Worker",
    "WorkerLogger",
    "check_call",
    "dump_message",
    "replay",
]
