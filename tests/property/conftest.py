"""How long tests that draw their input go on: ``HYPOTHESIS_PROFILE`` is quick (the default) or torture.

What the quick one finds, the other makes smaller when it is run next: that can take longer than a test may.
"""

import os

from hypothesis import HealthCheck, Phase, settings

# Examples differ in cost by orders of magnitude, and a disk or a server has its own pace: no time limits.
_COMMON = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)

settings.register_profile("quick", _COMMON, max_examples=60, stateful_step_count=25)
settings.register_profile(
    "torture", _COMMON, max_examples=5000, stateful_step_count=50, phases=[*_COMMON.phases, Phase.shrink]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
