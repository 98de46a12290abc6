"""The machines of the fleet."""

from leeway.testing.fleet.acts import Host

HOSTS: dict[str, Host] = {
    host.name: host
    for host in (
        Host("dev-ivy", windows=False, skew=-41, updates=(3, 8)),
        Host("dev-oak", windows=False, skew=12, updates=(4,), interpreters=(4,)),
        Host("gpu-elm", windows=False, skew=88, updates=(5,)),
        Host("gpu-ash", windows=False, skew=0, updates=(2, 6)),
        Host("ci-fir", windows=False, skew=-7, updates=(1, 2, 3, 4, 5, 8, 9)),
        Host("app-yew", windows=False, skew=3, updates=(6,)),
        Host("WS-LARCH", windows=True, skew=-88, updates=(3,)),
        Host("WS-MAPLE", windows=True, skew=25, updates=(3, 9)),
        Host("WS-CEDAR", windows=True, skew=-2, updates=(5,)),
        Host("WS-ROWAN", windows=True, skew=61, updates=(4,)),
    )
}
