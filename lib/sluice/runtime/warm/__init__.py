"""A process that stays after its job and takes the next ones, so that these start neither Python nor Java.

`./spark-submit.sh` asks `client`, which finds such a process by the socket of its `identity`, or starts one: a `server`
that runs one job after another as if each were a process of its own. Job and wrapper talk by files as ever; beside them
only the start of a job and its exit code go through the socket.
"""
